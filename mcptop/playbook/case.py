"""All that a verdict follows from, in one value: the playbook's text, the target and the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TypeVar

import msgspec

from mcptop.model.diagnosis import Evidence, Run, Subject, Verdict
from mcptop.model.value import Value
from mcptop.playbook import load
from mcptop.playbook.judge import judge

SCHEMA = "mcptop.case/1"
HYPOTHESES = "hypotheses"
"""The folder of shared hypotheses, beside the playbooks."""


class CaseError(Exception):
    """Not a case, or one of a newer mcptop; one line."""


class Case(Value, frozen=True, tag_field="schema", tag=SCHEMA):
    """One diagnosis, to be judged anywhere and at any time. Self-contained: it names no file outside itself."""

    playbook_text: str
    """YAML."""
    playbook_file: str
    """Name of the file it stood in."""
    library: dict[str, str]
    """The files with shared hypotheses that the playbook uses, by name: YAML."""
    subject: Subject
    evidence: tuple[Evidence, ...]
    run: Run


C = TypeVar("C", bound=Case)


def case_of(
    text: str, file: str, library: Mapping[str, str], subject: Subject, evidence: Sequence[Evidence], run: Run
) -> Case:
    """A case with no more than it needs, and nothing of where the files were. Raises `PlaybookError`."""
    used = {hypothesis.file for hypothesis in load.playbook(text, file, load.library(library)).hypotheses}
    shared = {f"{HYPOTHESES}/{PurePath(name).name}": library[name] for name in sorted(library) if name in used}
    return Case(text, PurePath(file).name, shared, subject, tuple(evidence), run)


def verdict_of(case: Case) -> Verdict:
    """Judge it. Raises `PlaybookError` and `ExpressionError`."""
    return judge(load.playbook(case.playbook_text, case.playbook_file, load.library(case.library)), case.subject,
                 case.evidence, case.run)  # fmt: skip


def encode(value: Case | Verdict) -> bytes:
    """As one line of JSON."""
    return msgspec.json.encode(value) + b"\n"


def decode(data: bytes, kind: type[C]) -> C:
    """A case from JSON. Raises `CaseError`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise CaseError(_explained(data, error)) from None
    except (UnicodeDecodeError, RecursionError):
        raise CaseError("not a case: not JSON") from None


class _Tagged(msgspec.Struct):
    schema: str = ""


def _explained(data: bytes, error: Exception) -> str:
    try:
        schema = msgspec.json.decode(data, type=_Tagged).schema
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not a case: not JSON"
    if schema == SCHEMA:
        return f"not a case: {str(error)[0].lower()}{str(error)[1:]}"
    return unread(schema, SCHEMA, "a case")


def unread(schema: str, known: str, what: str) -> str:
    """Why a document of another schema cannot be read."""
    kind, _, version = schema.partition("/")
    if kind == known.partition("/")[0] and version.isdigit():
        return f"written by a newer mcptop ({schema}); this one reads {known}"
    return f"not {what}: its schema is `{schema[:40]}`, not {known}" if schema else f"not {what}: it names no schema"
