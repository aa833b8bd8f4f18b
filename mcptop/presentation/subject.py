"""The line above a table that shows one service: whom, and how the look at it went."""

from __future__ import annotations

from collections.abc import Iterator

from mcptop import units
from mcptop.model.closeup import Closeup
from mcptop.presentation import runs
from mcptop.presentation.row import Row
from mcptop.presentation.runs import Run, Runs, safe
from mcptop.presentation.when import clock

RECORDED = "a recording holds figures only: processes, sockets, files and settings are looked at live"


def line(row: Row | None, right: Runs, width: int) -> Runs:
    """Name and state on the left; on the right how the look at it went, cut before the name is."""
    name: Runs = ()
    if row is not None:
        name = ((f" {row.judgement.symbol} ", f"head.{row.judgement.style}"), (row.name, "head.strong"))
    right = _squeezed(right, width - 3 - min(runs.width(name), width // 2))
    room = max(0, width - runs.width(right) - 1)
    left = list(runs.clip(name, room - 2))
    for fact in _facts(row):
        if runs.width((*left, fact)) <= room - 2:
            left.append(fact)
    return runs.clip((*left, (" " * (room - runs.width(left)), "head"), *right, (" ", "head")), width)


def _facts(row: Row | None) -> Iterator[Run]:
    """What stands behind the name where there is room."""
    if row is None:
        return
    if row.replicas is not None and row.service is not None and len(row.service.instances) > 1:
        yield (f"  {row.replicas} of {len(row.service.instances)} instances run", "head.muted")
    if row.project:
        yield (f"  {row.project}", "head.dim")


def _squeezed(right: Runs, room: int) -> Runs:
    """At most `room` cells: what comes first, the words, is cut; when it was stays."""
    if not right or runs.width(right) <= room:
        return right
    (text, style), *rest = right
    return ((runs.fit(text, room - runs.width(rest)), style), *rest)


def look(closeup: Closeup | None, can_look: bool, elsewhere: str = "") -> Runs:
    """The age of a look and what it could not read; where nobody can look, why: it is a recording, or `elsewhere`."""
    if not can_look:
        return ((elsewhere or RECORDED, "notice"),)
    if closeup is None:
        return (("looking…", "head.muted"),)
    said: list[Run] = []
    if closeup.problem:
        said += [(f"▲ {safe(closeup.problem, 300)}", "notice"), ("  ", "head")]
    if closeup.cut_at is not None:
        said.append((f"the first {units.count(closeup.cut_at)} only  ", "notice"))
    return (*said, (f"looked {clock(closeup.at)}", "head.dim"))
