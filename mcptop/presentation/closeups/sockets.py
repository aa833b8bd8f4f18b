"""The sockets of a service: who it listens for, whom it is connected to, who came in; what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mcptop import units
from mcptop.alerts import rules
from mcptop.model.closeup import Direction, SocketCloseup, SocketLine
from mcptop.model.rule import Rule, RuleSet
from mcptop.presentation import runs
from mcptop.presentation.closeups import listed
from mcptop.presentation.closeups.listed import CloseRow, bad, instance_cell, passes, right
from mcptop.presentation.figures import Figures
from mcptop.presentation.judgement import FINE, Judgement, Level
from mcptop.presentation.row import View
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import MAIN, NARROW, Column, Moment, Sheet, ordered

CLOSE_WAIT, SYN_SENT, ESTABLISHED = "CLOSE_WAIT", "SYN_SENT", "ESTABLISHED"
_NOTABLE = 64 * 1024
"""Bytes nobody reads or takes, from which on it is no moment's matter."""
_TONES = {ESTABLISHED: "ok", "LISTEN": "group", "TIME_WAIT": "dim"}


class SocketRow(CloseRow, frozen=True, eq=False, kw_only=True):
    """Sockets to one peer in one state, or a heading with their number."""

    line: SocketLine
    label: str
    """The service at the other end, or its address; of a listener where it listens."""


def build(closeup: SocketCloseup, view: View, in_force: RuleSet = rules.SHIPPED) -> Sequence[SocketRow]:
    """All rows, in the order of the table: listeners, what was opened here, what came in; or all by value."""
    around, names = _Around(closeup.lines, in_force), listed.short_names(closeup)
    rows = [_row(line, around, names.get(line.instance, line.instance)) for line in closeup.lines]
    if view.filter:
        rows = [row for row in rows if _stays(row, view)]
    if not view.tree:
        return ordered(rows, _name_of, view.sort, view.descending)
    found: list[SocketRow] = []
    for direction in Direction:
        members = [row for row in rows if row.line.direction is direction]
        if members:
            found += (_heading(direction, members), *ordered(members, _name_of, view.sort, view.descending))
    return found


class _Around:
    """What the other sockets of an instance say of one line, and the rules in force."""

    def __init__(self, lines: Sequence[SocketLine], in_force: RuleSet) -> None:
        self._rules = in_force
        self._closed = Counter[str]()
        for line in lines:
            if line.state == CLOSE_WAIT:
                self._closed[line.instance] += line.count
        self._answered = {(line.instance, line.address, line.port) for line in lines if line.state == ESTABLISHED}

    def is_bad(self, shipped: Rule, value: float) -> bool:
        """By the rule as it is in force."""
        rule = self._rules[shipped.id]
        return rule.enabled and rule.judge(value) is not None

    def closed(self, line: SocketLine) -> int:
        """How many the instance has not closed, whoever the peer is."""
        return self._closed[line.instance]

    def answers(self, line: SocketLine) -> bool:
        """Whether the peer has answered others."""
        return (line.instance, line.address, line.port) in self._answered


def _row(line: SocketLine, around: _Around, replica: str) -> SocketRow:
    label = _label(line)
    at = f"{line.direction}/{line.address}/{line.port}/{line.local_port}/{line.peer}/{line.state}"
    return SocketRow(key=f"{line.instance}/{at}", name=label, label=label, line=line, judgement=_judged(line, around),
                     replica=runs.safe(replica))  # fmt: skip


def _label(line: SocketLine) -> str:
    where = f"[{line.address}]" if ":" in line.address else line.address
    if line.direction is Direction.LISTENS:
        return runs.safe(f"{where}:{line.local_port}")
    where = where if line.port is None else f"{where}:{line.port}"
    return runs.safe(where if line.peer is None else f"{line.peer}  {where}")


def _judged(line: SocketLine, around: _Around) -> Judgement:
    """What is wrong with these sockets, in words; by the rules, where there is one for it."""
    found: list[tuple[Level, str]] = []
    if line.accept_queue and line.backlog is not None:
        of = f"{line.accept_queue} of {line.backlog} places in the accept queue are taken"
        if line.accept_queue > line.backlog:
            found.append((Level.CRITICAL, f"{of}: the next connections are turned away"))
        elif line.backlog and around.is_bad(rules.CONNECTIONS_REFUSED, line.accept_queue / line.backlog):
            found.append((Level.WARNING, f"{of}: the service does not come to accept"))
    if line.state == CLOSE_WAIT and around.is_bad(rules.CLOSE_WAIT, around.closed(line)):
        found.append((Level.WARNING, "CLOSE_WAIT: the peer closed, the service did not"))
    if line.state == SYN_SENT and (around.is_bad(rules.UNANSWERED, line.count) or not around.answers(line)):
        found.append((Level.WARNING, "SYN_SENT: the peer does not answer"))
    if (line.unread_bytes or 0) >= _NOTABLE:
        found.append((Level.WARNING, f"{units.long_size(line.unread_bytes)} arrived that the service does not read"))
    if (line.unsent_bytes or 0) >= _NOTABLE:
        found.append((Level.WARNING, f"{units.long_size(line.unsent_bytes)} that the peer does not take"))
    if not found:
        return FINE
    found.sort(key=lambda pair: -pair[0])
    return Judgement(found[0][0], tuple(reason for _, reason in found))


def _stays(row: SocketRow, view: View) -> bool:
    line = row.line
    names = (row.label, line.address, line.peer or "", line.instance, line.state, line.direction,
             str(line.local_port or ""))  # fmt: skip
    figures = Figures(
        established=line.count if line.state == ESTABLISHED else 0,
        close_wait=line.count if line.state == CLOSE_WAIT else 0,
    )
    words = {"state": line.state, "kind": line.direction, "peer": line.peer or line.address, "instance": line.instance}
    return passes(view.filter, names, figures, words, row.judgement.level)


