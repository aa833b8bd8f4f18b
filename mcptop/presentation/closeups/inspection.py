"""What a service is and was started with, section by section."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.model.closeup import Fact, InspectCloseup
from mcptop.presentation import runs
from mcptop.presentation.closeups import listed, masks
from mcptop.presentation.closeups.listed import CloseRow, passes
from mcptop.presentation.closeups.masks import HIDDEN, Reveal
from mcptop.presentation.figures import Figures
from mcptop.presentation.judgement import FINE, Judgement, Level
from mcptop.presentation.row import View
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import Column, Moment, Sheet, ordered

_BAD = {("health", "health", "unhealthy"), ("state", "state", "dead"), ("state", "state", "restarting"),
        ("state", "killed for lack of memory", "yes, in its last run")}  # fmt: skip


class FactRow(CloseRow, frozen=True, eq=False, kw_only=True):
    """One fact, or the heading of a section."""

    fact: Fact
    value: str
    """Safe to print, and masked where nobody asked for it."""
    masked: bool = False
    order: int = 0
    """Where it stands in the answer."""


def build(closeup: InspectCloseup, view: View, reveal: Reveal = HIDDEN) -> Sequence[FactRow]:
    """All rows: the sections in their order, or all by value. A filter does not look behind a mask."""
    rows = [_row(fact, reveal, order) for order, fact in enumerate(closeup.lines)]
    if view.filter:
        rows = [row for row in rows if _stays(row, view)]
    if not view.tree:
        return ordered(rows, _name_of, view.sort, view.descending)
    found: list[FactRow] = []
    sections: dict[tuple[str, str], list[FactRow]] = {}
    for row in rows:
        instance = row.fact.instance if len(closeup.instances) > 1 else ""
        sections.setdefault((instance, row.fact.section), []).append(row)
    for (instance, section), members in sections.items():
        found.append(_heading(instance, section, members))
        found += ordered(members, _name_of, view.sort, view.descending) if view.sort is not None else members
    return found


def _row(fact: Fact, reveal: Reveal, order: int) -> FactRow:
    # Two facts may have one name: two checks in the same second, two mounts.
    return FactRow(
        key=f"{masks.key_of(fact)}#{order}" if fact.section != "environment" else masks.key_of(fact),
        name=runs.safe(fact.name),
        fact=fact,
        value=runs.safe(masks.shown(fact, reveal), 2000),
        masked=masks.is_masked(fact, reveal),
        judgement=judged(fact),
        order=order,
    )


def judged(fact: Fact) -> Judgement:
    """What somebody should know of: a container that is unhealthy, that was killed, that could not start."""
    if (
        (fact.section, fact.name, fact.value) in _BAD
        or (fact.section, fact.name) == ("state", "error")
        or _is_swarm_trouble(fact)
    ):
        return Judgement(Level.WARNING, (f"{fact.name}: {fact.value}",))
    return FINE


def _is_swarm_trouble(fact: Fact) -> bool:
    is_paused = fact.name == "update" and fact.value.startswith(("paused", "rollback_paused"))
    return fact.section == "swarm" and (fact.name.startswith("task ") or is_paused)


def _stays(row: FactRow, view: View) -> bool:
    fact = row.fact
    return passes(view.filter, (fact.section, row.name, row.value, fact.instance), Figures(),
                  {"kind": fact.section, "instance": fact.instance}, row.judgement.level)  # fmt: skip


def _name_of(row: FactRow) -> str:
    return f"{row.name}\n{row.order:06}"


def _heading(instance: str, section: str, members: Sequence[FactRow]) -> FactRow:
    title = runs.safe(f"{instance}  {section}" if instance else section)
    hidden = sum(row.masked for row in members)
    note = f"{hidden} of {len(members)} masked" if hidden else ""
    return FactRow(key=f"section:{instance}/{section}", name=title, is_heading=True, level_in_tree=0,
                   fact=Fact(section, title, note), value=note)  # fmt: skip


def _name(row: FactRow, width: int, moment: Moment) -> Runs:
    if row.is_heading:
        return ((runs.fit(row.name, width), "group"),)
    return (("  ", "text"), (runs.fit(row.name, width - 2), "muted"))


def _value(row: FactRow, width: int, moment: Moment) -> Runs:
    tone = "dim" if row.masked or row.is_heading else "text"
    if row.judgement.level >= Level.WARNING:
        tone = row.judgement.style
    return ((runs.fit(row.value, width), tone),)


INSPECT: Sheet[FactRow] = Sheet(
    (
        Column("level", "!", "what needs somebody", 1, listed.symbol_cell, 0,
               lambda r: (listed.rank(r), -float(r.order))),
        Column("name", "NAME", "what it is", 24, _name, 0, lambda r: r.name, 0, "left", names=True),
        Column("value", "VALUE", "variables are masked until somebody asks", 20, _value, 0, lambda r: r.value, 2000,
               "left", names=True),
    ),
    (("value", 44), ("name", 30), ("value", 60), ("name", 40)),
)  # fmt: skip
"""One row a fact; by its first column it stands in the order of the answer, what needs somebody first."""
