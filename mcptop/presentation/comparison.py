"""Two moments side by side: what each service used then and now, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from msgspec import Struct

from mcptop import units
from mcptop.model.frame import Frame
from mcptop.presentation import rows, runs
from mcptop.presentation.row import Row
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.when import clock

Number = float | int | None


class Measure(Struct, frozen=True, eq=False):
    """One figure that is compared."""

    title: str
    of: Callable[[Row], Number]
    text: Callable[[Number], str]
    matters: float
    """Less than this is no change."""
    fits: int = 0
    """The narrowest terminal that shows it."""


MEASURES = (
    Measure("CPU", lambda row: row.figures.cores, units.percent, 0.05),
    Measure("MEM", lambda row: row.figures.working_set, units.size, 1 << 20),
    Measure("WAITING", lambda row: row.figures.flow.waiting(), units.count, 1, 100),
    Measure("QUEUE", lambda row: row.figures.flow.deepest(), units.count, 1, 80),
    Measure("NET/s", lambda row: row.figures.network, units.size, 1024, 110),
    Measure("SOCK", lambda row: row.figures.established, units.count, 1, 120),
    Measure("FD", lambda row: row.figures.fds, units.count, 1, 130),
    Measure("RESTARTS", lambda row: row.figures.restarts, units.count, 1, 150),
)
_WIDTH = 17
"""Room of `1.0G → 1.2G +200M`, without the gap before it."""


class Compared(Struct, frozen=True, eq=False):
    """One service at both moments; None where it was not there."""

    name: str
    before: Row | None
    now: Row | None

    @property
    def changed(self) -> float:
        """How much it changed, for the order: the largest change in parts of what matters."""
        if self.before is None or self.now is None:
            return float("inf")
        return max((_weight(measure, self.before, self.now) for measure in MEASURES), default=0.0)


def compare(before: Frame, now: Frame) -> list[Compared]:
    """Every service of either moment, what changed most first."""
    old, new = ({row.key: row for row in rows.of_services(frame)} for frame in (before, now))
    keys = dict.fromkeys(chain(new, old))
    found = [Compared((new.get(key) or old[key]).name, old.get(key), new.get(key)) for key in keys]
    return sorted(found, key=lambda one: (-one.changed, one.name))


def title(before: Frame, now: Frame, width: int) -> Runs:
    """Both times, and how far they are apart."""
    between = units.duration(abs((now.at - before.at).total_seconds()))
    left: Runs = ((" mcptop ", "brand"), (f" {clock(before.at)} → {clock(now.at)}", "head.strong"))
    line = runs.clip((*left, (f"  {between} apart", "head.muted")), width)
    return (*line, (" " * (width - runs.width(line)), "head"))


def lines(before: Frame, now: Frame, width: int) -> list[Runs]:
    """A heading, and a line a service."""
    shown = [measure for measure in MEASURES if measure.fits <= width]
    room = max(12, min(32, width - len(shown) * (_WIDTH + 1) - 4))
    while len(shown) > 1 and room + 4 + len(shown) * (_WIDTH + 1) > width:
        shown.pop()
    heading: list[Run] = [(runs.fit("   SERVICE", room + 3), "heading")]
    heading += [(" " + runs.fit(measure.title, _WIDTH, "right"), "heading") for measure in shown]
    return [tuple(heading), *(_line(one, shown, room) for one in compare(before, now))]


def _line(one: Compared, shown: Sequence[Measure], room: int) -> Runs:
    there = one.now or one.before
    assert there is not None
    line: list[Run] = [(f" {_symbol(one)} ", there.judgement.style), (runs.fit(one.name, room), "strong")]
    if one.before is None or one.now is None:
        return (*line, ("  came" if one.before is None else "  gone", "accent" if one.before is None else "warning"))
    for measure in shown:
        line += _change(measure, one.before, one.now)
    return tuple(line)


def _change(measure: Measure, before: Row, now: Row) -> list[Run]:
    old, new = measure.of(before), measure.of(now)
    if _weight(measure, before, now) < 1:
        return [(" " + runs.fit(measure.text(new), _WIDTH, "right"), "dim")]
    text = f"{measure.text(old)} → "
    rest = measure.text(new)
    style = "strong" if old is None or new is None else "warning.strong" if new > old else "ok.strong"
    return [(" " + runs.fit(text, _WIDTH - len(rest), "right"), "muted"), (rest, style)]


def _weight(measure: Measure, before: Row, now: Row) -> float:
    old, new = measure.of(before), measure.of(now)
    if old is None or new is None:
        return 0.0 if old is new else 1.0
    return abs(new - old) / measure.matters


def _symbol(one: Compared) -> str:
    if one.before is not None and one.now is not None and one.before.judgement.level != one.now.judgement.level:
        return f"{one.before.judgement.symbol}{one.now.judgement.symbol}"
    there = one.now or one.before
    assert there is not None
    return there.judgement.symbol
