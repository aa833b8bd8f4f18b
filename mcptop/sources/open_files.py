"""What a process has open, by /proc: a link for each descriptor; for files their size, and how far they were written.

Every name is as the process sees it. Ten thousand descriptors take about a third of a second.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from enum import StrEnum

from msgspec.structs import replace

from mcptop.model.value import Value
from mcptop.sources import process_files
from mcptop.sources.kept import contents
from mcptop.units import plain

_LONGEST_PATH = 4096
# Asking a server that does not answer for a file's size can hang for minutes.
_REMOTE = ("nfs", "cifs", "smb", "fuse.", "ceph", "9p", "afs", "lustre", "gluster")
# A container's root where the kernel's own overlays are not allowed. It is local, but keeps one name for what has none.
_OVERLAY = "fuse.fuse-overlayfs"
_DELETED = " (deleted)"
_MEMFD = "/memfd:"
_TEMPORARY = re.compile(r"/#\d+\Z")
"""What the kernel calls a file that was opened without a name (O_TMPFILE)."""


class FileKind(StrEnum):
    """What a descriptor leads to."""

    REGULAR = "regular"
    SOCKET = "socket"
    PIPE = "pipe"
    OTHER = "other"


class OpenFile(Value, frozen=True, array_like=True):
    """One descriptor. What is not said of its kind, or may not be asked, is None."""

    pid: int
    fd: int
    kind: FileKind
    path: str = ""
    """Without the kernel's note that it is deleted; empty for what has none."""
    unlinked: bool = False
    """Its name is gone from its folder."""
    links: int | None = None
    """Names it still has anywhere: 0 means that it goes when it is closed."""
    inode: str | None = None
    """Device and number: two descriptors with the same one lead to the same file."""
    size: int | None = None
    position: int | None = None
    flags: int | None = None
    """As of open(2)."""

    @property
    def is_deleted(self) -> bool:
        """No folder shows it, and it takes room on a disk until it is closed."""
        lost = self.unlinked and self.links in (None, 0) and self.kind is FileKind.REGULAR
        return lost and not self.is_memory and not self.is_nameless

    @property
    def is_memory(self) -> bool:
        """Never on a disk: without a file system (memfd), or shared memory."""
        return self.path.startswith((_MEMFD, "/dev/shm/"))

    @property
    def is_nameless(self) -> bool:
        """It never had a name, on purpose: in memory (memfd), or a temporary file."""
        return self.path.startswith(_MEMFD) or (self.unlinked and _TEMPORARY.search(self.path) is not None)

    @property
    def writes(self) -> bool:
        """Whether it was opened for writing."""
        return self.flags is not None and self.flags & os.O_ACCMODE != os.O_RDONLY

    @property
    def only_writes(self) -> bool:
        """Whether its position tells what was written and not what was read."""
        return self.flags is not None and self.flags & os.O_ACCMODE == os.O_WRONLY


def named(path: str) -> tuple[str, bool]:
    """A path of the kernel or of lsof made harmless, and whether they say that it is deleted."""
    unlinked = path.endswith(_DELETED)
    return plain(path.removesuffix(_DELETED), _LONGEST_PATH), unlinked


def open_files(procfs: str, pid: int, most: int | None = None) -> list[OpenFile]:
    """All descriptors of a process, or `most` of them.

    Raises FileNotFoundError or ProcessLookupError when it is gone, PermissionError.
    """
    found, readlink = [], os.readlink
    folder = f"{procfs}/{pid}/fd"
    mounts = _odd_mounts(contents(f"{procfs}/{pid}/mountinfo"))
    # By a descriptor of the folder: the kernel walks to it once and not for each link.
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in os.listdir(at)[:most]:
            try:
                link = readlink(name, dir_fd=at)
            except FileNotFoundError:
                # Closed between the two calls; the others still count.
                continue
            if link.startswith("socket:"):
                found.append(OpenFile(pid, int(name), FileKind.SOCKET))
            elif link.startswith("pipe:"):
                found.append(OpenFile(pid, int(name), FileKind.PIPE))
            elif link.startswith("/"):
                found.append(_file(f"{procfs}/{pid}", int(name), link, at, mounts))
            else:
                found.append(OpenFile(pid, int(name), FileKind.OTHER, plain(link)))
    finally:
        os.close(at)
    return found


def _file(base: str, fd: int, link: str, at: int, mounts: Mapping[bytes, str]) -> OpenFile:
    path, unlinked = named(link)
    pid = int(base.rpartition("/")[2])
    info = dict(line.partition(b":")[::2] for line in contents(f"{base}/fdinfo/{fd}").split(b"\n"))
    position, flags = info.get(b"pos", b"").strip(), info.get(b"flags", b"").strip()
    found = OpenFile(
        pid, fd, FileKind.REGULAR, path, unlinked,
        position=int(position) if position.isdigit() else None,
        flags=int(flags, 8) if flags.isdigit() else None,
    )  # fmt: skip
    mount = mounts.get(info.get(b"mnt_id", b"").strip())
    if mount is not None and mount != _OVERLAY:
        return found
    try:
        status = os.stat(str(fd), dir_fd=at)
    except OSError:
        # Closed meanwhile, or on a file system that denies even root.
        return OpenFile(pid, fd, FileKind.OTHER, path, unlinked)
    if not stat.S_ISREG(status.st_mode):
        return OpenFile(pid, fd, FileKind.PIPE if stat.S_ISFIFO(status.st_mode) else FileKind.OTHER, path)
    inode = f"{status.st_dev:x}:{status.st_ino}"
    links = status.st_nlink if mount is None else None
    return replace(found, links=links, inode=inode, size=status.st_size)


def _odd_mounts(mountinfo: bytes) -> dict[bytes, str]:
    """Mounts of which not everything may be asked or believed, by mountinfo(5): id -> kind of file system."""
    found = {}
    for line in mountinfo.split(b"\n"):
        before, _, after = line.partition(b" - ")
        kind = after.partition(b" ")[0].decode("ascii", "replace")
        if kind.startswith(_REMOTE):
            found[before.partition(b" ")[0]] = kind
    return found


def limit(procfs: str, pid: int) -> int | None:
    """How many descriptors the process may have; None when that is unlimited or not told."""
    return process_files.open_files_limit(contents(f"{procfs}/{pid}/limits"))
