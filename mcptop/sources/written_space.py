"""How full the file systems are that a process may write to, each as the process sees it.

Local ones only: a network file system can hang whoever asks. Of those in memory, only where it works and /tmp.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from mcptop.model.value import Value
from mcptop.sources.filesystems import LOCAL, MEMORY
from mcptop.sources.kept import contents
from mcptop.units import plain

_OVERLAYS = frozenset({"overlay", "fuse.fuse-overlayfs", "aufs"})
_DRIFT = 0.001
"""Of its size: what a busy disk may gain or lose between two looks at the same."""


class Mount(Value, frozen=True):
    """One mount, by mountinfo(5)."""

    point: str
    kind: str
    is_read_only: bool
    device: str
    """`major:minor`. An overlay has its own, whatever disk it is on."""


class Space(Value, frozen=True):
    """How full a file system is."""

    mount: str
    """Where the process has it."""
    kind: str
    total_bytes: int
    used_bytes: int
    available_bytes: int
    """To ordinary users."""
    inodes: int
    """0: it makes them as it needs them."""
    inodes_used: int

    @property
    def used_ratio(self) -> float:
        """As `df` counts it: what is reserved for root is no room."""
        usable = self.used_bytes + self.available_bytes
        return self.used_bytes / usable if usable else 1.0

    @property
    def inodes_ratio(self) -> float | None:
        """None where there is no fixed number."""
        return self.inodes_used / self.inodes if self.inodes else None


def mounts(mountinfo: str) -> list[Mount]:
    """All mounts, in the order they were mounted."""
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if len(left) >= 6 and len(right) >= 3:
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), left[4])
            options = (*left[5].split(","), *right[2].split(","))
            found.append(Mount(point, right[0], "ro" in options, left[2]))
    return found


def holding(path: str, every: Iterable[Mount]) -> Mount | None:
    """The mount a path is on. Of two at the same place the later one covers the other."""
    found = None
    for mount in every:
        inside = mount.point == "/" or path == mount.point or path.startswith(f"{mount.point}/")
        if inside and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def spaces(procfs: str, pid: int, written: Iterable[str], volumes: bool) -> list[Space]:
    """The file systems of a process's root, working folder, /tmp and `written` files; and all others it has mounted.

    `volumes`: whether these others are its own, as a container's are. Raises OSError when it is gone or hidden.
    """
    base = f"{procfs}/{pid}"
    every = mounts(contents(f"{base}/mountinfo").decode("utf-8", "surrogateescape"))
    folder = os.readlink(f"{base}/cwd")
    found: list[tuple[Mount, Space]] = []
    for mount in _places(every, folder, written, _volumes(every, f"{base}/root") if volumes else ()):
        space = _space(f"{base}/root", mount)
        if space is not None and not any(_are_one(mount, space, *known) for known in found):
            found.append((mount, space))
    return [space for _, space in found]


def _are_one(mount: Mount, space: Space, other: Mount, known: Space) -> bool:
    """Whether two mounts are the same disk; the folders an engine mounts into a container are on that of its root."""
    sizes_alike = (
        space.total_bytes == known.total_bytes
        and abs(space.inodes - known.inodes) <= _DRIFT * known.inodes
        and abs(space.used_bytes - known.used_bytes) <= _DRIFT * known.total_bytes
        and abs(space.inodes_used - known.inodes_used) <= _DRIFT * known.inodes
    )
    return sizes_alike and (mount.device == other.device or not _OVERLAYS.isdisjoint((mount.kind, other.kind)))


def _places(every: list[Mount], folder: str, written: Iterable[str], volumes: Iterable[Mount]) -> Iterator[Mount]:
    for path in ("/", folder, "/tmp"):
        if (mount := holding(path, every)) and (_is_real(mount) or mount.kind in MEMORY):
            yield mount
    for path in written:
        if (mount := holding(path, every)) and _is_real(mount):
            yield mount
    yield from volumes


def _volumes(every: list[Mount], root: str) -> Iterator[Mount]:
    """What else may be written to. A single file that an engine mounts, /etc/hosts say, is no volume."""
    for mount in every:
        if _is_real(mount) and not mount.is_read_only and os.path.isdir(f"{root}{mount.point}"):
            yield mount


def _is_real(mount: Mount) -> bool:
    return mount.kind in LOCAL or mount.kind in _OVERLAYS


def _space(root: str, mount: Mount) -> Space | None:
    try:
        stat = os.statvfs(f"{root}{mount.point}")
    except FileNotFoundError:
        # Covered by another mount, or outside the root.
        return None
    if not stat.f_blocks:
        return None
    return Space(
        mount=plain(mount.point),
        kind=mount.kind,
        total_bytes=stat.f_blocks * stat.f_frsize,
        used_bytes=(stat.f_blocks - stat.f_bfree) * stat.f_frsize,
        available_bytes=stat.f_bavail * stat.f_frsize,
        inodes=stat.f_files,
        inodes_used=stat.f_files - stat.f_ffree,
    )
