"""`mcptop playbooks`: which there are, what is in one, what is wrong with it, and whether it still judges rightly."""

from __future__ import annotations

import sys

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from mcptop.exit_status import ExitStatus
from mcptop.headless import report
from mcptop.headless.pipe import put
from mcptop.model.playbook import Playbook, Severity
from mcptop.playbook import cases, lint, load, shelf
from mcptop.playbook.case import HYPOTHESES
from mcptop.playbook.load import PlaybookError
from mcptop.playbook.shelf import Entry, Origin, UnknownPlaybook
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.units import duration, plain

_TONES = {Severity.CRITICAL: "red", Severity.WARNING: "yellow", Severity.NONE: "green"}


class Listed(Struct, frozen=True):
    """One playbook of `mcptop playbooks list --json`."""

    name: str
    title: str | None
    origin: Origin
    file: str
    hides: str | None
    """The shipped one it goes before."""
    applies_to: tuple[str, ...]
    focus: str | None
    wall_s: float | None
    safety: str | None
    steps: tuple[str, ...]
    hypotheses: tuple[str, ...]
    mistake: str | None
    """Why it cannot be read."""


class PlaybooksDocument(Struct, frozen=True, tag_field="schema", tag="mcptop.playbooks/1"):
    """`mcptop playbooks list --json`."""

    playbooks: tuple[Listed, ...]


class TestDocument(Struct, frozen=True, tag_field="schema", tag="mcptop.playbook-test/1"):
    """`mcptop playbooks test --json`."""

    cases: tuple[cases.Result, ...]
    untested: tuple[str, ...]
    """Playbooks without a case."""


def list_all(as_json: bool) -> ExitStatus:
    """All that go by a name."""
    found = tuple(_listed(entry) for entry in shelf.entries())
    if as_json:
        report.print_json(PlaybooksDocument(found))
        return ExitStatus.OK
    console, room = report.console(), max((len(each.name) for each in found), default=0)
    for each in found:
        origin = {Origin.USER: "yours"}.get(each.origin, "") + (", before the shipped one" if each.hides else "")
        says = plain(each.mistake) if each.mistake else plain(each.title or "")
        console.print(
            Text.assemble((f"{plain(each.name):<{room}}", "bold"), "  ", (says, "red" if each.mistake else ""),
                          (f"  ({origin})" if origin else "", "cyan"))
        )  # fmt: skip
    if not found:
        console.print(f"no playbooks in {shelf.shipped()} and {shelf.own()}")
    return ExitStatus.OK


def _listed(entry: Entry) -> Listed:
    file, hides = str(entry.path), str(entry.hides) if entry.hides else None
    try:
        found = shelf.texts(entry).playbook()
    except (PlaybookError, UnknownPlaybook) as error:
        return Listed(entry.name, None, entry.origin, file, hides, (), None, None, None, (), (), str(error))
    budget = found.budget
    return Listed(
        entry.name, found.title, entry.origin, file, hides, found.applies_to, found.focus, budget.wall_s,
        budget.safety.name.lower(), tuple(step.run for step in found.steps),
        tuple(each.id for each in found.hypotheses), None,
    )  # fmt: skip


def show(wanted: str, as_yaml: bool) -> ExitStatus:
    """One, in words or as it is written. Raises `UnknownPlaybook` and `PlaybookError`."""
    found = shelf.find(wanted)
    if as_yaml:
        put(found.text)
        return ExitStatus.OK
    _describe(report.console(), found.entry, found.playbook())
    return ExitStatus.OK


