"""`logs`: real files that processes write, recorded answers of engines and journals, and what lines say."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import StepFailure
from mcptop.playbook.steps.log_lines import recent, said
from mcptop.playbook.steps.log_sources import About
from mcptop.sources.log_tail import came, tail
from tests.playbook.step_world import READY, as_nobody, looked, needs_root, process, read, running

WRITES = """
import sys, time
for at in range(1000):
    print(f"ERROR request {at} failed: Errno 24 Too many open files", flush=True)
print("ready", file=sys.stderr, flush=True)
while True:
    print(f"request {time.monotonic_ns()} done", flush=True)
    time.sleep(0.01)
"""


def test_the_end_of_the_file_standard_output_goes_to(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as file, running(WRITES, stdout=file, stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == b"ready\n"
        (tmp_path / "out").unlink()
        found, _ = looked("logs", process(child.pid), lines=200, over=0.5)
    assert found["lines"] == 200
    assert found["count"]["too_many_files"] == found["count"]["errors"] > 0
    assert found["count"]["no_space"] == 0
    assert (found["repeated_text"], found["repeated"] > 100) == (
        "ERROR request # failed: Errno # Too many open files",
        True,
    )
    assert found["last_error"] == "ERROR request 999 failed: Errno 24 Too many open files"
    assert found["lines_per_s"] > 1
    assert found["bytes_per_s"] > found["lines_per_s"]
    assert found["age_s"] < 60
    assert found["where"] == str(tmp_path / "out")


def test_without_one_a_file_that_is_called_like_a_log(tmp_path: Path) -> None:
    program = "import sys\nlog = open(sys.argv[1], 'w')\nprint('CRITICAL out', file=log, flush=True)\n" + READY
    with running(program, str(tmp_path / "service.log"), stderr=subprocess.DEVNULL) as child:
        found, _ = looked("logs", process(child.pid), over=0)
    assert (found["lines"], found["last_error"]) == (1, "CRITICAL out")


def test_output_that_nobody_keeps_is_no_evidence() -> None:
    with running(READY, stderr=subprocess.DEVNULL) as child, pytest.raises(StepFailure) as failure:
        looked("logs", process(child.pid), over=0)
    assert failure.value.status is StepStatus.NO_DATA


@needs_root
def test_the_log_of_another_user_is_not_to_be_seen(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as file, running(READY, stdout=file) as child:
        assert as_nobody("logs", child.pid, over=0).startswith("permission_denied")


def test_of_a_large_file_the_end_is_read_and_never_the_whole(tmp_path: Path) -> None:
    lines = b"".join(b"line %07d\n" % at for at in range(1_000_000))
    (tmp_path / "big.log").write_bytes(lines)
    program = "import sys\nlog = open(sys.argv[1], 'a')\n" + READY
    with running(program, str(tmp_path / "big.log")) as child:
        end = tail("/proc", child.pid, 3)
        all_of_it, half = came("/proc", child.pid, 3, 0), came("/proc", child.pid, 3, len(lines) // 2)
        (tmp_path / "big.log").write_bytes(b"rotated\n")
        rotated = came("/proc", child.pid, 3, len(lines))
    assert len(end.data) <= 512 << 10
    assert end.data.startswith(b"line 0")
    assert end.data.endswith(b"line 0999999\n")
    assert end.size == len(lines)
    assert all_of_it is not None
    assert half is not None
    assert all_of_it[0] == len(lines)
    assert all_of_it[1] == pytest.approx(1_000_000, rel=1e-3)
    assert half[1] == pytest.approx(500_000, rel=1e-3)
    assert rotated is None


def recorded(text: str, about: About, **options: Any) -> dict[str, Any]:
    return read("logs", ("log", text.encode()), ("about.json", msgspec.json.encode([about])), **options)


AT = 1795486000.0
"""2026-11-24T02:06:40Z."""
ENGINE = About("docker logs", AT, stamped=True)


def test_lines_of_an_engine_with_its_times() -> None:
    text = (
        "2026-11-24T02:06:30.123456789Z INFO started\n"
        "2026-11-24T02:06:35Z Traceback (most recent call last):\n"
        '2026-11-24T02:06:35.1Z   File "app.py", line 3, in run\n'
        "2026-11-24T02:06:35.2Z sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, timed out\n"
        "half a line without a time"
    )
    found = recorded(text, ENGINE)
    assert (found["lines"], found["lines_per_s"]) == (4, pytest.approx(0.405, abs=0.001))
    assert found["age_s"] == pytest.approx(4.8)
    assert (found["count"]["errors"], found["count"]["pool_limit"], found["count"]["pool_timeout"]) == (1, 1, 1)
    assert found["last_error"].startswith("sqlalchemy.exc.TimeoutError: QueuePool limit")


def test_a_flood_is_told_by_how_long_the_last_lines_took() -> None:
    text = "".join(f"2026-11-24T02:06:39.{at:03d}Z same\n" for at in range(400))
    found = recorded(text, ENGINE, lines=400)
    assert (found["lines_per_s"], found["repeated"]) == (pytest.approx(1000), 400)


def test_lines_of_a_journal_without_host_and_program() -> None:
    text = "1795485999.5 host app[12]: disk is full: ENOSPC\n1795485999.6 host my app: ok: well\n"
    found = recorded(text, About("journal", AT, stamped=True))
    assert (found["lines"], found["last_error"], found["count"]["no_space"]) == (2, "disk is full: ENOSPC", 1)


def test_a_silent_log_is_one_without_lines() -> None:
    found = recorded("", ENGINE)
    assert (found["lines"], found["lines_per_s"], found["repeated"], found["repeated_text"]) == (0, 0, 0, None)
    old = About("/log", AT, written_at=AT - 5000, seconds=2.0, lines_came=0, bytes_came=0)
    found = recorded("ERROR long ago\n", old)
    assert (found["lines"], found["count"]["errors"], found["lines_per_s"], found["age_s"]) == (0, 0, 0, 5000)


def test_old_lines_of_a_file_do_not_count() -> None:
    old = "2026-11-23 02:00:00,1 ERROR old\n  of it too\n"
    text = old + "2026-11-24 11:58:00,1 ERROR new\nmore of it\n2026-11-24 12:00:00 ok\n"
    about = About("/log", AT, written_at=AT - 60, seconds=2.0, lines_came=4, bytes_came=100)
    found = recorded(text, about)
    assert (found["lines"], found["count"]["errors"], found["lines_per_s"], found["bytes_per_s"]) == (3, 1, 2, 50)
    assert recorded(text, about, since="10m")["lines"] == 3
    assert recorded(text, about, since="2m")["lines"] == 1


def test_lines_without_times_all_count() -> None:
    assert recent(["a", "b"], 1.0) == ["a", "b"]
    assert recent(["2026-99-99 99:99:99 odd", "b"], 1.0) == ["2026-99-99 99:99:99 odd", "b"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("too_many_files", "OSError: [Errno 24] Too many open files: '/x'"),
        ("pool_limit", "QueuePool limit of size 50 overflow 0 reached, connection timed out"),
        ("pool_timeout", "httpx.PoolTimeout"),
        ("out_of_memory", "MemoryError"),
        ("out_of_memory", "Killed"),
        ("no_space", "OSError: [Errno 28] No space left on device"),
        ("connection_refused", "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 1)"),
        ("timeouts", "httpx.ReadTimeout"),
        ("timeouts", "dial tcp: i/o: connection timed out"),
        ("database_locked", "sqlite3.OperationalError: database is locked"),
        ("dns_failure", "socket.gaierror: [Errno -2] Name or service not known"),
        ("errors", '{"level": "error", "msg": "x"}'),
        ("errors", "ts=1 level=error msg=x"),
        ("errors", "[2026] CRITICAL worker died"),
    ],
)
def test_what_lines_mean(name: str, line: str) -> None:
    assert said(["nothing happened", line, "GET /errors?level=warning 200", "0 ERRORS"])["count"][name] == 1


def test_repeats_are_told_across_numbers_and_identities() -> None:
    lines = [f"2026-11-24 02:06:{at:02d} job 5f2a{at:030d} took {at} ms at 0x{at:x}" for at in range(30)]
    found = said([*lines, "other", "", "  "])
    assert (found["repeated"], found["repeated_text"]) == (30, "job # took # ms at #")


def test_what_a_log_says_is_harmless_text() -> None:
    found = said(["ERROR \x1b[2J\u202e" + "x" * 5000])
    assert len(found["last_error"]) == 200
    assert found["last_error"].isprintable()


def test_a_million_characters_in_one_line_take_no_time() -> None:
    began = time.process_time()
    said(["QueuePool limit " * 70_000, "0x" + "f" * 1_000_000, "aaaa-" * 200_000])
    assert time.process_time() - began < 1.0
