"""`disk`: real small file systems in a mount namespace of their own, and figures made by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec.structs import replace

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.playbook import expressions, shelf
from mcptop.playbook.steps.base import StepFailure
from mcptop.playbook.steps.disk import Look
from mcptop.sources.written_space import Space, holding, mounts, spaces
from tests.playbook.step_world import READY, as_nobody, looked, needs_root, process, read, running

MIB = 1 << 20
STORAGE = shelf.shipped() / "hypotheses" / "storage.yaml"
# Works in a small file system in memory; a line on its input makes it write three more MiB.
WRITES = """
import os, sys
os.chdir(sys.argv[1])
file = open("filling", "wb")
file.write(b"x" * (9 << 20)); file.flush()
print("ready", flush=True)
input()
file.write(b"x" * (3 << 20)); file.flush()
input()
"""


def mounting(place: Path, *what: str) -> tuple[str, ...]:
    """Runs what follows in a mount namespace with one more file system."""
    return ("unshare", "-m", "sh", "-c", f'mount {" ".join(what)} "$0" && exec "$@"', str(place))


def is_mountable(place: Path) -> bool:
    words = [*mounting(place, "-t", "tmpfs", "mcptop-test"), "true"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@needs_root
def test_where_it_works_fills(tmp_path: Path) -> None:
    if not is_mountable(tmp_path):
        pytest.skip("nothing can be mounted here")
    with running(WRITES, str(tmp_path), before=mounting(tmp_path, "-t tmpfs -o size=20m mcptop-test")) as child:
        assert child.stdin is not None
        timer = threading.Timer(0.1, lambda: (child.stdin.write(b"\n"), child.stdin.flush()))  # type: ignore[union-attr]
        timer.start()
        found, _ = looked("disk", process(child.pid), over=0.6)
        timer.join()
    assert found["worst"]["mount"] == str(tmp_path)
    assert (found["worst"]["kind"], found["worst"]["total_bytes"]) == ("tmpfs", 20 * MIB)
    assert found["worst"]["used_ratio"] == pytest.approx(0.6, abs=0.01)
    assert found["bytes_per_s"] == pytest.approx(3 * MIB / found["seconds"], rel=0.01)
    assert found["eta_s"] == pytest.approx(found["worst"]["available_bytes"] / found["bytes_per_s"], rel=1e-3)
    assert (found["full"], found["filling"]["mount"]) == (False, str(tmp_path))


@needs_root
@pytest.mark.skipif(shutil.which("mkfs.ext4") is None, reason="there is no mkfs.ext4")
def test_inodes_of_a_volume_run_out_before_its_space(tmp_path: Path) -> None:
    image, place = tmp_path / "image", tmp_path / "data"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(8 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-N", "32", str(image)], check=True)
    if not is_mountable(place):
        pytest.skip("nothing can be mounted here")
    program = (
        "import sys\n"
        "try:\n"
        "    for at in range(99): open(f'{sys.argv[1]}/{at}', 'w').close()\n"
        "except OSError as error: assert error.errno == 28\n" + READY
    )
    with running(program, str(place), before=mounting(place, "-o loop", str(image))) as child:
        # A container's volumes are its own; what is mounted on a host is anybody's.
        own = Subject("container", None, "s", "s", container="c" * 64, pid=child.pid, pids=(child.pid,))
        found, _ = looked("disk", own, over=0)
        as_process, _ = looked("disk", process(child.pid), over=0)
    assert (found["inodes_full"], found["worst"]["mount"], found["worst"]["inodes_ratio"]) == (True, str(place), 1)
    assert found["worst"]["used_ratio"] < 0.9
    assert as_process["worst"]["mount"] != str(place)


@needs_root
def test_the_disks_of_another_user_are_not_to_be_seen() -> None:
    with running(READY) as child:
        assert as_nobody("disk", child.pid, over=0).startswith("permission_denied")


def test_a_target_that_has_ended_is_gone() -> None:
    with running(READY) as child:
        pass
    with pytest.raises(StepFailure) as failure:
        looked("disk", process(child.pid), over=0)
    assert failure.value.status is StepStatus.TARGET_GONE


ROOT = Space("/", "ext4", 1000 * MIB, 400 * MIB, 500 * MIB, 1000, 100)
DATA = Space("/data", "xfs", 1000 * MIB, 960 * MIB, 20 * MIB, 0, 0)


def between(before: list[Space], after: list[Space]) -> dict[str, Any]:
    looks = [Look(0.0, tuple(before)), Look(10.0, tuple(after))]
    return read("disk", *((str(at), msgspec.json.encode(look)) for at, look in enumerate(looks)))


def test_the_fullest_is_not_the_one_that_fills_first() -> None:
    grown = replace(ROOT, used_bytes=650 * MIB, available_bytes=250 * MIB)
    found = between([ROOT, DATA], [grown, replace(DATA, used_bytes=959 * MIB)])
    assert (found["worst"]["mount"], found["full"], found["inodes_full"]) == ("/data", True, False)
    assert found["worst"]["inodes_ratio"] is None
    assert (found["bytes_per_s"], found["eta_s"]) == (pytest.approx(-MIB / 10, rel=1e-5), None)
    assert (found["filling"]["mount"], found["filling"]["eta_s"]) == ("/", pytest.approx(10))


def test_one_that_was_not_there_before_grows_by_nobody_knows_what() -> None:
    found = between([], [ROOT])
    assert (found["bytes_per_s"], found["eta_s"], found["filling"]["mount"]) == (None, None, None)
    assert found["worst"]["used_ratio"] == pytest.approx(4 / 9, abs=1e-6)


def test_no_local_disk_is_no_evidence() -> None:
    with pytest.raises(StepFailure) as failure:
        between([], [])
    assert failure.value.status is StepStatus.NO_DATA


CONTAINER = """\
1 0 0:40 / / rw - overlay overlay rw
2 1 0:41 / /proc rw - proc proc rw
3 1 8:1 /var/lib/docker/containers/x/hosts /etc/hosts rw - ext4 /dev/sda1 rw
4 1 8:1 /srv/data /data rw - ext4 /dev/sda1 rw
5 1 8:17 / /other rw - ext4 /dev/sdb1 rw
6 1 8:33 / /third rw - ext4 /dev/sdc1 rw
"""


def container(procfs: Path) -> None:
    """Process 7, in a container with a mounted file and three volumes, the first on the disk its root is on."""
    base = procfs / "7"
    for name in ("etc", "data", "other", "third"):
        (base / "root" / name).mkdir(parents=True)
    (base / "root" / "etc" / "hosts").touch()
    (base / "mountinfo").write_text(CONTAINER)
    (base / "cwd").symlink_to("/")


def test_the_disk_of_a_root_is_one_while_it_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container(tmp_path)
    asked: list[str] = []

    def statvfs(path: str) -> os.statvfs_result:
        asked.append(path.removeprefix(f"{tmp_path}/7/root"))
        empty = asked[-1] in ("/other", "/third")
        free = 900_000 if empty else 500_000 - len(asked) * 20
        return os.statvfs_result((4096, 4096, 1_000_000, free, free, 65_536, 60_000, 60_000, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    found = spaces(str(tmp_path), 7, (), volumes=True)
    # Two new disks of the same size are two, however empty both are.
    assert [space.mount for space in found] == ["/", "/other", "/third"]
    assert "/etc/hosts" not in asked


@pytest.mark.parametrize(("container", "place"), [("c0ffee", "/proc/7/root/data"), (None, "/data")])
def test_what_to_do_names_a_folder_of_the_host(container: str | None, place: str) -> None:
    names = {"target": {"container": container, "pid": 7}, "disk": {"worst": {"mount": "/data"}}}
    (full,) = (each for each in yaml.safe_load(STORAGE.read_text()) if each["id"] == "disk-full")
    assert f"--max-depth=2 {place} |" in expressions.render(full["do"]["now"], names)


def test_mounts_with_odd_names_more_fields_and_covered_ones() -> None:
    text = (
        "1 0 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw\n"
        "2 1 0:5 / /mnt/a\\040b ro,nosuid - xfs /dev/sdb rw\n"
        "3 1 0:6 / /mnt/a\\040b rw - tmpfs tmpfs rw,size=1k\n"
        "4 1 0:7 / /mnt rw - nfs4 server:/x rw\n"
        "broken line\n"
    )
    every = mounts(text)
    assert [(m.point, m.kind, m.is_read_only) for m in every[:2]] == [("/", "ext4", False), ("/mnt/a b", "xfs", True)]
    kinds = [mount.kind if (mount := holding(path, every)) else None for path in ("/mnt/a b/c", "/mnt/a bc", "/x")]
    assert kinds == ["tmpfs", "nfs4", "ext4"]
