"""The programs that are compared: how each is started, and how its delivered samples are counted.

A sample is a container's figures that differ from those before: repeating a stale line is no sample.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from screen import Screen

ROOT = Path(__file__).parents[2]
CONTAINER = re.compile(r"load-\d+")
WITH_CPU = re.compile(r"load-\d+\S*\s+(?:\S+\s+)?\d+(?:\.\d+)?\s*%")
MCPTOP = [sys.executable, "-m", "mcptop"]
PEERS = {"ctop": ["ctop"], "lazydocker": ["lazydocker"], "oxker": ["oxker"], "glances": ["glances", "-t", "1"]}


class Changes:
    """Counts, by container, how often its figures changed."""

    def __init__(self) -> None:
        self.count = 0
        self._last: dict[str, object] = {}

    def see(self, name: str, figures: object) -> None:
        """Figures of a container, in the order they were delivered."""
        if self._last.get(name) != figures:
            self._last[name] = figures
            self.count += 1


class Piped:
    """`mcptop snapshot --watch --json` into a pipe, read as it comes."""

    name = "mcptop watch"
    first_rows_s: float | None = None
    first_cpu_s: float | None = None

    def __init__(self, run: str) -> None:
        self._run = run

    def start(self) -> int:
        self.changes = Changes()
        command = [*MCPTOP, "snapshot", "--watch", "--json"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ) | _environment())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            for service in json.loads(line)["services"]:
                for each in service["instances"] if service["kind"] == "container" else ():
                    if each["name"].startswith(self._run):
                        # The CPU figure is a rate of two counters and their times: never twice the same by chance.
                        self.changes.see(each["id"], (each["cpu"]["cores"], each["memory"]["usage_bytes"]))

    def samples(self) -> int | None:
        return self.changes.count

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()


class OnScreen:
    """A program with a screen of its own."""

    def __init__(self, name: str, command: list[str], screen: Screen) -> None:
        self.name, self._command, self._screen = name, command, screen
        self.first_rows_s: float | None = None
        self.first_cpu_s: float | None = None

    def start(self) -> int:
        began = time.monotonic()
        pid = self._screen.run(self._command, _environment(), self._stream())
        self.first_rows_s, self.first_cpu_s = self._screen.wait_for([CONTAINER, WITH_CPU], began, 10)
        return pid

    def _stream(self) -> Path | None:
        return None

    def samples(self) -> int | None:
        """Not to be told from a screen that shows only some of the rows."""
        return None

    def stop(self) -> None:
        self._screen.stop()


class DockerStats(OnScreen):
    """`docker stats`; what it writes to the terminal has all rows, also those below the last line."""

    _ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

    def __init__(self, screen: Screen, run: str) -> None:
        super().__init__("docker stats", ["docker", "stats"], screen)
        self._row = re.compile(rf"({run}\S*)\s+([0-9.]+%.*)")
        self._file = Path(tempfile.mkdtemp(prefix="mcptop-bench-")) / "stream"

    def _stream(self) -> Path:
        self._file.write_bytes(b"")
        return self._file

    def samples(self) -> int:
        changes = Changes()
        for line in self._file.read_text(errors="replace").splitlines():
            if found := self._row.search(self._ESCAPE.sub("", line)):
                changes.see(found[1], found[2].strip())
        return changes.count

    def close(self) -> None:
        shutil.rmtree(self._file.parent, ignore_errors=True)


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def all_of_them(screen: Screen, run: str) -> list[Piped | OnScreen]:
    """mcptop in both forms, `docker stats`, and the peers that are installed."""
    peers = [OnScreen(name, command, screen) for name, command in PEERS.items() if shutil.which(name)]
    return [OnScreen("mcptop", MCPTOP, screen), DockerStats(screen, run), Piped(run), *peers]
