"""Recorded cases beside the playbooks: evidence of the past, and what a playbook must make of it.

`cases/<playbook>/<name>.json` is a case, such as `case.json` of a bundle, with `expect` added. It is judged by the
playbook as it is now, so its own copy of the texts may be empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from mcptop.model.diagnosis import Outcome, Verdict
from mcptop.model.value import Value
from mcptop.playbook.case import SCHEMA, Case, CaseError, decode
from mcptop.playbook.expressions import ExpressionError
from mcptop.playbook.judge import judge
from mcptop.playbook.load import PlaybookError
from mcptop.playbook.shelf import Entry, Texts, texts

CASES = "cases"
"""The folder, beside the playbooks."""


class Expectation(Value, frozen=True, forbid_unknown_fields=True):
    """What the verdict must say; what is left out may be anything."""

    status: Outcome
    mechanism: str | UnsetType | None = UNSET
    """null: none may be named."""
    culprit_service: str | UnsetType = UNSET


class Recorded(Case, frozen=True, tag_field="schema", tag=SCHEMA):
    """A case and what is expected of it."""

    expect: Expectation


class Result(Value, frozen=True):
    """How one case went."""

    playbook: str
    case: str
    right: bool
    status: Outcome | None
    """None where it could not be judged."""
    mechanism: str | None
    confidence: float | None
    culprit_service: str | None
    wrong: tuple[str, ...]
    """What was expected instead, or why it could not be judged."""


def files(entry: Entry) -> list[Path]:
    """The recorded cases of a playbook, by name."""
    return sorted((entry.path.parent / CASES / entry.name).glob("*.json"))


def run(entry: Entry) -> Iterator[Result]:
    """Judge every recorded case of a playbook. Raises `UnknownPlaybook`."""
    found = files(entry)
    if not found:
        return
    given = texts(entry)
    for path in found:
        try:
            yield _compared(entry, path, *_judged(given, path))
        except (CaseError, PlaybookError, ExpressionError, OSError) as error:
            yield Result(entry.name, path.stem, False, None, None, None, None, (str(error),))


def _judged(given: Texts, path: Path) -> tuple[Expectation, Verdict]:
    recorded = decode(path.read_bytes(), Recorded)
    return recorded.expect, judge(given.playbook(), recorded.subject, recorded.evidence, recorded.run)


def _compared(entry: Entry, path: Path, expected: Expectation, verdict: Verdict) -> Result:
    service = verdict.culprit.service if verdict.culprit else None
    pairs = (
        ("status", expected.status, verdict.status),
        ("mechanism", expected.mechanism, verdict.mechanism),
        ("culprit", expected.culprit_service, service),
    )
    wrong = tuple(
        f"{what} {got or 'none'}, expected {want or 'none'}"
        for what, want, got in pairs
        if want is not UNSET and want != got
    )
    return Result(
        entry.name, path.stem, not wrong, verdict.status, verdict.mechanism, verdict.confidence, service, wrong
    )


def recorded(case: Case, expect: Expectation) -> bytes:
    """A case as one keeps it: without the texts, which are the present playbook's."""
    kept = Recorded("", case.playbook_file, {}, case.subject, case.evidence, case.run, expect)
    return msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n"
