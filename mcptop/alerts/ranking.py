"""Which of two alerts is worse."""

from __future__ import annotations

from mcptop.alerts import rules
from mcptop.model.alert import Alert
from mcptop.model.playbook import Severity


def rank(alert: Alert) -> tuple[object, ...]:
    """Worst first; what is equally bad keeps its place from frame to frame."""
    return (
        alert.severity is not Severity.CRITICAL,
        rules.RANK.get(alert.rule, len(rules.RANK)),
        alert.kind is None,
        alert.project is None,
        alert.project or "",
        alert.service or "",
        alert.instance or "",
        alert.subject,
    )
