"""Actions from the dashboard in a real terminal; the dashboard after a shell, whatever that did to the terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
LIVES = "import signal, time; signal.signal(15, lambda *_: exit(0)); time.sleep(600)"
# Mouse reports, no line wrap, line drawing letters, a scroll region, red, no cursor, another screen; then raw and mute.
RUBBISH = r"printf '\033[?1000h\033[?1006h\033[?2004h\033[?7l\033(0\033[5;10r\033[31m\033[?25l\033[?1049h'"


class Terminal:
    """One of 120x36, on a tmux server of our own; a plain sh runs in it, so that what is left behind shows."""

    def __init__(self, folder: Path) -> None:
        self._name = f"mcptop-test-{os.getpid()}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "36", "-c", str(folder), "sh")

    def tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._name, *words], capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    def type(self, *keys: str) -> None:
        """Keys by their names, texts as they are."""
        self.tmux("send-keys", *keys)

    def text(self) -> str:
        return self.tmux("capture-pane", "-p")

    def wait(self, holds: Callable[[str], object]) -> str:
        """What it shows, when it holds."""
        deadline = time.monotonic() + 40
        while not holds(text := self.text()):
            assert time.monotonic() < deadline, text
        return text

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._name, "kill-server"], capture_output=True, timeout=60)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    made = Terminal(tmp_path)
    yield made
    made.close()


def shown(terminal: Terminal, whom, *flags: str) -> None:
    """The dashboard runs in it, and a container or whatever has a project and a service is the selected row."""
    command = shlex.join(
        [
            "env",
            "-u",
            "COLUMNS",
            "-u",
            "LINES",
            f"PYTHONPATH={ROOT}",
            sys.executable,
            "-m",
            "mcptop",
            "--interval",
            "0.5",
            *flags,
        ]
    )
    terminal.type(command, "Enter")
    terminal.wait(lambda text: f"● {whom.service} " in text)
    terminal.type("/", whom.project, "Enter")
    terminal.wait(lambda text: "clear filter" in text)
    terminal.type("Home", "Down")
    terminal.wait(lambda text: f"▌ ● {whom.service}" in text)


def test_there_and_back(start, terminal):
    one = start("shell-web", LIVES)
    shown(terminal, one, "--allow-actions")
    assert "actions on" in terminal.text()
    terminal.type("e")
    terminal.wait(lambda text: f"docker exec -it {one.name} sh -c" in text)
    terminal.type("y")
    terminal.wait(lambda text: f"@{one.id[:12]}:" in text)
    terminal.type(f"hostname > /here; {RUBBISH}; stty raw -echo; exit 3", "Enter")
    text = terminal.wait(lambda text: "actions on" in text and "live 0.5s" in text and f"▌ ● {one.service}" in text)
    assert text.startswith(" mcptop ")
    assert len([line for line in text.splitlines() if line.strip()]) > 8
    assert subprocess.run(["docker", "exec", one.name, "cat", "/here"], capture_output=True).stdout.strip()
    assert "\x0e" not in terminal.tmux("capture-pane", "-p", "-e"), "its letters are still lines"
    terminal.type("X")
    text = terminal.wait(lambda text: "command log" in text)
    assert f"✔ docker exec -it {one.name} sh -c" in text
    assert "exit code 3" in text
    leave(terminal)


def leave(terminal: Terminal) -> None:
    """Quit, and find the terminal as it was."""
    terminal.type("q")
    terminal.wait(lambda text: "actions on" not in text and "command log" not in text)
    terminal.type("stty -a; echo done=$?", "Enter")
    text = terminal.wait(lambda text: "done=0" in text)
    assert " icanon" in text
    assert " echo " in text
    flags = terminal.tmux("display-message", "-p", "#{mouse_any_flag} #{cursor_flag} #{wrap_flag} #{alternate_on}")
    assert flags.split() == ["0", "1", "1", "0"]


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in map(int, children) for found in (child, *descendants(child))]


def test_a_docker_program_that_is_killed_leaves_a_good_terminal(start, terminal):
    one = start("shell-web", LIVES)
    shown(terminal, one, "--allow-actions")
    terminal.type("e")
    terminal.wait(lambda text: f"docker exec -it {one.name} sh -c" in text)
    terminal.type("y")
    terminal.wait(lambda text: f"@{one.id[:12]}:" in text)
    below = descendants(int(terminal.tmux("display-message", "-p", "#{pane_pid}")))
    program = [pid for pid in below if b"exec\0-it\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    # It had the terminal raw, and cannot put it back any more.
    os.kill(program[-1], signal.SIGKILL)
    terminal.wait(lambda text: "actions on" in text and "ended by SIGKILL" in text)
    leave(terminal)


def test_a_container_that_ends_under_the_shell(start, terminal):
    one = start("shell-web", LIVES)
    shown(terminal, one, "--allow-actions")
    terminal.type("e")
    terminal.wait(lambda text: f"docker exec -it {one.name} sh -c" in text)
    terminal.type("y")
    terminal.wait(lambda text: f"@{one.id[:12]}:" in text)
    subprocess.run(["docker", "kill", one.name], capture_output=True, check=True, timeout=60)
    terminal.wait(lambda text: "actions on" in text and f"{one.service}" in text and "exit code 137" in text)


def test_without_the_flag_both_keys_say_how(start, terminal):
    one = start("shell-web", LIVES)
    shown(terminal, one)
    assert "actions on" not in terminal.text()
    terminal.type("e")
    terminal.wait(lambda text: "start mcptop with --allow-actions" in text)
    terminal.type("x")
    terminal.type("?")
    # The notice stands already; the help comes after whatever `x` did.
    text = terminal.wait(lambda text: "KEYS" in text)
    assert "act on" not in text
    assert "docker exec" not in text


def test_a_restart_from_the_menu(start, terminal):
    one = start("menu-web", LIVES)
    before = one.pid
    shown(terminal, one, "--allow-actions")
    terminal.type("x")
    terminal.wait(lambda text: f"act on {one.name}" in text)
    terminal.type("Down", "Enter")
    terminal.wait(lambda text: f"restart {one.name}?" in text and f"docker restart {one.name}" in text)
    terminal.type("y")
    terminal.wait(lambda text: f"restarted {one.name}" in text)
    assert one.pid != before


def test_a_signal_to_a_host_process(terminal):
    whom = SimpleNamespace(project=f"mcptop-test-{os.getpid()}", service="lonely-process")
    names = {"MCPTOP_PROJECT": whom.project, "MCPTOP_SERVICE": whom.service}
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=os.environ | names)
    try:
        shown(terminal, whom, "--allow-actions")
        terminal.type("x")
        terminal.wait(lambda text: f"kill -… {process.pid}" in text)
        terminal.type("Enter")
        terminal.wait(lambda text: f"kill -TERM {process.pid}" in text)
        terminal.type("Enter")
        terminal.wait(lambda text: f"(pid {process.pid})" in text)
        terminal.type("y")
        assert process.wait(60) == -signal.SIGTERM
    finally:
        process.kill()
        process.wait()
