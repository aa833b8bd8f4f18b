"""What a rule is: its thresholds, and how bad a value is by them."""

from __future__ import annotations

from math import inf

from mcptop.model.playbook import Severity
from mcptop.model.value import Value


class Rule(Value, frozen=True):
    """One condition that can hold. The bigger the value, the worse."""

    id: str
    cause: str
    """Alerts of one service with the same cause are one problem."""
    do: str
    """What to do where no playbook can look."""
    playbook: str | None = None
    unit: str = ""
    warning: float = inf
    critical: float = inf
    """Infinite: by this value alone never."""
    ease: float = 0.97
    """What stands ends only below this part of its threshold, so that a value at it does not come and go."""

    keep_s: float = 5.0
    """What does not hold for so long only stays as it was; longer than the pause between two looks at it."""

    def judge(self, value: float | None, held: Severity | None = None) -> Severity | None:
        """How bad it is; `held`: how bad it was until now. None: unknown, or no problem."""
        if value is None:
            return None
        if value >= self.critical * (self.ease if held is Severity.CRITICAL else 1.0):
            return Severity.CRITICAL
        if value >= self.warning * (self.ease if held is not None else 1.0):
            return Severity.WARNING
        return None

    def passed(self, value: float, least: float, held: Severity | None) -> bool:
        """Whether another of its figures is as large as it takes; what stands ends later here as well."""
        return value >= least * (self.ease if held is not None else 1.0)

    def threshold(self, severity: Severity) -> float | None:
        """The one that was passed; the other where there is only that; None where there is none."""
        passed = (
            self.critical if severity is Severity.CRITICAL and self.critical < inf else min(self.warning, self.critical)
        )
        return passed if passed < inf else None
