"""`mcptop record` and `mcptop replay` as programs: how they end, and what is in the file then."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcptop.recording.errors import RecordingError
from mcptop.recording.parts import Existing
from mcptop.recording.reader import Losses, Reader
from tests.unit.recorded import NOON, live, ticks, write

NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock", "NO_COLOR": "1"}
INTERVAL_S = 0.2


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mcptop", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=os.environ | NO_ENGINE, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


@contextlib.contextmanager
def recording(file: Path, *arguments: str, **about: object) -> Iterator[subprocess.Popen[str]]:
    words = command("record", str(file), "--interval", str(INTERVAL_S), "--no-scrape", *arguments)
    with subprocess.Popen(words, env=os.environ | NO_ENGINE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, **about) as child:  # type: ignore[call-overload]  # fmt: skip
        try:
            yield child
        finally:
            child.kill()


def times(file: Path) -> list[float]:
    """Of all samples, each read; none while there is no file."""
    try:
        reader = Reader(file)
    except RecordingError:
        return []
    assert reader.losses == Losses()
    try:
        return [snapshot.at.timestamp() for snapshot in reader.snapshots(0)]
    finally:
        reader.close()


def until(true: Callable[[], bool], child: subprocess.Popen[str], seconds: float = 30) -> None:
    """Until it is true; what runs beside us decides when, so there is nothing but to look again."""
    deadline = time.monotonic() + seconds
    while not true():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        select.select([], [], [], 0.02)


def test_kill_9_loses_at_most_the_last_second(tmp_path: Path) -> None:
    file = tmp_path / "box.rec"
    with recording(file) as child:
        until(lambda: len(times(file)) >= 10, child)
        killed_at = datetime.now(UTC).timestamp()
        child.kill()
        child.wait()
    found = times(file)
    assert len(found) >= 10
    assert killed_at - found[-1] < 1.0
    assert run("replay", str(file), "--info").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_ends_it_gets_one_line_and_a_whole_file(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "box.rec"
    with recording(file) as child:
        until(lambda: len(times(file)) >= 3, child)
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (0, "")
    samples = len(times(file))
    assert re.fullmatch(
        rf"mcptop: {re.escape(str(file))}: {samples} samples in [\d.]+s, [\d.]+ \w+; `mcptop replay .*` shows it\n", err
    )


def test_it_ends_by_itself_when_it_was_told_how_long(tmp_path: Path) -> None:
    file = tmp_path / "box.rec"
    done = run("record", str(file), "--interval", "0.2", "--duration", "1s")
    assert done.returncode == 0
    assert 4 <= len(times(file)) <= 7


def test_a_full_disk_ends_it_with_one_line(tmp_path: Path) -> None:
    file, limit = tmp_path / "box.rec", 40_000
    with recording(
        file, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    ) as child:  # fmt: skip
        _, err = child.communicate(timeout=60)
    samples = len(times(file))
    assert child.returncode == 2
    assert err == f"mcptop: {file}: no more room (File too large); the {samples} samples before are kept\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a small disk")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a small disk cannot be made here: {made.stderr.decode()}")
    try:
        with recording(disk / "box.rec") as child:
            _, err = child.communicate(timeout=60)
        samples = len(times(disk / "box.rec"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert child.returncode == 2
    assert err.endswith(f"no more room (No space left on device); the {samples} samples before are kept\n")
    assert samples > 3


def test_a_status_line_is_for_terminals_only(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    words = command("record", str(tmp_path / "box.rec"), "--interval", "0.2", "--duration", "1s")
    with subprocess.Popen(words, env=os.environ | NO_ENGINE, stdin=slave, stdout=slave, stderr=slave) as child:
        os.close(slave)
        assert child.wait(60) == 0
    shown = os.read(master, 1 << 16).decode()
    os.close(master)
    assert "\r\x1b[2Krecording" in shown
    assert "Ctrl+C ends it" in shown


def test_a_moment_is_the_document_that_was_shown_then(tmp_path: Path) -> None:
    file = write(tmp_path / "box.rec", ticks(100))
    documents = live(ticks(100), 100)
    for at, index in (("12:01:00", 60), ("2026-01-31T13:01:00.900+01:00", 60), ("-9s", 90), ("+5s", 5)):
        done = run("replay", str(file), "--at", at, "--json")
        found = json.loads(done.stdout)
        del found["self"]
        assert found == documents[index]
    only = json.loads(run("replay", str(file), "--json", "--service", "shop/api").stdout)
    assert [each["name"] for each in only["services"]] == ["api"]


def test_info_says_what_is_in_it_and_what_is_not(tmp_path: Path) -> None:
    file = write(tmp_path / "box.rec", ticks(100))
    write(file, ticks(30, start=NOON + timedelta(hours=1)), existing=Existing.APPEND, max_age_s=1e9)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    found = json.loads(run("replay", str(file), "--info", "--json").stdout)
    assert found["schema"] == "mcptop.recording/1"
    assert (found["first"], found["last"]) == ("2026-01-31T12:00:00Z", "2026-01-31T13:00:29Z")
    assert (found["host"], found["interval_s"], found["services"]) == ("box", 1.0, ["cron", "shop/api", "shop/worker"])
    assert found["samples"] == 130 - found["losses"]["ticks"] - 1
    assert found["losses"]["holes"] == 1
    assert found["gaps"][-1]["until"] == "2026-01-31T13:00:00Z"
    text = run("replay", str(file), "--info").stdout
    assert "losses" in text
    assert "cannot be read" in text


def test_a_replay_plays_in_a_terminal(tmp_path: Path) -> None:
    file = write(tmp_path / "box.rec", ticks(100))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    env = os.environ | NO_ENGINE | {"TERM": "xterm-256color"}
    with subprocess.Popen(
        command("replay", str(file), "--at", "+50s"), env=env, stdin=slave, stdout=slave, stderr=slave
    ) as child:
        os.close(slave)
        seen, deadline = b"", time.monotonic() + 60
        while b"unhealthy" not in seen and time.monotonic() < deadline:
            if select.select([master], [], [], 1)[0]:
                seen += os.read(master, 1 << 16)
        os.write(master, b"q")
        while child.poll() is None and time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    os.read(master, 1 << 16)
        child.kill()
    os.close(master)
    assert b"worker" in seen
    assert child.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("replay", "/nonexistent/box.rec"), "needs a terminal"),
        (("replay", "/nonexistent/box.rec", "--info"), "/nonexistent/box.rec: no such recording"),
        (("replay", "{notes}", "--json"), "not a recording of mcptop (`mcptop record` makes them)"),
        (("replay", "{notes}", "--info", "--at", "12:00"), "--info is about the whole recording"),
        (("replay", "{notes}", "--service", "x"), "--service goes with --json"),
        (("record", "{notes}"), "is there already: --append goes on with it, --force begins anew"),
        (("record", "{notes}", "--append"), "not a recording of mcptop, so nothing is appended to it"),
        (("record", "{notes}", "--append", "--force"), "exclude each other"),
        (("record", "/nonexistent/box.rec"), "cannot be written (No such file or directory)"),
        (("record", "{new}", "--max-size", "big"), "--max-size big: expected a size such as 200MiB"),
        (("record", "{new}", "--max-size", "1K"), "at least 1MiB"),
        (("record", "{new}", "--max-age", "soon"), "--max-age"),
        (("record", "{new}", "--max-age", "1s"), "at least 60s"),
        (("record", "{new}", "--duration", "x"), "--duration"),
        (("record", "{new}", "--interval", "99"), "--interval"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    notes, new = tmp_path / "notes", tmp_path / "new.rec"
    notes.write_text("my notes")
    done = run(*(each.format(notes=notes, new=new) for each in arguments))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert says in done.stderr
    assert notes.read_text() == "my notes"
    assert os.listdir(tmp_path) == ["notes"]


def test_a_mistake_is_a_document_where_one_was_asked_for(tmp_path: Path) -> None:
    done = run("replay", str(tmp_path / "x"), "--json")
    assert json.loads(done.stdout)["schema"] == "mcptop.error/1"
    assert done.returncode == 2
