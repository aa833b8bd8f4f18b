"""Runs the real `mcptop demo` for tests, switches its faults as the dashboard does, and waits for what shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from evidence import Look, Metrics, look, scrape

from mcptop.demo.faults.catalogue import parse
from mcptop.demo.switchboard import Switchboard

ROOT = Path(__file__).parents[2]
PATIENCE = float(os.environ.get("MCPTOP_TEST_PATIENCE", "1"))
COMMAND = [sys.executable, "-m", "mcptop", "demo"]

Seen = TypeVar("Seen")


def environment(**changes: str) -> dict[str, str]:
    """This environment without what its user set for mcptop or for such services."""
    ours = ("MCPTOP_", "DATABASE_URL", "REDIS_URL")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | {"PYTHONPATH": path, "XDG_CONFIG_HOME": "/nonexistent"} | changes


def until(check: Callable[[], Seen], seconds: float = 30.0) -> Seen:
    """What `check` returns once it does not object; its last objection is the failure."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        try:
            return check()
        except (AssertionError, OSError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def hear_interrupts() -> None:
    """A shell has its background jobs ignore Ctrl+C, and what they start as well."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Demo:
    """A running demo."""

    def __init__(self, *words: str, **changes: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--headless", "--json", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**changes),
            preexec_fn=hear_interrupts,
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr
            raise AssertionError(f"the demo did not start: {self.process.stderr.read()}")
        self.document: dict[str, Any] = json.loads(line)
        if "error" in self.document:
            self.process.wait()
            raise AssertionError(self.document["error"])
        self.folder = Path(self.document["folder"])
        self.services: dict[str, str] = self.document["services"]
        self.board = Switchboard(self.folder)

    def look(self, service: str) -> Look:
        """At the process."""
        return look(self.pids[service])

    @property
    def pids(self) -> dict[str, int]:
        """Service -> process id, by what the keeper's children announce; works while a service hangs."""
        keeper = self.document["keeper"]
        children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        named = ((_announced(pid), int(pid)) for pid in children)
        return {service: pid for service, pid in named if service}

    def metrics(self, service: str) -> Metrics:
        """Its metrics page."""
        return scrape(self.services[service])

    @contextmanager
    def fault(self, text: str) -> Iterator[None]:
        """On inside the block."""
        fault, dose = parse(text)
        self.board.turn_on(fault, dose)
        try:
            yield
        finally:
            self.board.turn_off(fault)

    def settle(self) -> None:
        """Wait until requests are answered as usual again: what a fault held up is worked off."""

        def usual() -> None:
            api, worker = self.metrics("mcp-api"), self.metrics("mcp-worker")
            assert api.get("mcp_connection_pool_waiting", pool="requests") == 0
            assert worker.get("mcp_queue_depth") <= 2
            assert worker.get("mcp_queue_in_flight") <= 8

        until(usual, 60)

    def close(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it; its exit status and what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60 * PATIENCE)
        return self.process.returncode, said


def _announced(pid: str) -> str:
    """The service of a process; nothing while it is not that program yet."""
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(each.partition("=")[::2] for each in variables).get("MCPTOP_SERVICE", "")
