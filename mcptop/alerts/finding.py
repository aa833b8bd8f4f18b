"""What a condition found, before anybody knows since when."""

from __future__ import annotations

from collections.abc import Mapping

from mcptop.alerts.rules import SHIPPED
from mcptop.model.frame import Series
from mcptop.model.playbook import Severity
from mcptop.model.rule import Rule, RuleSet
from mcptop.model.value import Value

Key = tuple[str, str]
"""Rule and subject: what makes an alert the same one in two frames."""


class Finding(Value, frozen=True):
    """A rule that holds for a subject."""

    rule: Rule
    subject: str
    severity: Severity
    says: str
    value: float | None = None
    threshold: float | None = None
    instance: str | None = None
    left_s: float | None = None
    peer: str | None = None
    server: str | None = None
    """Name of the server it is about, where that may be no service here."""
    cause: str | None = None
    """Where it is not the rule's own."""
    for_s: float | None = None
    """So long it has to hold before it fires, where that is not as its rule says; 0: there may be no such time."""

    def wait_s(self, severity: Severity) -> float:
        """So long it has to hold before it fires as this."""
        return self.rule.wait_s(severity) if self.for_s is None else self.for_s


class Look:
    """What a condition may ask beside its subject: the time, the series, and what was found until now."""

    __slots__ = ("interval_s", "now", "own_pid", "rules", "series", "standing", "wall")

    def __init__(
        self,
        now: float,
        wall: float,
        interval_s: float,
        series: Series,
        standing: Mapping[Key, Severity],
        own_pid: int | None = None,
        rules: RuleSet = SHIPPED,
    ) -> None:
        """`now` in seconds that nobody sets back, to measure by; `wall` in those of the clock, as the series have.

        `own_pid` is mcptop's, where it looks at itself. `rules`: those in force.
        """
        self.now = now
        self.wall = wall
        self.interval_s = interval_s
        self.series = series
        self.standing = standing
        self.own_pid = own_pid
        self.rules = rules

    def rule(self, shipped: Rule) -> Rule:
        """The rule as it is in force."""
        return self.rules.by_id[shipped.id]

    def held(self, rule: Rule, subject: str) -> Severity | None:
        """How bad it was until now."""
        return self.standing.get((rule.id, subject))
