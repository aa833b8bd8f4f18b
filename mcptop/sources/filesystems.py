"""Which file systems are mounted on this host, and how full they are."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from mcptop.model.frame import Filesystem

# Only what lies on a local disk. A network file system can hang a reader for minutes, and the rest has no "full".
_LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "exfat", "ntfs3", "bcachefs"})


class MountPoint(NamedTuple):
    """A local file system and where it is mounted."""

    point: str
    number: str
    """`major:minor` of its device."""
    device: str


def parse_mountinfo(text: str) -> list[MountPoint]:
    """Local file systems of mountinfo(5), each device once, at its shortest mount point."""
    shortest: dict[str, MountPoint] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if len(left) < 5 or len(right) < 2:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), left[4])
        if right[0] in _LOCAL or (right[0] == "overlay" and point == "/"):
            known = shortest.get(left[2])
            if known is None or len(point) < len(known.point):
                shortest[left[2]] = MountPoint(point, left[2], right[1].removeprefix("/dev/"))
    return sorted(shortest.values())


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
