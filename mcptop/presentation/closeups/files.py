"""The open files of a service by kind: what is deleted and still takes room first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mcptop import units
from mcptop.model.closeup import FileCloseup, FileLine
from mcptop.presentation import runs
from mcptop.presentation.closeups import listed
from mcptop.presentation.closeups.listed import CloseRow, bad, ending, instance_cell, passes, right
from mcptop.presentation.figures import Figures
from mcptop.presentation.judgement import FINE, Judgement, Level
from mcptop.presentation.row import View
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import MAIN, Column, Moment, Sheet, ordered

HELD_BAD = 64 << 20
"""Bytes in a deleted file from which on a disk that fills is explained."""


class _Part(NamedTuple):
    """One heading."""

    id: str
    title: str


_PARTS = (
    _Part("deleted", "deleted, but open"),
    _Part("regular", "files"),
    _Part("other", "devices, event queues, folders"),
    _Part("socket", "sockets"),
    _Part("pipe", "pipes"),
)


class FileRow(CloseRow, frozen=True, eq=False, kw_only=True):
    """One file, or a heading with totals."""

    line: FileLine
    label: str


def build(closeup: FileCloseup, view: View) -> Sequence[FileRow]:
    """All rows, in the order of the table: by kind with a heading each, or all by value."""
    names = listed.short_names(closeup)
    rows = [_row(line, names.get(line.instance, line.instance)) for line in closeup.lines]
    if view.filter:
        rows = [row for row in rows if _stays(row, view)]
    if not view.tree:
        return ordered(rows, _name_of, view.sort, view.descending)
    found: list[FileRow] = []
    for part in _PARTS:
        members = [row for row in rows if _part_of(row.line) == part.id]
        if members:
            found += (_heading(part, members), *ordered(members, _name_of, view.sort, view.descending))
    return found


def _part_of(line: FileLine) -> str:
    return "deleted" if line.deleted else line.kind


def _row(line: FileLine, replica: str) -> FileRow:
    label = runs.safe(line.path, 4096) or f"{line.kind}s"
    # The name of a deleted file may be another's by now.
    key = f"{line.instance}/{line.kind}/{line.inode or line.path}"
    return FileRow(key=key, name=label, label=label, line=line, judgement=judged(line), replica=runs.safe(replica))


def judged(line: FileLine) -> Judgement:
    """Whether a deleted file takes room that matters."""
    if not line.deleted:
        return FINE
    held = units.long_size(line.held_bytes)
    says = f"deleted, and its {held} are free only when it is closed"
    return Judgement(Level.WARNING if (line.held_bytes or 0) >= HELD_BAD else Level.UNKNOWN, (says,))


def _stays(row: FileRow, view: View) -> bool:
    line = row.line
    names = (line.path, line.kind, line.instance, "deleted" if line.deleted else "", *map(str, line.pids))
    figures = Figures(fds=line.descriptors, working_set=line.size_bytes, disk=line.growth_bytes_per_s)
    words = {"kind": _part_of(line), "state": "deleted" if line.deleted else "open", "instance": line.instance}
    return passes(view.filter, names, figures, words, row.judgement.level)


def _name_of(row: FileRow) -> str:
    return f"{row.label}\n{row.line.instance}"


def _heading(part: _Part, members: Sequence[FileRow]) -> FileRow:
    lines = [row.line for row in members]
    growth = listed.total(line.growth_bytes_per_s for line in lines)
    whole = FileLine(
        instance="", pids=(), kind=part.id, descriptors=sum(line.descriptors for line in lines),
        size_bytes=listed.whole(line.size_bytes for line in lines), growth_bytes_per_s=growth,
        deleted=part.id == "deleted",
    )  # fmt: skip
    return FileRow(key=f"part:{part.id}", name=part.title, label=part.title, is_heading=True, level_in_tree=0,
                   line=whole)  # fmt: skip


def _path(row: FileRow, width: int, moment: Moment) -> Runs:
    if row.is_heading:
        return ((runs.fit(row.label, width), "group"),)
    lead = "  " if moment.tree else ""
    tone = row.judgement.style if row.judgement.level >= Level.WARNING else "text" if row.line.path else "muted"
    return ((lead, "text"), (ending(row.label, width - len(lead)), tone))


def _pids(row: FileRow) -> str:
    """The first process that has it open, and how many more."""
    pids = row.line.pids
    return f"{pids[0]}+{len(pids) - 1}" if len(pids) > 1 else str(pids[0]) if pids else ""


def growth_text(per_s: float | None) -> str:
    """`+1.4M/s`, `-3K/s`, `0`."""
    if per_s is None:
        return units.UNKNOWN
    return "0" if abs(per_s) < 0.5 else f"{'+' if per_s > 0 else ''}{units.size(per_s)}/s"


def _count(row: FileRow) -> str:
    return units.count(row.line.descriptors)


def _size(row: FileRow) -> str:
    return units.size(row.line.size_bytes)


def _sum_of_sizes(row: FileRow) -> str:
    return "" if row.line.size_bytes is None else units.size(row.line.size_bytes)


def _at(row: FileRow) -> str:
    """How far in the file its furthest descriptor is."""
    return units.size(row.line.position) if row.line.kind == "regular" else ""


def _mode(row: FileRow) -> str:
    writes = row.line.writes
    return "" if row.line.kind != "regular" else units.UNKNOWN if writes is None else "w" if writes else "r"


def _grows(row: FileRow) -> bool:
    return abs(row.line.growth_bytes_per_s or 0.0) >= 0.5


FILES: Sheet[FileRow] = Sheet(
    (
        Column("level", "!", "deleted files that take much room", 1, listed.symbol_cell, 0, listed.rank),
        Column("path", "FILE", "as the process sees it", 20, _path, 0, lambda r: r.label, 400, "left", names=True),
        Column("fds", "FD", "descriptors that lead to it", 4,
               right(_count, lambda r: "muted" if r.line.descriptors == 1 else "text", _count), 0,
               lambda r: r.line.descriptors),
        Column("size", "SIZE", "how large it is; of deleted ones: the room they still take", 5,
               right(_size, bad(lambda r: r.line.deleted), _sum_of_sizes), 34, lambda r: r.line.size_bytes),
        Column("growth", "GROWS", "how much larger it gets, a second", 8,
               right(lambda r: growth_text(r.line.growth_bytes_per_s), lambda r: "disk" if _grows(r) else "dim",
                     lambda r: growth_text(r.line.growth_bytes_per_s) if _grows(r) else ""), 46,
               lambda r: r.line.growth_bytes_per_s, jumps=True),
        Column("position", "AT", "how far it was read or written", 5, right(_at, lambda r: "muted"), 54,
               lambda r: r.line.position),
        Column("moved", "R+W", "bytes read or written in it, a second, as far as positions tell", 8,
               right(lambda r: growth_text(r.line.moved_bytes_per_s), lambda r: "muted"), MAIN - 20,
               lambda r: r.line.moved_bytes_per_s, jumps=True),
        Column("mode", "M", "w: open for writing; r: for reading only", 1, right(_mode, lambda r: "muted"), 60,
               _mode),
        Column("pid", "PID", "the first process that has it open, and how many more", 9,
               right(_pids, lambda r: "muted"), 68, lambda r: float(r.line.pids[0]) if r.line.pids else None),
        Column("instance", "INSTANCE", "the container or process tree it belongs to", 14,
               instance_cell, MAIN - 10, lambda r: r.line.instance, 0, "left",
               names=True),
    ),
    (("path", 36), ("instance", 20), ("path", 60), ("instance", 28)),
)  # fmt: skip
"""One row a file."""
