"""Log files of real processes: what was there, what comes, rotation, truncation, floods, and what cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcptop.sources.log_box import Window
from mcptop.sources.log_process import ProcessLog
from mcptop.sources.procfs import Roots
from tests.following import Following
from tests.playbook.step_world import needs_root

# Does what it is told, a line an order: says something, or opens its file anew.
ORDERED = """
import os, sys
for order in sys.stdin:
    word, _, text = order.strip().partition(" ")
    if word == "reopen":
        fd = os.open(text, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(fd, 1); os.close(fd)
    elif word == "flood":
        os.write(1, b"".join(b"flood %d and so on and so on and so on\\n" % n for n in range(int(text))))
    else:
        os.write(2 if word == "err" else 1, text.encode() + b"\\n")
"""
Child = subprocess.Popen[str]


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    with open(tmp_path / "out", "ab") as out, open(tmp_path / "err", "ab") as err:
        child = subprocess.Popen(
            ["python3", "-c", ORDERED], stdin=subprocess.PIPE, stdout=out, stderr=err, text=True, bufsize=1
        )
    yield child
    child.kill()
    child.wait()
    if child.stdin:
        child.stdin.close()


def order(child: Child, *orders: str) -> None:
    assert child.stdin is not None
    for each in orders:
        child.stdin.write(each + "\n")


def follow(child: Child, window: Window | None = None, box: int = 100_000) -> Following:
    return Following(ProcessLog(Roots(), child.pid, "worker", window or Window()), box)


def says(line: bytes) -> Callable[[Following], object]:
    return lambda log: line in log.text


def test_what_was_there_and_what_comes_of_both_streams(child: Child, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("".join(f"old {n}\n" for n in range(100)))
    with follow(child, Window(lines=3)) as log:
        log.until(says(b"old 99\n"))
        order(child, "out hello", "err trouble")
        log.until(lambda log: len(log.lines) >= 5)
    assert sorted(log.lines) == [
        (1, b"hello\n"),
        (1, b"old 97\n"),
        (1, b"old 98\n"),
        (1, b"old 99\n"),
        (2, b"trouble\n"),
    ]


def test_a_window_of_seconds_by_the_times_of_the_lines(child: Child, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("2020-01-01T00:00:00Z old\n  of old\n2999-01-01T00:00:00Z new\n  of new\n")
    with follow(child, Window(seconds=60.0)) as log:
        log.until(says(b"of new"))
    assert log.text == b"2999-01-01T00:00:00Z new\n  of new\n"


def test_renamed_and_opened_anew(child: Child, tmp_path: Path) -> None:
    with follow(child) as log:
        order(child, "out one")
        log.until(says(b"one"))
        (tmp_path / "out").rename(tmp_path / "out.1")
        order(child, "out two", f"reopen {tmp_path / 'out'}", "out three")
        log.until(says(b"three"))
        assert log.text == b"one\ntwo\nthree\n"
        assert log.said == [f"{tmp_path / 'out'} is a new file"]


def test_copied_and_truncated(child: Child, tmp_path: Path) -> None:
    with follow(child) as log:
        order(child, "out a long line before")
        log.until(says(b"before"))
        os.truncate(tmp_path / "out", 0)
        log.until(lambda log: log.marks)
        order(child, "out after")
        log.until(says(b"after\n"))
        assert log.said == [f"{tmp_path / 'out'} was truncated"]


def test_a_deleted_file_goes_on(child: Child, tmp_path: Path) -> None:
    (tmp_path / "out").unlink()
    with follow(child) as log:
        order(child, "out unseen by the folder")
        log.until(says(b"unseen"))


def test_the_end_of_the_process_is_the_end(child: Child) -> None:
    with follow(child) as log:
        order(child, "out last words")
        log.until(says(b"last words"))
        child.kill()
        child.wait()
        log.until(lambda log: log.ended)
        assert log.said == ["the process has ended"]


def test_last_words_without_a_line_end(child: Child, tmp_path: Path) -> None:
    with follow(child) as log:
        order(child, "out ready")
        log.until(says(b"ready"))
        with open(tmp_path / "out", "ab") as file:
            file.write(b"no end")
        child.kill()
        child.wait()
        log.until(lambda log: log.ended)
        assert log.text == b"ready\nno end"


@needs_root
def test_a_file_one_may_not_read_is_one_clear_line(child: Child) -> None:
    code = (
        "import os\n"
        "from mcptop.sources.log_box import *\nfrom mcptop.sources.log_process import *\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"log = ProcessLog(Roots(), {child.pid}, 'worker', Window())\n"
        "try:\n    log.follow(LogBox())\nexcept LogError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"worker: /proc/{child.pid}/fd may not be read: run as root\n"


@needs_root
def test_one_file_that_may_not_be_read_leaves_the_others_and_no_descriptor(tmp_path: Path) -> None:
    # Both are given to the reader open; of those, another user's file cannot be opened once more.
    tmp_path.chmod(0o755)
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(folder.stat().st_mode | 0o011)
    out, err = tmp_path / "out", tmp_path / "err"
    out.write_text("readable\n")
    err.write_text("secret\n")
    out.chmod(0o644)
    err.chmod(0o600)
    code = (
        "import os, subprocess, sys, threading\n"
        "from mcptop.sources.log_box import *\nfrom mcptop.sources.log_process import *\n"
        f"out, err = open({str(out)!r}, 'a'), open({str(err)!r}, 'a')\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "child = subprocess.Popen(['sleep', '1000'], stdout=out, stderr=err)\n"
        "log, box = ProcessLog(Roots(), child.pid, 'worker', Window()), LogBox()\n"
        "before = sorted(os.listdir('/proc/self/fd'))\n"
        "thread = threading.Thread(target=log.follow, args=(box,)); thread.start()\n"
        "items = []\n"
        "while len(items) < 2 and thread.is_alive(): items += box.take().items; thread.join(0.01)\n"
        "log.close(); thread.join(); child.kill(); child.wait()\n"
        "print([each.says if isinstance(each, Mark) else each[2] for each in items])\n"
        "print(sorted(os.listdir('/proc/self/fd')) == before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"['{err} may not be read: run as root', b'readable\\n']\nTrue\n", done.stderr


def descriptors_of(path: Path) -> int:
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
    return sum(link.is_symlink() and os.readlink(link).startswith(str(path)) for link in links)


def test_no_descriptor_is_left_after_many_rotations(child: Child, tmp_path: Path) -> None:
    with follow(child) as log:
        for number in range(3):
            order(child, f"out of {number}")
            log.until(says(f"of {number}".encode()))
            (tmp_path / "out").rename(tmp_path / f"out.{number}")
            order(child, f"reopen {tmp_path / 'out'}")
            log.until(lambda log, number=number: len(log.said) == number + 1)  # type: ignore[misc]
        assert descriptors_of(tmp_path) == 2
    assert descriptors_of(tmp_path) == 0


def test_what_is_too_much_is_counted(child: Child) -> None:
    with follow(child, box=100) as log:
        order(child, "out ready")
        log.until(says(b"ready"))
        order(child, "flood 60000", "out done")
        log.until(lambda log: log.text.endswith(b"done\n"))
        assert log.skipped + len(log.lines) == 60_002
        assert log.skipped > 50_000


def test_output_that_goes_to_no_file() -> None:
    with subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        with follow(child) as log:  # type: ignore[arg-type]
            log.until(lambda log: log.ended)
        child.kill()
    assert str(log.error) == "worker: its output goes to no file (a pipe, a terminal, the journal?): not readable"


def test_a_process_that_is_gone() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    with follow(child) as log:  # type: ignore[arg-type]
        log.until(lambda log: log.ended)
    assert log.error is not None
