"""`lsof` and `proc-files`: two ways to the same facts, on real descriptors and on recorded output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import msgspec
import pytest

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import StepFailure
from mcptop.playbook.steps.open_files import Look
from mcptop.sources.open_files import FileKind, OpenFile, open_files
from tests.playbook.step_world import READY, as_nobody, looked, needs_root, process, read, running

HAS_LSOF = pytest.mark.skipif(shutil.which("lsof") is None, reason="there is no lsof")
BOTH = pytest.mark.parametrize("kind", [pytest.param("lsof", marks=HAS_LSOF), "proc-files"])

# Three times the same file, one that is deleted, one with another name left, one in memory, a pipe, two sockets.
HOLDS = (
    """
import os, resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
os.chdir(sys.argv[1])
same = [open("same.txt", "w") for _ in range(3)]
gone = open("gone.bin", "w"); gone.write("x" * 100000); gone.flush(); os.unlink("gone.bin")
kept = open("kept", "w"); os.link("kept", "other"); os.unlink("kept")
memory = os.memfd_create("memory")
pipe = os.pipe()
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
"""
    + READY
)
WRITES = """
import os, sys, time
path, gone = sys.argv[1:]
file = open(path, "ab" if gone != "both" else "w+b", buffering=0)
if gone == "deleted":
    os.unlink(path)
opened = []
for _ in range(3000):
    file.write(b"line of a log\\n" * 20)
    opened.append(os.open("/dev/null", os.O_RDONLY)) if len(opened) < 500 else None
    time.sleep(0.01)
"""


@BOTH
def test_what_is_open_by_kind(kind: str, tmp_path: Path) -> None:
    with running(HOLDS, str(tmp_path), stderr=subprocess.DEVNULL) as child:
        values, raw = looked(kind, process(child.pid), over=0.2)
        open_now = len(os.listdir(f"/proc/{child.pid}/fd"))
    assert values["total"] == open_now
    assert (values["limit"], values["limit_ratio"]) == (64, round(open_now / 64, 6))
    assert values["sockets"] == 2
    # Its own pipe, and standard input and output.
    assert values["pipes"] >= 4
    assert (values["deleted"], values["deleted_bytes"], values["deleted_size_bytes"]) == (1, 100000, 100000)
    assert values["deleted_path"] == str(tmp_path / "gone.bin")
    assert (values["top_path"], values["top_path_count"]) == (str(tmp_path / "same.txt"), 3)
    assert (values["total_growth"], values["growth_per_s"], values["writer"]["bytes_per_s"]) == (0, 0, 0)
    assert not values["writer"]["is_log"]
    assert all(output.provenance.raw_sha256 for output in raw)


NAMELESS = (
    """
import os, sys
def filled(file):
    os.write(file, b"x" * 100000)
    return file
