"""The cells of a row: figures as styled text of an exact width."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcptop import units
from mcptop.alerts import rules
from mcptop.presentation import judgement, runs, severity
from mcptop.presentation.judgement import Level
from mcptop.presentation.row import Depth, Row
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import Moment, figure

HOUR = 3600
_STEPS = "▁▂▃▄▅▆▇█"
_CRASH_LOOP = 3
_TREND_NOISE = 1 << 20
"""Less than this an hour is not worth a colour."""


Cell = Callable[[Row, int, Moment], Runs]


def right(value: Callable[[Row], str], style: Callable[[Row], str] | None = None) -> Cell:
    """A plain column of figures."""
    return figure(value, style or _plain_style)


def name(row: Row, width: int, moment: Moment) -> Runs:
    """The tree: fold mark of a group, symbol and name of a service, dot and name of an instance."""
    if row.depth is Depth.GROUP:
        mark = "▸ " if row.folded else "▾ "
        return ((mark, "muted"), (runs.fit(row.name, width - 2), "group"))
    if row.depth is Depth.INSTANCE:
        fine = row.judgement.level is Level.OK
        symbol = judgement.INSTANCE if fine else row.judgement.symbol
        lead = "   " if moment.tree else "  "
        return ((f"{lead}{symbol} ", row.judgement.style if not fine else "muted"),
                (runs.fit(row.name, width - len(lead) - 2), "text"))  # fmt: skip
    lead = " " if moment.tree else ""
    room = width - len(lead) - 2
    fold = "" if row.folded is None else (" ▸" if row.folded else " ▾")
    if runs.cells(row.name) + len(fold) > room:
        fold = ""
    shown = row.name if runs.cells(row.name) <= room else runs.fit(row.name, room)
    parts = [(f"{lead}{row.judgement.symbol} ", row.judgement.style),
             (shown, "muted" if row.judgement.stopped else "strong"), (fold, "dim")]  # fmt: skip
    rest = room - runs.cells(shown) - len(fold)
    if not moment.tree and row.project and rest > 4:
        parts.append((runs.fit(f" {row.project}", rest), "dim"))
    else:
        parts.append((" " * rest, "text"))
    return tuple(parts)


def replicas(row: Row) -> str:
    """How many run; where Swarm shall run another number, of how many."""
    if row.depth is Depth.INSTANCE:
        return ""
    return units.of(row.replicas, row.desired)


def cpu(row: Row, width: int, moment: Moment) -> Runs:
    """Percent of one core, and the last samples as a sparkline scaled to the quota (or to one core)."""
    figures = row.figures
    is_group = row.depth is Depth.GROUP
    style = "muted" if is_group else cpu_style(figures.cpu_ratio)
    if figures.cores is None:
        number = (runs.fit(units.UNKNOWN, 5, "right"), "dim")
    else:
        number = (runs.fit(units.percent(figures.cores), 5, "right"), "strong" if is_group else f"{style}.strong")
    room = width - 6
    if room < 4:
        return ((runs.fit(number[0].strip(), width, "right"), number[1]),)
    values = moment.series.tail(row.key, "cpu.cores", room)
    return (number, (" ", "text"), (spark(values, room, moment.cpus if is_group else figures.limit_cores), style))


def cpu_style(ratio: float | None) -> str:
    """Colour of a CPU figure by its share of the quota; without a quota there is nothing to warn of."""
    return "warning" if ratio is not None and ratio >= severity.CPU_WARNING else "cpu"


def spark(values: Sequence[float | None], width: int, limit: float | None) -> str:
    """A sparkline of exactly `width` cells that ends now; an idle service looks idle, not like a mountain."""
    shown = values[-width:]
    top = limit or max(1.0, max((value for value in shown if value is not None), default=0.0))
    scale = 7 / top
    # The same picture as units.sparkline in half the time: this runs for every visible row and frame.
    steps = [
        " " if v is None else _STEPS[round(v * scale)] if 0 <= v < top else _STEPS[7 if v > 0 else 0] for v in shown
    ]
    return "".join(steps).rjust(width)


def bar(ratio: float | None, width: int, style: str) -> Runs:
    """A bar on its track; an unknown share has a track only where there is something to know."""
    filled = units.bar(ratio, width)
    return ((filled.ljust(width), f"bar.{style}"),)


def memory(row: Row, width: int, moment: Moment) -> Runs:
    """Bar, used, limit and percent, as far as the width goes."""
    figures = row.figures
    level = severity.of_memory(figures.memory_worst, row.rules)
    style = judgement.STYLES[level] if level else "ok"
    used = units.size(figures.working_set)
    tone = "dim" if used == units.UNKNOWN else ("text" if row.depth is Depth.GROUP else "strong")
    if width < 16:
        return ((runs.fit(used, width, "right"), tone),)
    share = (f" {units.percent(figures.memory_ratio) if figures.memory_limit else '':>4}",
             style if figures.memory_limit else "dim")  # fmt: skip
    limit = "" if width < 23 else (f"/{units.size(figures.memory_limit)}" if figures.memory_limit else "")
    text = ((f"{used:>5}", tone), (f"{limit:<6}" if width >= 23 else "", "muted"), share)
    room = width - runs.width(text) - 1
    if not figures.memory_limit:
        return ((" " * (room + 1), "text"), *text)
    return (*bar(figures.memory_ratio, room, style), (" ", "text"), *text)


def trend(row: Row) -> str:
    """Growth of anonymous memory in an hour, at the present rate."""
    per_s = row.figures.trend
    if per_s is None:
        return units.UNKNOWN
    grown = per_s * HOUR
    return "0" if abs(grown) < _TREND_NOISE / 20 else f"{'+' if grown > 0 else ''}{units.size(grown)}"


def trend_style(row: Row) -> str:
    """Red when the limit would be reached within the hour, yellow within a day."""
    figures = row.figures
    if figures.trend is None or figures.trend * HOUR < _TREND_NOISE:
        return "dim"
    left = hours_left(row)
    if left is None:
        return "muted"
    return "critical" if left < 1 else ("warning" if left < 24 else "muted")


def hours_left(row: Row) -> float | None:
    """Hours until the limit at the present rate; None without a limit or without growth."""
    figures = row.figures
    if not figures.trend or figures.trend <= 0 or not figures.memory_limit or figures.working_set is None:
        return None
    return max(0.0, figures.memory_limit - figures.working_set) / figures.trend / HOUR


def sockets(row: Row, width: int, moment: Moment) -> Runs:
    """Established connections, and the ones the peer closed and the service did not."""
    figures = row.figures
    if figures.established is None:
        return ((runs.fit(units.UNKNOWN, width, "right"), "dim"),)
    waiting = figures.close_wait or 0
    if waiting < row.rules.shown(rules.CLOSE_WAIT.id).warning:
        return ((runs.fit(units.count(figures.established), width, "right"), _plain_style(row)),)
    mark = f" {units.count(waiting)}w"
    return ((runs.fit(units.count(figures.established), width - len(mark), "right"), "text"), (mark, "warning"))


def restarts(row: Row, width: int, moment: Moment) -> Runs:
    """Restarts, with the kills for lack of memory behind them; the kills alone where there is no room for both."""
    restarted, killed = row.figures.restarts, row.figures.oom_kills
    text = units.count(restarted)
    if killed:
        kills = f"{units.count(killed)}!"
        both = f"{text}/{kills}"
        text = kills if restarted is None or len(both) > width else both
    return ((runs.fit(text, width, "right"), _restarts_style(restarted or 0, killed or 0)),)


def _restarts_style(restarted: float, killed: float) -> str:
    """Any kill and any crash loop stand out; a service that never restarted does not."""
    if killed:
        return "critical"
    return "warning" if restarted >= _CRASH_LOOP else ("text" if restarted else "dim")


def state(row: Row, width: int, moment: Moment) -> Runs:
    """Health or state in a word; for a group the symbol of its worst service; the age of late numbers."""
    if row.depth is Depth.GROUP:
        # Services are not counted: a second number beside that of the problems would contradict it.
        judged = row.judgement
        return ((runs.fit(judged.symbol if judged.level >= Level.WARNING else "", width), judged.style),)
    if row.figures.age_s is not None:
        return ((runs.fit(f"{units.duration(round(row.figures.age_s))} ago", width), "warning"),)
    return ((runs.fit(row.state, width), _STATE_STYLES.get(row.state, "muted")),)


_STATE_STYLES = {"unhealthy": "critical", "restarting": "critical", "dead": "critical", "paused": "warning",
                 "healthy": "ok", "starting": "text"}  # fmt: skip


def up(row: Row, width: int, moment: Moment) -> Runs:
    """Time since the (latest) start; a group has none."""
    if row.depth is Depth.GROUP:
        return ((" " * width, "text"),)
    started = row.figures.started_at
    running = started is not None and not row.judgement.stopped
    age = max(0.0, (moment.at - started).total_seconds()) if running and started is not None else None
    text = units.UNKNOWN if age is None else units.duration(age).replace(".0s", "s")
    return ((runs.fit(text, width, "right"), "dim" if age is None else "muted"),)


def pressure(row: Row, width: int, moment: Moment) -> Runs:
    """PSI of CPU, memory and I/O: the share of the last 10 s in which a task waited for it."""
    figures = row.figures
    parts = []
    for ratio in (figures.cpu_pressure, figures.memory_pressure, figures.io_pressure):
        style = "dim" if not ratio or ratio < 0.005 else ("warning" if ratio >= 0.1 else "text")
        parts.append((f"{units.percent(ratio):>{width // 3}}", style))
    return (*parts, (" " * (width - width // 3 * 3), "text"))


def _plain_style(row: Row) -> str:
    return "muted" if row.depth is Depth.INSTANCE else "text"
