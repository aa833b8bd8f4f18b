"""What a rule is: its thresholds, how long it has to hold, and how bad a value is by them; and all rules together."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from msgspec import field
from msgspec.structs import replace

from mcptop.model.playbook import Severity
from mcptop.model.value import Value

_LOOKS_BACK = ("window", "calm", "recent", "changing", "failing")
"""Of a rule's other durations those that are about the past; the others are about the future, or of ages."""


class Rule(Value, frozen=True):
    """One condition that can hold. The bigger the value, the worse, unless it says otherwise."""

    id: str
    cause: str
    """Alerts of one service with the same cause are one problem."""
    do: str
    """What to do where no playbook can look."""
    title: str = ""
    playbook: str | None = None
    severity: Severity = Severity.WARNING
    """Of a fact, which has no figure to be judged by."""
    unit: str = ""
    warning: float = inf
    critical: float = inf
    """Infinite: by this value alone never."""
    ease: float = 0.97
    """What stands ends only below this part of its threshold, so that a value at it does not come and go."""
    for_s: float = 0.0
    """So long it has to hold before it fires."""
    critical_for_s: float | None = None
    """A critical one; None: as long."""
    keep_s: float = 5.0
    """What does not hold for so long only stays as it was; longer than the pause between two looks at it."""
    enabled: bool = True
    also: dict[str, float] = field(default_factory=dict)
    """What else its condition compares with, by name; durations in seconds."""
    is_below: bool = False
    """The smaller the value, the worse."""

    def judge(self, value: float | None, held: Severity | None = None) -> Severity | None:
        """How bad it is; `held`: how bad it was until now. None: unknown, or no problem."""
        if value is None:
            return None
        if self.is_below:
            return self._judge_below(value, held)
        if value >= self.critical * (self.ease if held is Severity.CRITICAL else 1.0):
            return Severity.CRITICAL
        if value >= self.warning * (self.ease if held is not None else 1.0):
            return Severity.WARNING
        return None

    def _judge_below(self, value: float, held: Severity | None) -> Severity | None:
        if self.critical < inf and value <= self.critical / (self.ease if held is Severity.CRITICAL else 1.0):
            return Severity.CRITICAL
        if self.warning < inf and value <= self.warning / (self.ease if held is not None else 1.0):
            return Severity.WARNING
        return None

    @property
    def is_fact(self) -> bool:
        """Whether it holds or does not, whatever the figure."""
        return self.warning == self.critical == inf

    @property
    def has_warning(self) -> bool:
        """Whether it can be less than critical by its value."""
        return self.warning < inf

    def passed(self, value: float, least: float, held: Severity | None) -> bool:
        """Whether another of its figures is as large as it takes; what stands ends later here as well."""
        return value >= least * (self.ease if held is not None else 1.0)

    def threshold(self, severity: Severity) -> float | None:
        """The one that was passed; the other where there is only that; None where there is none."""
        if severity is Severity.CRITICAL and self.critical < inf:
            return self.critical
        passed = self.warning if self.warning < inf else self.critical
        return passed if passed < inf else None

    def wait_s(self, severity: Severity) -> float:
        """So long it has to hold before it fires as this."""
        is_critical = severity is Severity.CRITICAL and self.critical_for_s is not None
        return self.critical_for_s or 0.0 if is_critical else self.for_s

    @property
    def looks_back_s(self) -> float:
        """So long before now what it judges by may lie; 0 for one that is off."""
        if not self.enabled:
            return 0.0
        also = (self.also.get(name, 0.0) for name in _LOOKS_BACK)
        return max(self.for_s, self.critical_for_s or 0.0, *also)


class OwnRule(Value, frozen=True):
    """A rule of the user's own: a figure of the snapshot, and from where on it is bad."""

    rule: Rule
    of: str
    """What has the figure: instance, pool, queue, disk, host."""
    figure: str
    """Its dotted name in the snapshot."""
    service: str | None = None
    """Only of services whose name matches, or, with a slash, project and name; `*` and `?` as in the shell."""
    says: str = ""
    """Goes before the figure in the alert's sentence."""


class RuleSet(Value, frozen=True):
    """The rules in force. It never changes: other rules are another set."""

    rules: tuple[Rule, ...]
    """In the order in which equally bad ones stand; the user's own are the last."""
    by_id: Mapping[str, Rule]
    own: tuple[OwnRule, ...] = ()
    origins: Mapping[tuple[str, str], str] = {}
    """(rule, key) -> the file that says so; what is not in it is as shipped."""

    def __getitem__(self, id: str) -> Rule:
        return self.by_id[id]

    def shown(self, id: str) -> Rule:
        """For the colours of figures: one that is off has no thresholds."""
        rule = self.by_id[id]
        return rule if rule.enabled else replace(rule, warning=inf, critical=inf)

    @property
    def looks_back_s(self) -> float:
        """So long one has to have looked until no alert is missing for that."""
        return max((rule.looks_back_s for rule in self.rules), default=0.0)
