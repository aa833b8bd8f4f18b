"""The open files of a service: one line a file, and one for all sockets and all pipes of an instance."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from mcptop.closeup.pace import Pace
from mcptop.closeup.world import Members, Problems, World, census
from mcptop.model.closeup import Aspect, FileCloseup, FileLine
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.sources import open_files
from mcptop.sources.open_files import FileKind, OpenFile

MOST = 4000
MOST_DESCRIPTORS = 10_000
"""So many are looked into: each takes some 30 us."""

_Descriptor = tuple[int, int, str]
"""Process, number, and the file it leads to: a number is soon used for another one."""


class FileReader:
    """Keeps sizes and positions from look to look."""

    aspect = Aspect.FILES
    every_s = 1.0

    def __init__(self, world: World) -> None:
        self._world = world
        self._sizes: Pace[str] = Pace()
        self._positions: Pace[_Descriptor] = Pace()

    def look(self, service: Service, instances: Sequence[Instance]) -> FileCloseup:
        """Look now."""
        problems, lines, left = Problems(), list[FileLine](), MOST_DESCRIPTORS
        for members in census(self._world, service, instances, problems):
            found = self._open_files(members, left, problems)
            left -= len(found)
            lines += self._lines(members.instance.name, found)
        self._sizes.turn()
        self._positions.turn()
        if left <= 0:
            problems.add(f"only {MOST_DESCRIPTORS} descriptors were looked into")
        return FileCloseup(
            at=datetime.now(UTC),
            service=service.key,
            instances=tuple(instance.name for instance in instances),
            problem=problems.line(),
            cut_at=MOST if len(lines) > MOST else None,
            lines=tuple(lines[:MOST]),
        )

    def _open_files(self, members: Members, most: int, problems: Problems) -> list[OpenFile]:
        found: list[OpenFile] = []
        for process in members.processes:
            if len(found) >= most:
                break
            try:
                found += open_files.open_files(self._world.roots.procfs, process.pid, most - len(found))
            except PermissionError:
                problems.add("a process does not show its files: run as root")
            except OSError:
                # It has ended; the others have not.
                continue
        return found

    def _lines(self, instance: str, found: Iterable[OpenFile]) -> list[FileLine]:
        at, groups = time.monotonic(), dict[tuple[str, str], list[OpenFile]]()
        for file in found:
            groups.setdefault((file.kind, _identity(file)), []).append(file)
        return [self._line(instance, files, at) for files in groups.values()]

    def _line(self, instance: str, files: list[OpenFile], at: float) -> FileLine:
        first = files[0]
        pids = tuple(sorted({file.pid for file in files}))
        if first.kind is not FileKind.REGULAR:
            return FileLine(
                instance=instance, pids=pids, kind=first.kind, path=_path(first), descriptors=len(files)
            )  # fmt: skip
        growth = None
        if first.inode is not None and first.size is not None:
            growth = self._sizes.per_s(first.inode, first.size, at)
        positions = [file.position for file in files if file.position is not None]
        flags = [file.flags for file in files if file.flags is not None]
        return FileLine(
            instance=instance,
            pids=pids,
            kind=first.kind,
            path=first.path,
            inode=first.inode,
            descriptors=len(files),
            size_bytes=first.size,
            position=max(positions, default=None),
            growth_bytes_per_s=growth,
            moved_bytes_per_s=self._moved(files, at),
            deleted=first.is_deleted,
            writes=any(file.writes for file in files) if flags else None,
        )

    def _moved(self, files: Iterable[OpenFile], at: float) -> float | None:
        moved = [
            self._positions.per_s((file.pid, file.fd, _identity(file)), file.position, at)
            for file in files
            if file.position is not None
        ]
        known = [each for each in moved if each is not None]
        return sum(known) if known else None

    def close(self) -> None:
        """Nothing is held open."""


def _identity(file: OpenFile) -> str:
    """Descriptors with the same one are one line."""
    return (file.inode or file.path) if file.kind is FileKind.REGULAR else _path(file)


def _path(file: OpenFile) -> str:
    return "" if file.kind in (FileKind.SOCKET, FileKind.PIPE) else file.path
