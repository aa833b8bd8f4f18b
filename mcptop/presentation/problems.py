"""The problems of a frame in words: whose they are, what is wrong, since when, and which playbook explains it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from mcptop.alerts import problems, rules
from mcptop.alerts.problems import Problem
from mcptop.model.alert import Alert
from mcptop.model.frame import Frame
from mcptop.model.value import Kind
from mcptop.presentation import replicas
from mcptop.presentation.judgement import Level
from mcptop.presentation.row import Row
from mcptop.presentation.runs import safe

_MOST_NAMES, _NAMES = 3, 30
"""More, or longer ones, are counted: they would leave no room for what is wrong."""


class Trouble(Struct, frozen=True, eq=False):
    """One problem; every text is safe to print."""

    key: str
    """Stable across frames."""
    level: Level
    name: str
    """Of the service, or of what has the problem."""
    says: str
    """The worst of it, with the replicas it is true of."""
    more: tuple[str, ...]
    """What else belongs to it."""
    since: datetime
    rule: str
    """Of the worst of its alerts."""
    playbook: str
    """Empty where none explains it."""
    do: str
    """What to do where nobody can be diagnosed."""
    row: Row | None = None
    """Of the service, while there is one."""
    instances: frozenset[str] = frozenset()
    """Names of the replicas that have it; empty: the service as a whole."""
    is_older: bool = False
    """It may have begun before `since`: nobody looked then."""

    @property
    def can_be_diagnosed(self) -> bool:
        """Whether there is somebody to look into."""
        row = self.row
        return row is not None and row.service is not None and row.service.kind is not Kind.SERVER

    @property
    def text(self) -> str:
        """All of it as one sentence."""
        return f"{self.name}: {'; '.join((self.says, *self.more))}"


def of_frame(frame: Frame, services: Sequence[Row]) -> list[Trouble]:
    """Worst first. `services`: the rows of the same frame."""
    if not frame.alerts:
        return []
    rows = {row.key: row for row in services}
    return [_trouble(problem, rows, frame.known_from) for problem in problems.problems(frame.alerts)]


def _trouble(problem: Problem, rows: dict[str, Row], known_from: datetime | None) -> Trouble:
    lead = problem.lead
    row = rows.get(lead.service_key or "")
    return Trouble(
        key=problem.key,
        level=Level[lead.severity.name],
        name=_name(lead),
        says=_whom(problem.alike, row) + problem.says,
        more=tuple(_other(alert, lead) for alert in problem.others),
        since=problem.since,
        rule=lead.rule,
        playbook=lead.playbook or "",
        do=lead.do,
        row=row,
        instances=_replicas(problem),
        is_older=known_from is not None and problem.since <= known_from,
    )


def _replicas(problem: Problem) -> frozenset[str]:
    of_it = (alert for alert in problem.alerts if alert.service_key == problem.lead.service_key)
    return frozenset(alert.instance for alert in of_it if alert.instance is not None)


def _name(alert: Alert) -> str:
    if alert.service is not None:
        return safe(alert.service)
    return "mcptop" if alert.rule == rules.SOURCE_BROKEN.id else "host"


def _whom(alike: Sequence[str], row: Row | None) -> str:
    """The replicas by name; nothing where the service has one only."""
    service = row.service if row is not None else None
    if service is None or len(service.instances) < 2 or not alike:
        return ""
    if len(alike) == len(service.instances):
        return "both: " if len(alike) == 2 else f"all {len(alike)}: "
    names = ", ".join(replicas.in_words(service, name) for name in alike[: _MOST_NAMES + 1])
    # One is always named: two problems of different replicas would look the same.
    if len(alike) > 1 and (len(alike) > _MOST_NAMES or len(names) > _NAMES):
        return f"{len(alike)} of {len(service.instances)}: "
    return f"{names}: "


def _other(alert: Alert, lead: Alert) -> str:
    return alert.says if alert.service_key == lead.service_key else f"{_name(alert)}: {alert.says}"
