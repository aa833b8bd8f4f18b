"""The real program in a real terminal under random bytes: it ends as it is told to and leaves the terminal whole."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import pytest
from terminal import Terminal, storm

from tests.unit import recorded

ROOT = str(Path(__file__).parents[2])


def environment(folder: Path) -> dict[str, str]:
    """Nothing of this user's, and no engine."""
    own = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "PYTHONPATH": ROOT, "TERM": "xterm-256color"}
    return os.environ | own | {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


def leave(terminal: Terminal, ending: str) -> int | None:
    """Let it end; its exit code."""
    if ending == "TERM":
        os.kill(terminal.pid, signal.SIGTERM)
        return terminal.end()
    terminal.type(b"\x1b[201~")  # a paste that never ended takes everything
    for _ in range(12):  # out of menus, one at a time: two escapes at once are another key
        terminal.type(b"\x1b")
        terminal.read(0.3)
    terminal.type(b"q")
    return terminal.end()


@pytest.mark.parametrize(("seed", "replay"), [(1, False), (2, True)])
@pytest.mark.parametrize("ending", ["q", "TERM"])
def test_the_terminal_is_left_whole(seed, replay, ending, tmp_path):
    command = [sys.executable, "-m", "mcptop"]
    if replay:
        command += ["replay", str(recorded.write(tmp_path / "it.rec", recorded.ticks(60)))]
    terminal = Terminal(command, environment(tmp_path), tmp_path)
    try:
        assert terminal.wait_for(b"\x1b[?1049h")
        terminal.read(1.0)
        storm(terminal, random.Random(seed), 120)
        code = leave(terminal, ending)
        (tmp_path / "output").write_bytes(terminal.output)
        assert terminal.faults() == [], f"see {tmp_path / 'output'}"
        assert code == 0
    finally:
        terminal.close()
