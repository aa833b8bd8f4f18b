"""A terminal of 200x50 that a program can be run in and looked at: tmux, on a server of our own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path

COLUMNS, ROWS = 200, 50


class Screen:
    """One tmux server; at most one program at a time beside the pane that keeps it alive."""

    def __init__(self) -> None:
        self._name = f"mcptop-bench-{os.getpid()}"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-s", "keeper", "sleep 100000")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self._name, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def run(self, command: list[str], env: dict[str, str], stream: Path | None = None) -> int:
        """Start a program and return its pid. All it writes to the terminal also goes to `stream`."""
        settings = [f"{key}={value}" for key, value in env.items()]
        line = "exec " + shlex.join(["env", *settings, *command])
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        self._tmux("new-session", "-d", "-s", "tool", *size, line)
        if stream is not None:
            self._tmux("pipe-pane", "-t", "tool", f"exec cat > {shlex.quote(str(stream))}")
        return int(self._tmux("display-message", "-p", "-t", "tool", "#{pane_pid}"))

    def text(self) -> str:
        """What the terminal shows now; empty when the program has ended."""
        try:
            return self._tmux("capture-pane", "-p", "-t", "tool")
        except subprocess.CalledProcessError:
            return ""

    def wait_for(self, patterns: list[re.Pattern[str]], began: float, seconds: float) -> list[float | None]:
        """When each pattern was first seen, in seconds after `began`; None for those that were not."""
        seen: list[float | None] = [None] * len(patterns)
        while None in seen and time.monotonic() - began < seconds:
            text = self.text()
            now = time.monotonic() - began
            seen = [at if at is not None or not p.search(text) else now for at, p in zip(seen, patterns, strict=True)]
            time.sleep(0.01)
        return seen

    def stop(self) -> None:
        """End the program as closing the terminal would."""
        subprocess.run(["tmux", "-L", self._name, "kill-session", "-t", "tool"], capture_output=True)

    def close(self) -> None:
        """End everything."""
        subprocess.run(["tmux", "-L", self._name, "kill-server"], capture_output=True)
