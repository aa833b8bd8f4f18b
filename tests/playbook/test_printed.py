"""What is printed when nobody reads it, when its disk is full, and when its terminal lacks letters."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcptop.playbook import bundle
from tests.playbook import examples

ROOT = Path(__file__).parents[2]
Run = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The program in a folder with a bundle of a problem: exit code, output, complaint."""
    bundle.write(tmp_path / "x", examples.PROBLEM, ())

    def call(*arguments: str, stdout: int = subprocess.PIPE, **more: str) -> tuple[int, bytes, str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "DOCKER_HOST": "unix:///nonexistent/docker.sock"} | more
        done = subprocess.run(
            [sys.executable, "-m", "mcptop", *arguments], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
            stdout=stdout, stderr=subprocess.PIPE, timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr.decode()

    return call


COMMANDS = [
    (("judge", "x"), 3),
    (("judge", "x", "--json"), 3),
    (("judge", "none", "--json"), 2),
    (("playbooks", "list"), 0),
    (("playbooks", "list", "--json"), 0),
    (("playbooks", "show", "cpu-load"), 0),
    (("playbooks", "show", "cpu-load", "--yaml"), 0),
    (("playbooks", "steps"), 0),
    (("snapshot",), 0),
    (("snapshot", "--watch"), 0),
    (("demo", "--list-faults"), 0),
]
NAMES = [" ".join(command) for command, _ in COMMANDS]


@pytest.mark.parametrize(("command", "code"), COMMANDS, ids=NAMES)
def test_a_reader_who_has_gone_does_not_change_the_exit_code(command: tuple[str, ...], code: int, run: Run) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        found, _, complaint = run(*command, stdout=writes)
    finally:
        os.close(writes)
    assert found == code
    assert "Exception" not in complaint
    assert "BrokenPipe" not in complaint


@pytest.mark.parametrize("command", [command for command, _ in COMMANDS], ids=NAMES)
def test_a_full_disk_is_one_line(command: tuple[str, ...], run: Run) -> None:
    with open("/dev/full", "wb") as full:
        code, _, complaint = run(*command, stdout=full.fileno())
    assert code == 2
    says = "none: " if "none" in command else "stdout cannot be written: No space left on device\n"
    assert complaint.splitlines(keepends=True)[-1].startswith(f"mcptop: {says}")
    assert "Exception" not in complaint
    assert complaint.count("\n") == 1 + ("docker:" in complaint)


@pytest.mark.parametrize("arguments", [("judge", "x"), ("playbooks", "list"), ("doctor",)], ids=" ".join)
def test_a_terminal_that_lacks_letters_shows_what_it_can(arguments: tuple[str, ...], run: Run) -> None:
    code, text, complaint = run(*arguments, PYTHONIOENCODING="ascii")
    assert code in {"judge": (3,), "playbooks": (0,), "doctor": (0, 4)}[arguments[0]]
    assert text.isascii()
    assert text.count(b"\n") > 5
    assert complaint == ""
