"""Which playbooks to offer for a service: those whose symptom shows first, then all others that are for its kind."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.model.frame import Frame, Service
from mcptop.model.playbook import Severity
from mcptop.model.value import Value
from mcptop.playbook import shelf, triage
from mcptop.playbook.load import Outline, PlaybookError
from mcptop.playbook.shelf import Entry, UnknownPlaybook
from mcptop.playbook.triage import Problem
from mcptop.units import plain


class Offer(Value, frozen=True):
    """One playbook."""

    entry: Entry
    outline: Outline | None
    """None where it cannot be read."""
    title: str
    """Of the playbook, or its first mistake."""
    symptom: str = ""
    """How it shows, where it does."""
    severity: Severity = Severity.NONE
    """Of the symptom."""


def offers(frames: Sequence[Frame], service: Service) -> list[Offer]:
    """In the order in which to try them; those with mistakes last."""
    shown = {problem.playbook: problem for problem in triage.problems(frames) if _is_of(problem, service)}
    read = [_offer(entry, shown.get(entry.name)) for entry in shelf.entries()]
    fitting = [one for one in read if one.outline is None or service.kind.value in one.outline.applies_to]
    order = {name: at for at, name in enumerate(shown)}
    return sorted(fitting, key=lambda one: (one.outline is None, order.get(one.entry.name, len(order))))


def _is_of(problem: Problem, service: Service) -> bool:
    return (problem.project, problem.service) == (service.project, plain(service.name))


def _offer(entry: Entry, problem: Problem | None) -> Offer:
    try:
        outline = shelf.texts(entry).outline()
    except (UnknownPlaybook, PlaybookError) as error:
        return Offer(entry, None, plain(str(error)))
    if problem is None:
        return Offer(entry, outline, plain(outline.title))
    # Compose repeats the project in every name.
    instance = problem.instance.removeprefix(f"{plain(problem.project)}-") if problem.project else problem.instance
    where = "" if instance == problem.service else f"{instance}: "
    return Offer(entry, outline, plain(outline.title), f"{where}{problem.says}", problem.severity)
