"""Runs the real `mcptop snapshot` and finds things in what it prints.

Knows how long one may wait: `MCPTOP_TEST_PATIENCE` stretches every bound on slow machines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from containers import Container

Frame = dict[str, Any]
Instance = dict[str, Any]

ROOT = Path(__file__).parents[2]
PATIENCE = float(os.environ.get("MCPTOP_TEST_PATIENCE", "1"))
COMMAND = [sys.executable, "-m", "mcptop", "snapshot"]


def environment(**changes: str) -> dict[str, str]:
    """This environment, without the configuration of whoever runs the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MCPTOP_")}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | {"PYTHONPATH": path, "XDG_CONFIG_HOME": "/nonexistent"} | changes


def snapshot(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """`mcptop snapshot WORDS`, whatever comes of it."""
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, timeout=60 * PATIENCE, env=environment(**changes)
    )


def look(*words: str, **changes: str) -> Frame:
    """One document of `mcptop snapshot --json`, which must succeed."""
    done = snapshot("--json", *words, **changes)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def services(frame: Frame, container: Container) -> list[dict[str, Any]]:
    """The services that have this container as an instance: one, or something is wrong."""
    return [s for s in frame["services"] if any(i["id"] == container.id for i in s["instances"])]


def instance(frame: Frame, container: Container) -> Instance:
    """The container's part of a document."""
    found = [i for s in frame["services"] for i in s["instances"] if i["id"] == container.id]
    assert len(found) == 1, f"{container.name} is there {len(found)} times"
    return found[0]


def alerts(frame: Frame, container: Container) -> list[dict[str, Any]]:
    """What is wrong with the container."""
    return [alert for alert in frame["alerts"] if alert["subject"] == container.id]


class Watch:
    """`mcptop snapshot --watch --json`, read line by line; tests wait until a line satisfies them."""

    def __init__(self, *words: str, **changes: str) -> None:
        command = [*COMMAND, "--watch", "--json", *words]
        env = environment(**changes)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self._news = threading.Condition()
        self._frame: Frame | None = None
        self._count = 0
        self._complaints: list[bytes] = []
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._read, self._read_errors)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            frame = json.loads(line)
            with self._news:
                self._frame, self._count = frame, self._count + 1
                self._news.notify_all()
        with self._news:
            self._frame = None
            self._news.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self._complaints.extend(self.process.stderr)

    @property
    def complaints(self) -> str:
        """What it said on stderr so far."""
        return b"".join(self._complaints).decode()

    def next(self, seconds: float = 30) -> Frame:
        """A document that was printed after this call."""
        with self._news:
            seen = self._count
            self._news.wait_for(lambda: self._count > seen or self.process.poll() is not None, seconds * PATIENCE)
            assert self._frame is not None, f"no line from --watch; stderr: {self.complaints}"
            return self._frame

    def until(self, check: Callable[[Frame], None], seconds: float = 30) -> Frame:
        """Wait for a document that `check` does not object to; its last objection is the failure."""
        deadline = time.monotonic() + seconds * PATIENCE
        while True:
            frame = self.next()
            try:
                check(frame)
            except (AssertionError, TypeError):
                # TypeError: a figure is None, unknown, as all rates are at first.
                if time.monotonic() > deadline:
                    raise
            else:
                return frame

    def until_instance(self, container: Container, check: Callable[[Instance], None], seconds: float = 30) -> Instance:
        """`until`, for the part about one container; a failure shows that part."""

        def both(frame: Frame) -> None:
            found = instance(frame, container)
            try:
                check(found)
            except (AssertionError, TypeError) as error:
                error.add_note(json.dumps(found))
                raise

        return instance(self.until(both, seconds), container)

    def close(self) -> int:
        """End it as a user would; its exit status."""
        self.process.terminate()
        try:
            status = self.process.wait(timeout=20 * PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            for thread in self._threads:
                thread.join(timeout=5)
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()
        return status