shared = [filled(os.open(path, os.O_RDWR | os.O_CREAT)) for path in [sys.argv[2]] * 5]
os.unlink(sys.argv[2])
temporary = filled(os.open(sys.argv[1], os.O_RDWR | os.O_TMPFILE))
"""
    + READY
)


@BOTH
def test_shared_memory_and_temporary_files_are_not_deleted_ones(kind: str, tmp_path: Path) -> None:
    if not os.path.isdir("/dev/shm"):
        pytest.skip("there is no /dev/shm")
    try:
        os.close(os.open(tmp_path, os.O_RDWR | os.O_TMPFILE))
    except OSError:
        pytest.skip("this file system has no files without a name")
    shared = f"/dev/shm/mcptop-test-{os.getpid()}"
    with running(NAMELESS, str(tmp_path), shared) as child:
        values, _ = looked(kind, process(child.pid), over=0.0)
    assert (values["deleted"], values["deleted_bytes"], values["deleted_path"]) == (0, 0, None)
    # What leaks may be shared memory all the same.
    assert (values["top_path"], values["top_path_count"]) == (shared, 5)


@BOTH
@pytest.mark.parametrize(
    ("name", "how", "deleted", "is_log"),
    [
        ("service.log", "kept", False, True),
        ("data.bin", "deleted", True, False),
        ("table.db", "both", False, False),
    ],
)
def test_who_grows(kind: str, name: str, how: str, deleted: bool, is_log: bool, tmp_path: Path) -> None:
    with running(WRITES, str(tmp_path / name), how, stdout=subprocess.DEVNULL) as child:
        while not any(str(tmp_path / name) in file.path for file in open_files("/proc", child.pid)):
            time.sleep(0.02)
        values, _ = looked(kind, process(child.pid), over=0.5)
    assert values["writer"]["path"] == str(tmp_path / name)
    assert values["writer"]["bytes_per_s"] > 0
    assert (values["writer"]["deleted"], values["writer"]["is_log"]) == (deleted, is_log)
    assert not values["writer"]["service_log"]
    assert values["total_growth"] > 0
    assert values["regular_growth"] == 0


@BOTH
def test_standard_output_is_its_log_whatever_it_is_called(kind: str, tmp_path: Path) -> None:
    program = 'import time\nwhile True: print("x" * 100, flush=True); time.sleep(0.01)'
    with open(tmp_path / "whatever", "wb") as file, running(program, stdout=file) as child:
        while not (tmp_path / "whatever").stat().st_size:
            time.sleep(0.02)
        values, _ = looked(kind, process(child.pid), over=0.3)
    assert values["writer"]["path"] == str(tmp_path / "whatever")
    assert values["writer"]["service_log"]
    assert values["writer"]["is_log"]


@needs_root
@HAS_LSOF
def test_both_ways_agree_about_two_processes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    quiet = subprocess.DEVNULL
    with running(HOLDS, str(folders[0]), stderr=quiet) as one, running(HOLDS, str(folders[1]), stderr=quiet) as other:
        both = process(one.pid, other.pid)
        by_lsof, by_proc = (looked(kind, both, over=0.0)[0] for kind in ("lsof", "proc-files"))
    by_the_clock = {"seconds": None, "growth_per_s": None}  # between two looks without a pause lies no time, or some
    assert {**by_lsof, **by_the_clock} == {**by_proc, **by_the_clock}
    assert not by_lsof["growth_per_s"]
    assert not by_proc["growth_per_s"]
    assert (by_lsof["top_path_count"], by_lsof["deleted"], by_lsof["deleted_bytes"]) == (3, 2, 200000)


@BOTH
def test_a_target_that_has_ended_is_gone(kind: str) -> None:
    with running(READY) as child:
        pass
    with pytest.raises(StepFailure) as failure:
        looked(kind, process(child.pid), over=0.0)
    assert failure.value.status is StepStatus.TARGET_GONE


@BOTH
def test_one_that_ends_while_it_is_watched_is_gone(kind: str) -> None:
    with running(READY) as child:
        threading.Timer(0.2, child.kill).start()
        with pytest.raises(StepFailure) as failure:
            looked(kind, process(child.pid), over=1.0)
    assert failure.value.status is StepStatus.TARGET_GONE


@needs_root
@BOTH
def test_the_files_of_another_user_are_not_to_be_seen(kind: str) -> None:
    with running(READY) as child:
        assert re.match(r"permission_denied .*run as root", as_nobody(kind, child.pid, over=0.0))


def test_ten_thousand_descriptors_cost_little_more_than_asking_the_kernel(tmp_path: Path) -> None:
    count = 10_000
    program = f"import sys\nopened = [open(sys.argv[1], 'w') for _ in range({count})]\n" + READY
    with running(program, str(tmp_path / "same")) as child:
        began = time.thread_time()
        values, _ = looked("proc-files", process(child.pid), over=0.0)
        took = time.thread_time() - began
        began = time.thread_time()
        for fd in os.listdir(f"/proc/{child.pid}/fd") * 2:
            os.readlink(f"/proc/{child.pid}/fd/{fd}")
            os.stat(f"/proc/{child.pid}/fd/{fd}")
            Path(f"/proc/{child.pid}/fdinfo/{fd}").read_bytes()
        least = time.thread_time() - began
    assert values["top_path_count"] == count
    # Both looks and what is made of them.
    assert took < 2.5 * least, (took, least)


NO_LOOK = msgspec.json.encode(Look(10.0, {7: 1024}, ()))
LATER = msgspec.json.encode(Look(12.0, {7: 1024}, ()))


def listed(*records: str) -> bytes:
    return b"".join(record.replace(" ", "\0").replace("~", " ").encode() + b"\0\n" for record in ("p7", *records))


def of_lsof(before: bytes, after: bytes) -> dict[str, object]:
    return read("lsof", ("lsof-1.txt", before), ("descriptors-1.json", NO_LOOK), ("lsof-2.txt", after),
                ("descriptors-2.json", LATER))  # fmt: skip


def test_recorded_lsof_with_fields_nobody_asked_for_and_none_that_were() -> None:
    odd = ["fcwd tDIR n/", "fmem tREG s10 n/lib/x.so", "f3 au tREG s5 n/a~b", "f4 t0000 n/strange", "f5 tREG"]
    values = of_lsof(listed(), listed(*odd, "f6 tIPv6 PTCP n[::1]:80", "f7 tunix n@", "fNOFD n/proc/7/fd~(denied)"))
    assert (values["total"], values["regular"], values["sockets"], values["other"]) == (5, 2, 2, 1)
    assert values["total_growth"] == 5
    assert values["growth_per_s"] == 2.5


@pytest.mark.parametrize("data", [b"", listed("f3 tREG s5 n/a")[:-4], b"COMMAND PID USER\n", b"f3\0tREG\0\n"])
def test_output_that_breaks_off_or_is_something_else_is_no_evidence(data: bytes) -> None:
    with pytest.raises(StepFailure) as failure:
        of_lsof(listed(), data)
    assert failure.value.status is StepStatus.PARSE_ERROR


def file(fd: int, path: str, size: int, position: int, flags: int = os.O_WRONLY, **about: object) -> OpenFile:
    seen = {"links": 1, "inode": path, **about}
    return OpenFile(7, fd, FileKind.REGULAR, path, size=size, position=position, flags=flags, **seen)  # type: ignore[arg-type]


def between(before: list[OpenFile], after: list[OpenFile]) -> dict[str, object]:
    looks = [msgspec.json.encode(Look(at, {7: None}, tuple(files))) for at, files in ((0.0, before), (10.0, after))]
    return read("proc-files", ("1", looks[0]), ("2", looks[1]))["writer"]


def test_who_reads_a_file_does_not_write_it() -> None:
    reads = [file(3, "/big", 9000, 0, os.O_RDONLY), file(4, "/db", 9000, 0, os.O_RDWR)]
    later = [file(3, "/big", 9000, 5000, os.O_RDONLY), file(4, "/db", 9000, 5000, os.O_RDWR)]
    assert between(reads, later)["bytes_per_s"] == 0


def test_a_database_grows_by_its_size_and_a_reused_file_by_its_position() -> None:
    assert between([file(4, "/db", 1000, 0, os.O_RDWR)], [file(4, "/db", 3000, 0, os.O_RDWR)])["bytes_per_s"] == 200
    assert between([file(4, "/ring", 9000, 0)], [file(4, "/ring", 9000, 4000)])["bytes_per_s"] == 400


def test_a_log_that_was_rotated_meanwhile_has_grown_by_what_is_in_it() -> None:
    old, new = file(5, "/var/log/app.log", 90000, 90000, inode="a"), file(5, "/var/log/app.log", 700, 700, inode="b")
    assert between([old], [new])["bytes_per_s"] == 70


def test_a_file_that_was_opened_meanwhile_has_grown_by_nobody_knows_what() -> None:
    assert between([], [file(5, "/copy", 90000, 90000)])["bytes_per_s"] == 0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/app.log", True),
        ("/srv/app.log.1", True),
        ("/var/log/app/current", True),
        ("/var/lib/demo/worker/log", True),
        ("/srv/logs/20260131.log", True),
        ("/data/rocksdb/LOG", True),
        ("/srv/app-7.log", True),
        ("/srv/data.bin", False),
        ("/data/kafka-logs/jobs-0/00000000000000000000.log", False),
        ("/data/kafka-logs/jobs-0/00000000000000000000.timeindex", False),
        ("/data/rocksdb/000123.log", False),
        ("/data/version-2/log.1", False),
        ("/data/version-2/log.10000000af", False),
        ("/data/db/journal/WiredTigerLog.0000000001", False),
        ("/var/log/journal/0123456789abcdef0123456789abcdef/system.journal", False),
        ("/srv/shop.db-journal", False),
    ],
)
def test_the_log_of_a_database_is_data(path: str, expected: bool) -> None:
    grown = between([file(5, path, 0, 0)], [file(5, path, 9000, 9000)])
    assert (grown["path"], grown["is_log"]) == (path, expected)


def test_without_a_limit_there_is_no_share_of_it() -> None:
    look = msgspec.json.encode(Look(0.0, {7: None}, ()))
    values = read("proc-files", ("1", look), ("2", look))
    assert (values["limit"], values["limit_ratio"], values["growth_per_s"]) == (None, None, None)


def test_what_is_behind_a_server_is_not_asked_for_its_size(tmp_path: Path) -> None:
    """By a tree that looks like /proc: its mounts say that the file is elsewhere."""
    mounted = "1 0 0:1 / / rw - {} server:/x rw\n"
    for folder in ("7/fd", "7/fdinfo"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data").write_text("12345")
    (tmp_path / "7/fd/3").symlink_to(tmp_path / "data")
    (tmp_path / "7/fdinfo/3").write_text("pos:\t5\nflags:\t0100001\nmnt_id:\t1\n")
    sizes = []
    for kind in ("nfs4", "fuse.sshfs", "ext4", "fuse.fuse-overlayfs"):
        (tmp_path / "7/mountinfo").write_text(mounted.format(kind))
        (found,) = open_files(str(tmp_path), 7)
        assert (found.kind, found.position, found.only_writes) == (FileKind.REGULAR, 5, True)
        sizes.append(found.size)
    assert sizes == [None, None, 5, 5]
