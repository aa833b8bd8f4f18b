"""What `lsof` and `proc-files` tell of a target's open files; the two differ in who names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.two_looks import of_each, per_s
from mcptop.sources import open_files
from mcptop.sources.log_files import looks_like_log
from mcptop.sources.open_files import FileKind, OpenFile
from mcptop.units import percent

EMITS = {
    "seconds": "between the two looks",
    "total": "open descriptors of all its processes",
    "limit": "how many the process may have that is nearest to its limit",
    "limit_ratio": "how near that is",
    "regular": "of them files", "sockets": "sockets", "pipes": "pipes", "other": "devices, event queues, folders",
    "deleted": "files whose last name is gone", "deleted_bytes": "bytes they take, each file once",
    "regular_growth": "files at the end less files at the start", "sockets_growth": "of sockets",
    "total_growth": "of all descriptors", "growth_per_s": "of all descriptors, a second",
    "top_path": "the file that is open most often", "top_path_count": "how often",
    "deleted_path": "the largest deleted file that is open", "deleted_size_bytes": "its size, 0 without one",
    "writer.path": "the file that grows fastest", "writer.bytes_per_s": "how fast, 0 where none grows",
    "writer.deleted": "its last name is gone",
    "writer.is_log": "standard output or error, or named like a log",
    "writer.service_log": "standard output or error",
}  # fmt: skip

_STANDARD = (1, 2)


class Look(Value, frozen=True):
    """All descriptors at one moment."""

    at: float
    """Monotonic seconds."""
    limits: dict[int, int | None]
    """Process -> how many it may have."""
    files: tuple[OpenFile, ...]


def look(context: Context, at: float) -> Look:
    """Look now. Raises `StepFailure`."""
    procfs = context.roots.procfs
    found = of_each(context, lambda pid: (open_files.limit(procfs, pid), open_files.open_files(procfs, pid)))
    return Look(
        at,
        {pid: limit for pid, (limit, _) in found.items()},
        tuple(file for _, files in found.values() for file in files),
    )


def values(before: Look, after: Look) -> dict[str, Any]:
    """The facts under the names of `EMITS`."""
    seconds = after.at - before.at
    limit, ratio = _nearest_limit(after)
    deleted = list({file.inode or file.path: file for file in after.files if file.is_deleted}.values())
    largest = max(deleted, key=lambda file: file.size or 0, default=None)
    paths = Counter(file.path for file in after.files if file.kind is FileKind.REGULAR and not file.is_nameless)
    top = paths.most_common(1)
    growth = len(after.files) - len(before.files)
    return {
        "seconds": rounded(seconds),
        "total": len(after.files),
        "limit": limit,
        "limit_ratio": rounded(ratio),
        **{name: _count(after, kind) for name, kind in _KINDS.items()},
        "deleted": len(deleted),
        "deleted_bytes": _sum(file.size for file in deleted),
        "regular_growth": _count(after, FileKind.REGULAR) - _count(before, FileKind.REGULAR),
        "sockets_growth": _count(after, FileKind.SOCKET) - _count(before, FileKind.SOCKET),
        "total_growth": growth,
        "growth_per_s": rounded(per_s(growth, seconds)),
        "top_path": top[0][0] if top else None,
        "top_path_count": top[0][1] if top else 0,
        "deleted_path": largest.path if largest else None,
        "deleted_size_bytes": largest.size if largest else 0,
        "writer": _writer(before, after, seconds),
    }


_KINDS = {
    "regular": FileKind.REGULAR, "sockets": FileKind.SOCKET, "pipes": FileKind.PIPE, "other": FileKind.OTHER,
}  # fmt: skip


def summary(found: Mapping[str, Any]) -> str:
    """How many, and how near to the limit."""
    says = f"{found['total']} descriptors"
    return says if found["limit_ratio"] is None else f"{says}, {percent(found['limit_ratio'])} of the limit"


def _count(look: Look, kind: FileKind) -> int:
    return sum(file.kind is kind for file in look.files)


def _sum(sizes: Iterable[int | None]) -> int | None:
    """Of some that may be unknown: then the sum is."""
    total = 0
    for size in sizes:
        if size is None:
            return None
        total += size
    return total


def _nearest_limit(look: Look) -> tuple[int | None, float | None]:
    held = Counter(file.pid for file in look.files)
    ratios = [(held[pid] / limit, limit) for pid, limit in look.limits.items() if limit]
    ratio, limit = max(ratios, default=(None, None))
    return limit, ratio


def _writer(before: Look, after: Look, seconds: float) -> dict[str, Any]:
    """The file that grows fastest."""
    earlier = _Earlier(before.files)
    grown = [
        (came, file)
        for file in after.files
        if file.kind is FileKind.REGULAR and file.writes and (came := earlier.came_to(file)) > 0
    ]
    if not grown:
        return {"path": None, "bytes_per_s": 0.0, "deleted": False, "is_log": False, "service_log": False}
    most, writer = max(grown, key=lambda pair: (pair[0], -pair[1].fd))
    same = [file for file in after.files if file is writer or (file.inode is not None and file.inode == writer.inode)]
    service_log = any(file.fd in _STANDARD for file in same)
    return {
        "path": writer.path,
        "bytes_per_s": rounded(per_s(most, seconds)),
        "deleted": writer.is_deleted,
        "is_log": service_log or looks_like_log(writer.path),
        "service_log": service_log,
    }


class _Earlier:
    """The files of the first look, to compare with."""

    def __init__(self, files: Sequence[OpenFile]) -> None:
        regular = [file for file in files if file.kind is FileKind.REGULAR]
        self._descriptors = {(file.pid, file.fd): file for file in regular}
        self._sizes = {file.inode: file.size for file in regular if file.inode is not None}
        self._paths = {file.path for file in regular if file.writes}

    def came_to(self, file: OpenFile) -> int:
        """Bytes that came to it since, at least: by its size, or by the position of who writes it."""
        old = self._descriptors.get((file.pid, file.fd))
        if old is not None and old.inode == file.inode:
            # Of a file that is read as well, a position does not tell of writing.
            moved = (file.position or 0) - (old.position or 0) if file.only_writes else 0
            return max(moved, (file.size or 0) - (old.size or 0))
        if file.inode in self._sizes:
            return (file.size or 0) - (self._sizes[file.inode] or 0)
        # A log that was rotated meanwhile: all of the new one is new.
        return (file.size or 0) if file.path in self._paths else 0
