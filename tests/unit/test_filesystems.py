"""Mounts: which are local disks, and which keep what is written in memory."""

from pathlib import Path

import pytest

from mcptop.sources.filesystems import is_in_memory, parse_mountinfo

MOUNTS = """\
22 1 254:0 / / rw - ext4 /dev/vda rw
23 22 0:25 / /proc rw - proc proc rw
24 22 0:30 / /tmp rw - tmpfs tmpfs rw
25 24 254:16 / /tmp/on\\040disk rw - xfs /dev/vdb rw
26 22 0:31 / /srv rw - tmpfs tmpfs rw
27 26 254:32 / /srv rw - ext4 /dev/vdc rw
28 22 0:32 / /mnt rw - nfs4 server:/x rw
"""


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/", False),
        ("/var/tmp", False),
        ("/tmp", True),
        ("/tmp/mcptop-demo-1/worker", True),
        ("/tmpfs", False),
        ("/tmp/on disk/x", False),
        ("/srv/covered by a later mount", False),
    ],
)
def test_what_is_written_to_a_tmpfs_stays_in_memory(folder: str, found: bool) -> None:
    assert is_in_memory(Path(folder), MOUNTS) is found


def test_this_machines_shared_memory_is_memory() -> None:
    assert is_in_memory(Path("/dev/shm"), Path("/proc/self/mountinfo").read_text())


def test_local_disks_only() -> None:
    assert [mount.point for mount in parse_mountinfo(MOUNTS)] == ["/", "/srv", "/tmp/on disk"]
