"""POOL and QUEUE of a row of the service table."""

from __future__ import annotations

from mcptop import units
from mcptop.alerts import queues
from mcptop.presentation import cells, judgement, runs
from mcptop.presentation.flows import Backlog, Use
from mcptop.presentation.judgement import Level
from mcptop.presentation.row import Depth, Row
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.sheet import Moment

_TEXT = 8
"""Room of `50/50 7w`; what is more is a bar."""
_BARRED, _NAMED = 14, 22
"""Room with a bar, and with a name before that."""
INFERRED = "~"


def pool(row: Row, width: int, moment: Moment) -> Runs:
    """Name and bar where there is room, in use and maximum, and how many wait."""
    use = row.figures.flow.use
    if use is None:
        return ((runs.fit(units.UNKNOWN, width, "right"), "dim"),)
    if row.depth is Depth.GROUP:
        return ((runs.fit(_of_group(use), width, "right"), _tone(row, use.level, use.inferred, use.in_use)),)
    if use.pool is not None and width >= _NAMED:
        name = runs.fit(runs.safe(use.pool[0]), width - _BARRED - 1)
        return ((f"{name} ", "dim"), *_use(row, use, _BARRED))
    return _use(row, use, width)


def _of_group(use: Use) -> str:
    """Who waits; where nobody does, the share of the fullest."""
    return f"{units.count(use.waiting)}w" if use.waiting else units.percent(use.share)


def _use(row: Row, use: Use, width: int) -> Runs:
    room = width - _TEXT - 1
    whole = use_text(use, width)
    # How many wait says more than a bar.
    has_bar = room >= 3 and use.share is not None and not (use.waiting and len(whole) > _TEXT)
    figure = use_text(use, _TEXT) if has_bar else whole
    tone = _tone(row, use.level, use.inferred, use.in_use)
    if not has_bar:
        return ((runs.fit(figure, width, "right"), tone),)
    return (*cells.bar(use.share, room, bar_style(use.level, use.inferred)), (" ", "text"),
            (runs.fit(figure, _TEXT, "right"), tone))  # fmt: skip


def use_text(use: Use, width: int) -> str:
    """The longest way to say it that fits; what is left out last is that somebody waits."""
    mark = INFERRED if use.inferred and use.in_use is not None else ""
    known = use.in_use is not None or use.open is not None
    whole = mark + units.usage(use.in_use, use.open, use.max) if known else units.UNKNOWN
    short = f"{mark}{units.percent(use.share)}" if use.share is not None else whole
    if use.waiting:
        waits = f"{units.count(use.waiting)}w"
        ways = [f"{whole} {waits}", f"{short} {waits}", waits]
    else:
        ways = [whole, short]
    return next((way for way in ways if len(way) <= width), ways[-1])


def queue(row: Row, width: int, moment: Moment) -> Runs:
    """How many wait, and whether they become more."""
    backlog = row.figures.flow.backlog
    if backlog is None:
        return ((runs.fit(units.UNKNOWN, width, "right"), "dim"),)
    depth, change = _parts(backlog, width)
    tone = _tone(row, backlog.level, backlog.inferred, backlog.depth)
    line: tuple[Run, ...] = ((runs.fit(depth, width - len(change), "right"), tone),)
    return (*line, (change, _change_style(backlog))) if change else line


def backlog_text(backlog: Backlog, width: int) -> str:
    """The same as plain text."""
    return "".join(_parts(backlog, width))


def pool_order(row: Row) -> tuple[float, ...] | None:
    """Waiting first, then how full."""
    use = row.figures.flow.use
    if use is None:
        return None
    return (float(use.level), float(use.waiting), use.share or 0.0, float(use.in_use or 0))


def queue_order(row: Row) -> float | None:
    """By depth."""
    backlog = row.figures.flow.backlog
    return None if backlog is None or backlog.depth is None else float(backlog.depth)


def bar_style(level: Level, inferred: bool) -> str:
    """Full is no problem: a bar has the colour of its judgement."""
    if level >= Level.WARNING:
        return judgement.STYLES[level]
    return "muted" if inferred else "ok"


def _tone(row: Row, level: Level, inferred: bool, value: float | None) -> str:
    if level >= Level.WARNING and row.depth is not Depth.GROUP:
        return judgement.STYLES[level]
    if value is None or value == 0:
        return "dim"
    return "muted" if inferred or row.depth is Depth.INSTANCE else "text"


def _parts(backlog: Backlog, width: int) -> tuple[str, str]:
    """Depth, and what its change looks like in the room that is left."""
    depth = (INFERRED if backlog.inferred and backlog.depth is not None else "") + units.count(backlog.depth)
    growth = backlog.growth_per_s
    if growth is None or abs(growth) < queues.GROWTH_NOISE_PER_S:
        return depth, ""
    arrow = "▲" if growth > 0 else "▼"
    ways = (f" {arrow}{units.rate(abs(growth))}", f" {arrow}", arrow)
    return depth, next((way for way in ways if len(depth) + len(way) <= width), "")


def _change_style(backlog: Backlog) -> str:
    if (backlog.growth_per_s or 0.0) < 0:
        return "ok"
    return judgement.STYLES[backlog.level] if backlog.level >= Level.WARNING else "muted"
