"""Which file systems are mounted on this host, and how full they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mcptop.model.host import Filesystem

# Only what lies on a local disk. A network file system can hang a reader for minutes, and the rest has no "full".
LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "exfat", "ntfs3", "bcachefs"})
MEMORY = frozenset({"tmpfs", "ramfs", "rootfs"})


class MountPoint(NamedTuple):
    """A local file system and where it is mounted."""

    point: str
    number: str
    """`major:minor` of its device."""
    device: str


def parse_mountinfo(text: str) -> list[MountPoint]:
    """Local file systems of mountinfo(5), each device once, at its shortest mount point."""
    shortest: dict[str, MountPoint] = {}
    for kind, mount in _mounts(text):
        if kind in LOCAL or (kind == "overlay" and mount.point == "/"):
            known = shortest.get(mount.number)
            if known is None or len(mount.point) < len(known.point):
                shortest[mount.number] = mount
    return sorted(shortest.values())


def _mounts(text: str) -> Iterator[tuple[str, MountPoint]]:
    """Kind of file system and mount, in the order they were mounted."""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if len(left) >= 5 and len(right) >= 2:
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), left[4])
            yield right[0], MountPoint(point, left[2], right[1].removeprefix("/dev/"))


def is_in_memory(path: Path, mountinfo: str) -> bool:
    """Whether what is written there stays in memory: the kind of the mount that holds it, by mountinfo(5)."""
    places = {str(place) for place in (path.resolve(), *path.resolve().parents)}
    holding = [(len(mount.point), kind) for kind, mount in _mounts(mountinfo) if mount.point in places]
    # Of two at the same place the later one covers the other.
    deepest = max((length for length, _ in holding), default=0)
    kinds = [kind for length, kind in holding if length == deepest]
    return bool(kinds) and kinds[-1] in MEMORY


def usage(mount: MountPoint) -> Filesystem | None:
    """How full a mounted file system is, as `df` counts it; None when it cannot be asked."""
    try:
        stat = os.statvfs(mount.point)
    except OSError:
        return None
    if not stat.f_blocks:
        return None
    used = stat.f_blocks - stat.f_bfree
    return Filesystem(
        mount=mount.point,
        device=mount.device,
        total_bytes=stat.f_blocks * stat.f_frsize,
        available_bytes=stat.f_bavail * stat.f_frsize,
        used_ratio=used / (used + stat.f_bavail) if used + stat.f_bavail else 1.0,
    )
