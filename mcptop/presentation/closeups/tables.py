"""The tables of closeups, one an aspect: what the dashboard's tabs and anybody else show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from mcptop.model.closeup import Aspect
from mcptop.presentation.closeups import files, inspection, processes, sockets
from mcptop.presentation.sheet import Sheet


class Table(Struct, frozen=True, eq=False):
    """One table."""

    aspect: Aspect
    word: str
    says: str
    sheet: Sheet[Any]
    sort: str
    """Column it is sorted by to begin with."""
    build: Callable[..., Sequence[Any]]
    """Its rows, from the closeup of its aspect and the view; and from what was asked to be shown, where it `masks`, or
    from the rules in force, where it `judges`."""
    empty: str
    """What it says without rows."""
    masks: bool = False
    """Some of its values are shown only when somebody asks."""
    judges: bool = False
    """Its rows are judged by rules of the alerts."""


TABLES: dict[Aspect, Table] = {
    table.aspect: table
    for table in (
        Table(Aspect.PROCESSES, "Processes", "the processes of one service", processes.PROCESSES, "cpu",
              processes.build, "no process to show"),
        Table(Aspect.SOCKETS, "Sockets", "the connections of one service, by peer and state", sockets.SOCKETS,
              "level", sockets.build, "no socket to show", judges=True),
        Table(Aspect.FILES, "Files", "the open files of one service", files.FILES, "growth", files.build,
              "no open file to show"),
        Table(Aspect.INSPECT, "Inspect", "what one service is and was started with", inspection.INSPECT, "level",
              inspection.build, "nothing to show", masks=True),
    )
}  # fmt: skip
