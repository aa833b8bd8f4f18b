"""The line above a table that shows one service: whom, and how the look at it went."""

from __future__ import annotations

from mcptop import units
from mcptop.model.closeup import Closeup
from mcptop.presentation import runs
from mcptop.presentation.rows import Row
from mcptop.presentation.runs import Run, Runs, safe
from mcptop.presentation.when import clock

RECORDED = "a recording holds figures only: processes, sockets, files and settings are looked at live"


def line(row: Row | None, right: Runs, width: int) -> Runs:
    """Name and state on the left; on the right how the look at it went."""
    left: list[Run] = [(" ", "head")]
    if row is not None:
        left += [(f"{row.judgement.symbol} ", f"head.{row.judgement.style}"), (row.name, "head.strong")]
        if row.replicas is not None and row.service is not None and len(row.service.instances) > 1:
            left.append((f"  {row.replicas} of {len(row.service.instances)} instances run", "head.muted"))
        if row.project:
            left.append((f"  {row.project}", "head.dim"))
    room = max(0, width - runs.width(right) - 1)
    head = runs.clip(left, room)
    return runs.clip((*head, (" " * (room - runs.width(head)), "head"), *right, (" ", "head")), width)


def look(closeup: Closeup | None, can_look: bool) -> Runs:
    """The age of a look and what it could not read."""
    if not can_look:
        return ((RECORDED, "notice"),)
    if closeup is None:
        return (("looking…", "head.muted"),)
    said: list[Run] = []
    if closeup.problem:
        said.append((f"▲ {safe(closeup.problem, 300)}  ", "notice"))
    if closeup.cut_at is not None:
        said.append((f"the first {units.count(closeup.cut_at)} only  ", "notice"))
    return (*said, (f"looked {clock(closeup.at)}", "head.dim"))
