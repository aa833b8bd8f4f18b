"""The processes of a service as a tree or a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from mcptop import units
from mcptop.model.closeup import ProcessCloseup, ProcessKey, ProcessLine
from mcptop.presentation import runs
from mcptop.presentation.closeups import listed
from mcptop.presentation.closeups.listed import CloseRow, instance_cell, left, passes, right
from mcptop.presentation.figures import Figures
from mcptop.presentation.judgement import FINE, Judgement, Level
from mcptop.presentation.row import View
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import MAIN, NARROW, WIDE, Column, Moment, Sheet, ordered

_DEEPEST = 8
"""Levels that are indented; what is deeper stands where these end."""
_ZOMBIE = Judgement(Level.WARNING, ("a zombie: it has ended, and its parent does not ask for its exit code",))
_STOPPED = Judgement(Level.WARNING, ("stopped by a signal or a debugger",))
_STATES = {"Z": _ZOMBIE, "T": _STOPPED, "t": _STOPPED}
_TONES = {"R": "ok", "D": "warning", "S": "muted", "I": "dim"}


class ProcessRow(CloseRow, frozen=True, eq=False, kw_only=True):
    """One process, or an instance with the sums of its processes."""

    line: ProcessLine
    depth: int = 0
    """Of its ancestors how many are shown above it."""
    says: str = ""
    """Of an instance: how many processes, and how many of them are zombies."""

    @property
    def identity(self) -> ProcessKey | None:
        """Who to signal, or whose threads to read; None of a heading, and where the pid alone does not tell."""
        return None if self.is_heading else self.line.key


def build(closeup: ProcessCloseup, view: View) -> Sequence[ProcessRow]:
    """All rows, in the order of the table: each parent above its children, or all by value."""
    names = listed.short_names(closeup)
    rows = [_row(line, names.get(line.instance, line.instance)) for line in closeup.lines]
    if view.filter:
        rows = [row for row in rows if _stays(row, view, closeup.at)]
    if not view.tree:
        return ordered(rows, _name_of, view.sort, view.descending)
    if len(closeup.instances) < 2:
        return list(_tree(rows, view))
    found: list[ProcessRow] = []
    by_instance: dict[str, list[ProcessRow]] = {}
    for row in rows:
        by_instance.setdefault(row.line.instance, []).append(row)
    for instance, members in by_instance.items():
        found += (_heading(instance, names.get(instance, instance), members), *_tree(members, view))
    return found


def _row(line: ProcessLine, replica: str, depth: int = 0) -> ProcessRow:
    return ProcessRow(
        key=f"{line.instance}/{line.pid}-{line.start_ticks or 0}",
        name=runs.safe(line.name) or str(line.pid),
        judgement=_STATES.get(line.state, FINE),
        line=line,
        depth=depth,
        replica=runs.safe(replica),
    )


def _stays(row: ProcessRow, view: View, at: datetime) -> bool:
    line = row.line
    names = (line.name, line.command, line.instance, line.user or "", str(line.pid), str(line.inner_pid or ""))
    figures = Figures(cores=line.cores, working_set=line.rss_bytes, fds=line.fds, pids=line.threads,
                      started_at=line.started_at)  # fmt: skip
    words = {"state": line.state, "kind": "process", "instance": line.instance}
    return passes(view.filter, names, figures, words, row.judgement.level, at)


def _tree(rows: Sequence[ProcessRow], view: View) -> Iterator[ProcessRow]:
    """Without recursion: a chain of processes may be as long as their number."""
    present = {row.line.pid for row in rows}
    children: dict[int | None, list[ProcessRow]] = {}
    for row in rows:
        parent = row.line.parent if row.line.parent in present and row.line.parent != row.line.pid else None
        children.setdefault(parent, []).append(row)
    shown: set[int] = set()
    waiting = [(row, 0) for row in reversed(_sorted(children.get(None, ()), view))]
    while waiting:
        row, depth = waiting.pop()
        if row.line.pid in shown:
            continue
        shown.add(row.line.pid)
        yield row if depth == 0 else _row(row.line, row.replica, depth)
        waiting += [(child, depth + 1) for child in reversed(_sorted(children.get(row.line.pid, ()), view))]
    # Parents that name each other cannot be; what an engine says may all the same not leave a process out.
    yield from (row for row in rows if row.line.pid not in shown)


def _sorted(rows: Sequence[ProcessRow], view: View) -> list[ProcessRow]:
    return ordered(rows, _name_of, view.sort, view.descending)


def _name_of(row: ProcessRow) -> str:
    return f"{row.name}\n{row.line.pid:010}"


def _heading(instance: str, name: str, members: Sequence[ProcessRow]) -> ProcessRow:
    lines = [row.line for row in members]
    whole = ProcessLine(
        instance=instance, pid=0, parent=0, name=instance, state="",
        cores=listed.total(line.cores for line in lines),
        rss_bytes=listed.whole(line.rss_bytes for line in lines),
        threads=listed.whole(line.threads for line in lines),
        fds=listed.whole(line.fds for line in lines),
    )  # fmt: skip
    return ProcessRow(
        key=f"instance:{instance}", name=runs.safe(name), is_heading=True, level_in_tree=0, line=whole,
        says=_counted(lines),
    )  # fmt: skip


def _counted(lines: Sequence[ProcessLine]) -> str:
    zombies = sum(line.state == "Z" for line in lines)
    says = f"{len(lines)} process{'es' if len(lines) != 1 else ''}"
    return f"{says}, {zombies} zombie{'s' if zombies != 1 else ''}" if zombies else says


def _name(row: ProcessRow, width: int, moment: Moment) -> Runs:
    if row.is_heading:
        return ((listed.ending(row.name, width), "group"),)
    lead = "  " * min(row.depth, _DEEPEST, max(0, width - 6) // 2) if moment.tree else ""
    return ((lead, "faint"), (runs.fit(row.name, width - len(lead)), "strong" if row.depth == 0 else "text"))


def _state(row: ProcessRow, width: int, moment: Moment) -> Runs:
    tone = row.judgement.style if row.judgement.level >= Level.WARNING else _TONES.get(row.line.state, "text")
    return ((runs.fit(runs.safe(row.line.state), width), tone),)


def _up(row: ProcessRow, width: int, moment: Moment) -> Runs:
    started = row.line.started_at
    text = "" if row.is_heading else units.UNKNOWN if started is None else _age(started, moment.at)
    return ((runs.fit(text, width, "right"), "dim"),)


def _age(started: datetime, at: datetime) -> str:
    return units.duration(max(0.0, (at - started).total_seconds()))


def _command(row: ProcessRow, width: int, moment: Moment) -> Runs:
    if row.is_heading:
        return ((runs.fit(row.says, width), "dim"),)
    text = runs.safe(row.line.command, 1000)
    return ((runs.fit(text or f"[{row.name}]", width), "muted" if text else "dim"),)


def cpu_text(cores: float | None) -> str:
    """Percent of one core, with a decimal where it is little: 0.4%, 38%."""
    if cores is None or cores >= 0.0995:
        return units.percent(cores)
    return "0%" if cores < 0.0005 else f"{cores * 100:.1f}%"


def _cpu_tone(row: ProcessRow) -> str:
    cores = row.line.cores or 0.0
    return "cpu.strong" if cores >= 0.5 else "cpu" if cores >= 0.0005 else "dim"


def _user(row: ProcessRow) -> str:
    return runs.safe(row.line.user or units.UNKNOWN)


def _pid(row: ProcessRow) -> str:
    return str(row.line.pid)


PROCESSES: Sheet[ProcessRow] = Sheet(
    (
        Column("level", "!", "what needs somebody: zombies, stopped processes", 1, listed.symbol_cell, 0, listed.rank),
        Column("name", "NAME", "the process, below its parent in the tree", 14, _name, 0, lambda r: r.name, 32, "left",
               names=True),
        Column("pid", "PID", "as this machine numbers it", 7, right(_pid, lambda r: "muted"), 0,
               lambda r: float(r.line.pid)),
        Column("state", "S", "R runs, S waits, D waits for a disk, Z has ended, T is stopped", 1, _state, 0,
               lambda r: r.line.state, align="left"),
        Column("cpu", "CPU", "percent of one core since the last look", 5,
               right(lambda r: cpu_text(r.line.cores), _cpu_tone, lambda r: cpu_text(r.line.cores)), 0,
               lambda r: r.line.cores, jumps=True),
        Column("memory", "RSS", "memory that is resident; what processes share counts in each", 5,
               right(lambda r: units.size(r.line.rss_bytes), heading=lambda r: units.size(r.line.rss_bytes)), 30,
               lambda r: r.line.rss_bytes, jumps=True),
        Column("threads", "THR", "threads", 4,
               right(lambda r: units.count(r.line.threads), heading=lambda r: units.count(r.line.threads)), 40,
               lambda r: r.line.threads, jumps=True),
        Column("fds", "FD", "open descriptors", 4,
               right(lambda r: units.count(r.line.fds), heading=lambda r: units.count(r.line.fds)), 48,
               lambda r: r.line.fds, jumps=True),
        Column("inner", "NSPID", "its pid as its container numbers it", 6,
               right(lambda r: str(r.line.inner_pid or units.UNKNOWN), lambda r: "dim"), MAIN - 10,
               lambda r: r.line.inner_pid),
        Column("user", "USER", "who it runs as", 8, left(_user, "muted"), NARROW + 10,
               lambda r: r.line.user, 12, "left", names=True),
        Column("up", "UP", "time since it was started", 7, _up, NARROW - 5,
               lambda r: None if r.line.started_at is None else -r.line.started_at.timestamp()),
        Column("instance", "INSTANCE", "the container or process tree it belongs to", 14,
               instance_cell, WIDE - 60, lambda r: r.line.instance, 24, "left",
               names=True),
        Column("command", "COMMAND", "its command line; secrets are masked", 16, _command, NARROW - 20,
               lambda r: r.line.command, 400, "left", names=True),
    ),
    (("name", 20), ("command", 30), ("name", 28), ("command", 50), ("instance", 24), ("name", 32)),
)  # fmt: skip
"""One row a process."""
