"""The real `mcptop exporter` as a process."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(**changes: str) -> dict[str, str]:
    """This environment without what its user set for mcptop."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MCPTOP_")}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | {"PYTHONPATH": path, "XDG_CONFIG_HOME": "/nonexistent"} | changes


def command(*words: str) -> list[str]:
    """What runs it."""
    return [sys.executable, "-m", "mcptop", "exporter", *words]


class Exporter:
    """A running one, on a free port unless `words` say otherwise; it listens."""

    def __init__(self, *words: str, **changes: str) -> None:
        asked = words if "--listen" in words else ("--listen", "127.0.0.1:0", *words)
        self.process = subprocess.Popen(
            command(*asked), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**changes),
            preexec_fn=_hear_interrupts,
        )  # fmt: skip
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.close()[1])
        self.url = line.split()[-1]

    @property
    def address(self) -> str:
        """`host:port`."""
        return self.url.split("/")[2]

    def get(self, path: str = "/metrics", token: str = "", ca: Path | None = None) -> str:
        """A page of it. Raises OSError, for a refusal too."""
        request = urllib.request.Request(self.url.removesuffix("/metrics") + path)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        context = ssl.create_default_context(cafile=str(ca)) if ca else None
        handlers = [urllib.request.ProxyHandler({})] + (
            [urllib.request.HTTPSHandler(context=context)] if context else []
        )
        with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
            return str(answer.read().decode())

    def close(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it; its exit status and what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def __enter__(self) -> Exporter:
        return self

    def __exit__(self, *_: object) -> None:
        status, said = self.close()
        assert status == 0, said
        assert "Traceback" not in said


def _hear_interrupts() -> None:
    """A shell has its background jobs ignore Ctrl+C, and what they start as well."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
