"""What the process uses: CPU over time, children counted, everything else of this moment (defects 6 and 7)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mcptop.demo.systems.resources import ResourceMeter

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _only_own_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this worker have children too: a whole demo, a running `mcptop`."""
    find = psutil.Process.children
    strangers = {child.pid for child in psutil.Process().children()}

    def children(process: psutil.Process, recursive: bool = False) -> list[psutil.Process]:
        own = [child for child in find(process) if child.pid not in strangers]
        return own + [each for child in own for each in find(child, recursive=True)] if recursive else own

    monkeypatch.setattr(psutil.Process, "children", children)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A child with 64 MiB of its own, which burns 0.2 s of CPU for each line it gets and says when it has."""
    program = (
        "import sys, time\n"
        f"kept = bytearray({64 * MIB})\n"
        "sys.stdout.write('.'); sys.stdout.flush()\n"
        "for line in sys.stdin:\n"
        "    end = time.process_time() + 0.2\n"
        "    while time.process_time() < end: pass\n"
        "    sys.stdout.write('.'); sys.stdout.flush()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        _heard(process)
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _heard(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    assert process.stdout.read(1) == b"."


def _burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_defect_6_a_busy_process_is_not_at_zero_on_the_second_look() -> None:
    now = [0.0]
    meter = ResourceMeter(clock=lambda: now[0])
    assert meter.read().cpu_percent is None
    _burn(0.3)
    now[0] = 0.5
    busy = meter.read().cpu_percent
    assert busy is not None
    assert 50 < busy < 100
    now[0] = 100.5
    idle = meter.read().cpu_percent
    assert idle is not None
    assert idle < 5


def test_two_looks_at_the_same_instant_have_no_rate() -> None:
    meter = ResourceMeter(clock=lambda: 1.0)
    meter.read()
    assert meter.read().cpu_percent is None


def test_defect_7_children_count(child: subprocess.Popen[bytes]) -> None:
    now = [0.0]
    meter = ResourceMeter(clock=lambda: now[0])
    first = meter.read()
    alone = psutil.Process().memory_info().rss
    assert first.memory_bytes > alone + 60 * MIB
    assert child.stdin is not None
    child.stdin.write(b"\n")
    child.stdin.flush()
    _heard(child)
    now[0] = 1.0
    second = meter.read().cpu_percent
    assert second is not None
    assert second > 15


def test_a_child_that_ended_is_left_out() -> None:
    now = [0.0]
    meter = ResourceMeter(clock=lambda: now[0])
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        with_child = meter.read()
        process.communicate(b"\n")
    now[0] = 1.0
    after = meter.read()
    assert after.threads < with_child.threads
    assert after.cpu_percent is not None
    assert after.cpu_percent >= 0


def test_files_disk_and_mount_are_of_now(tmp_path: Path) -> None:
    meter = ResourceMeter(mount=str(tmp_path))
    before = meter.read()
    with (tmp_path / "one").open("w"), (tmp_path / "two").open("w"):
        assert meter.read().open_files == before.open_files + 2
    assert before.mount == str(tmp_path)
    status = os.statvfs(tmp_path)
    assert before.disk_used_bytes == pytest.approx((status.f_blocks - status.f_bfree) * status.f_frsize, rel=0.05)
    assert before.threads >= 1