def _describe(console: Console, entry: Entry, playbook: Playbook) -> None:
    console.print(Text.assemble((playbook.name, "bold"), f"  {plain(playbook.title)}"))
    console.print(Text(f"{entry.origin}: {entry.path}" + (f", before {entry.hides}" if entry.hides else ""), "dim"))
    budget = playbook.budget
    console.print(
        f"for a {' or '.join(playbook.applies_to)}, chosen by {playbook.focus}; "
        f"at most {duration(budget.wall_s)}, steps up to {budget.safety.name.lower()}\n"
    )
    console.print(Text("STEPS", "bold dim"))
    for step in playbook.steps:
        kind = KINDS.get(step.run)
        says = f"{kind.says} ({kind.safety.name.lower()})" if kind else "no such kind of step"
        more = (f"; when {step.when}" if step.when else "") + (f"; else {step.otherwise}" if step.otherwise else "")
        console.print(Text.assemble(("  " + f"{step.id:<12}", "bold"), (f"{step.run:<16}", "dim"), says, (more, "dim")))
    console.print(Text("\nHYPOTHESES", "bold dim"))
    for each in playbook.hypotheses:
        needs = f"; needs {', '.join(each.needs)}" if each.needs else ""
        counts = f"{len(each.supports)} for, {len(each.contradicts)} against{needs}"
        console.print(Text.assemble((f"  {each.id:<24}", "bold"), (f"{each.severity.value:<10}", _TONES[each.severity]),
                                    (counts, "dim")))  # fmt: skip
        console.print(Text("    " + " ".join(each.says.split())))


def check(wanted: tuple[str, ...]) -> ExitStatus:
    """Lint these, or all. Raises `UnknownPlaybook`."""
    entries = [shelf.entry_of(each) for each in wanted] or shelf.entries()
    mistakes = list(dict.fromkeys(mistake for entry in entries for mistake in _mistakes(entry)))
    for mistake in mistakes:
        put(f"{plain(mistake, 1000)}\n")
    number = "1 playbook" if len(entries) == 1 else f"{len(entries)} playbooks"
    print(f"{number}: {len(mistakes) or 'no'} mistake{'' if len(mistakes) == 1 else 's'}", file=sys.stderr)
    return ExitStatus.USAGE if mistakes else ExitStatus.OK


def _mistakes(entry: Entry) -> list[str]:
    try:
        found = shelf.texts(entry)
    except UnknownPlaybook as error:
        return [str(error)]
    if entry.path.parent.name == HYPOTHESES:
        return _library_mistakes(found.file, found.text)
    is_shipped = entry.origin is Origin.SHIPPED
    return lint.mistakes(found.text, found.file, found.library, is_shipped=is_shipped)


def _library_mistakes(file: str, text: str) -> list[str]:
    try:
        load.library({file: text})
    except PlaybookError as error:
        return error.mistakes
    return []


def test(wanted: str | None, as_json: bool) -> ExitStatus:
    """Judge the recorded cases of one, or of all. Raises `UnknownPlaybook`.

    PROBLEM when one is judged wrongly, INCONCLUSIVE when there is none.
    """
    entries = [shelf.entry_of(wanted)] if wanted else shelf.entries()
    found = tuple(result for entry in entries for result in cases.run(entry))
    tested = {result.playbook for result in found}
    document = TestDocument(found, tuple(entry.name for entry in entries if entry.name not in tested))
    if as_json:
        report.print_json(document)
    else:
        _tell(document)
    if not found:
        return ExitStatus.INCONCLUSIVE
    return ExitStatus.OK if all(result.right for result in found) else ExitStatus.PROBLEM


def _tell(document: TestDocument) -> None:
    console = report.console()
    for each in document.cases:
        mark, tone = ("✔", "green") if each.right else ("✖", "red")
        got = " ".join(filter(None, (each.status, each.mechanism)))
        says = plain("; ".join(each.wrong), 500) if each.wrong else f"{got} {each.confidence:.2f}"
        console.print(Text.assemble((mark, tone), f" {each.playbook}/", (plain(each.case), "bold"), f"  {says}"))
    if document.untested:
        console.print(Text(f"without a case: {', '.join(document.untested)}", "yellow"))
    right = sum(each.right for each in document.cases)
    console.print(f"{right} of {len(document.cases)} right")
