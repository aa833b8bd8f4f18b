"""What to do about an alert: the command that explains it, ready to be copied, or a sentence. Pure."""

from __future__ import annotations

import shlex

from mcptop.alerts import rules
from mcptop.model.alert import Alert
from mcptop.model.value import Kind
from mcptop.units import plain


def command(playbook: str, project: str | None, service: str | None) -> str:
    """`mcptop diagnose PLAYBOOK --service PROJECT/NAME`; without a service: whoever shows the symptom most."""
    if service is None:
        return f"mcptop diagnose {shlex.quote(plain(playbook))}"
    name = f"{project}/{service}" if project else service
    return f"mcptop diagnose {shlex.quote(plain(playbook))} --service {shlex.quote(plain(name))}"


def of_alert(alert: Alert) -> str:
    """Empty where nobody has said what to do."""
    if alert.playbook is None:
        return alert.do
    has_service = alert.kind in (Kind.CONTAINER, Kind.PROCESS)
    return command(alert.playbook, alert.project, alert.service if has_service else None)


def in_words(alert: Alert) -> str:
    """The same for people: with what the user wants done."""
    return of_alert(alert) if alert.playbook is None else beside_words(alert.rule, alert.do, of_alert(alert))


def beside_words(rule: str, do: str, command: str) -> str:
    """The command, after what the user wants done; the shipped sentences are for where no playbook can look."""
    shipped = rules.BY_ID.get(rule)
    return f"{do}; {command}" if do and (shipped is None or shipped.do != do) else command


def whose(alert: Alert) -> str:
    """Service and replica, the machine, or mcptop: safe to print."""
    if alert.service is None:
        return "mcptop" if alert.subject.startswith("source:") else "host"
    name = plain(f"{alert.project}/{alert.service}" if alert.project else alert.service, 80)
    return f"{name} ({plain(alert.instance, 60)})" if alert.instance else name