def _name_of(row: SocketRow) -> str:
    return f"{row.label}\n{row.line.local_port or 0:05}\n{row.line.state}\n{row.line.instance}"


def _heading(direction: Direction, members: Sequence[SocketRow]) -> SocketRow:
    lines = [row.line for row in members]
    whole = SocketLine(
        instance="", direction=direction, address="", state="", count=sum(line.count for line in lines),
        busy=None if all(line.busy is None for line in lines) else sum(line.busy or 0 for line in lines),
    )  # fmt: skip
    return SocketRow(key=f"direction:{direction}", name=str(direction), label=str(direction), is_heading=True,
                     level_in_tree=0, line=whole)  # fmt: skip


def _peer(row: SocketRow, width: int, moment: Moment) -> Runs:
    if row.is_heading:
        return ((runs.fit(row.label, width), "group"),)
    lead = "  " if moment.tree else _ARROWS[row.line.direction] + " "
    room = width - 2
    if row.line.peer is None:
        return ((lead, "dim"), (runs.fit(row.label, room), "text"))
    name, _, where = row.label.partition("  ")
    shown = runs.fit(name, min(room, runs.cells(name)))
    rest = room - runs.cells(shown)
    port = "" if row.line.port is None else f":{row.line.port}"
    fits = next((text for text in (where, port) if runs.cells(text) + 2 <= rest), "")
    return ((lead, "dim"), (shown, "strong"), (runs.fit(f"  {fits}", rest), "dim"))


_ARROWS = {Direction.LISTENS: "∙", Direction.OPENED: "→", Direction.CAME_IN: "←"}


def _state(row: SocketRow, width: int, moment: Moment) -> Runs:
    is_bad = row.line.state in (CLOSE_WAIT, SYN_SENT) and row.judgement.reasons
    return (
        (
            runs.fit(runs.safe(row.line.state), width),
            row.judgement.style if is_bad else _TONES.get(row.line.state, "muted"),
        ),
    )


def _local(row: SocketRow) -> str:
    return units.UNKNOWN if row.line.local_port is None else str(row.line.local_port)


def _queue(row: SocketRow) -> str:
    """Waiting to be accepted, of how many."""
    line = row.line
    if line.accept_queue is None:
        return ""
    return f"{line.accept_queue}/{units.count(line.backlog)}" if line.backlog is not None else str(line.accept_queue)


def _bytes(value: int | None) -> str:
    return units.UNKNOWN if value is None else "0" if value == 0 else units.size(value)


def _seconds(value: float | None) -> str:
    if value is not None and 0 < value < 0.95:
        return f"{value * 1000:.0f}ms"
    return units.duration(value)


def _fullness(row: SocketRow) -> float | None:
    line = row.line
    return None if line.accept_queue is None else line.accept_queue / (line.backlog or 1)


SOCKETS: Sheet[SocketRow] = Sheet(
    (
        Column("level", "!", "what needs somebody: CLOSE_WAIT, SYN_SENT, full accept queues", 1, listed.symbol_cell, 0,
               listed.rank),
        Column("peer", "PEER", "who is at the other end; of a listener where it listens", 16, _peer, 0,
               lambda r: r.label, 60, "left", names=True),
        Column("state", "STATE", "as netstat writes it", 11, _state, 30, lambda r: r.line.state, align="left"),
        Column("count", "COUNT", "sockets to this peer in this state", 5,
               right(lambda r: units.count(r.line.count), lambda r: "strong", lambda r: units.count(r.line.count)), 0,
               lambda r: r.line.count, jumps=True),
        Column("port", "PORT", "the port here, where all have the same", 5, right(_local, lambda r: "muted"), 44,
               lambda r: r.line.local_port),
        Column("queue", "ACCEPT", "connections nobody accepted yet, of how many may wait", 8,
               right(_queue, bad(lambda r: bool(r.line.accept_queue), "muted")), 56, _fullness, jumps=True),
        Column("unread", "UNREAD", "bytes that arrived and the program did not read", 6,
               right(lambda r: _bytes(r.line.unread_bytes), bad(lambda r: (r.line.unread_bytes or 0) >= _NOTABLE,
                                                                "muted")), 64, lambda r: r.line.unread_bytes,
               jumps=True),
        Column("unsent", "UNSENT", "bytes the other end has not taken", 6,
               right(lambda r: _bytes(r.line.unsent_bytes), bad(lambda r: (r.line.unsent_bytes or 0) >= _NOTABLE,
                                                                "muted")), NARROW - 8, lambda r: r.line.unsent_bytes,
               jumps=True),
        Column("busy", "REQS", "requests under way: sent, not answered; inferred", 4,
               right(lambda r: units.count(r.line.busy), lambda r: "text" if r.line.busy else "dim",
                     lambda r: units.count(r.line.busy) if r.line.busy is not None else ""), NARROW - 2,
               lambda r: r.line.busy, jumps=True),
        Column("oldest", "OLDEST", "age of the oldest request that waits", 6,
               right(lambda r: _seconds(r.line.oldest_s), lambda r: "muted"), NARROW + 10, lambda r: r.line.oldest_s,
               jumps=True),
        Column("instance", "INSTANCE", "the container or process tree they belong to", 14,
               instance_cell, MAIN - 10, lambda r: r.line.instance,
               30, "left", names=True),
    ),
    (("peer", 30), ("instance", 20), ("peer", 40)),
)  # fmt: skip
"""One row a peer and state."""
