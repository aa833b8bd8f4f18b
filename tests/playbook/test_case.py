"""A case holds all its verdict follows from."""

from __future__ import annotations

import json

import pytest

from mcptop.playbook.case import SCHEMA, Case, CaseError, case_of, decode, encode, verdict_of
from mcptop.playbook.load import PlaybookError
from tests.playbook import examples


@pytest.mark.parametrize("name", examples.ALL)
def test_the_same_verdict_byte_for_byte_after_json(name: str) -> None:
    case = examples.ALL[name]
    again = decode(encode(case), Case)
    assert encode(verdict_of(again)) == encode(verdict_of(case))
    assert encode(again) == encode(case)


def test_a_case_takes_the_shared_files_it_uses_and_no_path() -> None:
    parts = examples.PROBLEM.subject, examples.PROBLEM.evidence, examples.PROBLEM.run
    library = {**examples.LIBRARY, "playbooks/hypotheses/other.yaml": examples.SHARED.replace("page-cache", "other")}
    case = case_of(examples.PLAYBOOK, "/home/somebody/memory-leak.yaml", library, *parts)
    assert case.playbook_file == "memory-leak.yaml"
    assert case.library == {"hypotheses/memory.yaml": examples.SHARED}
    assert encode(verdict_of(case)) == encode(verdict_of(examples.PROBLEM))
    with pytest.raises(PlaybookError, match=r"memory-leak\.yaml:35: `use: page-cache`: no such hypothesis"):
        case_of(examples.PLAYBOOK, "memory-leak.yaml", {}, *parts)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"schema": "x", "deep": ' + b"[" * 100_000, "not JSON"),
        (b"[]", "not JSON"),
        (b"{}", "it names no schema"),
        (b'{"schema": "mcptop.verdict/1"}', "its schema is `mcptop.verdict/1`, not mcptop.case/1"),
        (b'{"schema": "mcptop.case/2"}', r"written by a newer mcptop \(mcptop.case/2\); this one reads mcptop.case/1"),
        (b'{"schema": "mcptop.case/1"}', "missing required field `playbook_text`"),
    ],
)
def test_what_is_no_case_is_told_in_one_line(document: bytes, says: str) -> None:
    with pytest.raises(CaseError, match=says) as error:
        decode(document, Case)
    assert "\n" not in str(error.value)


def test_fields_of_a_later_version_are_no_mistake() -> None:
    document = json.loads(encode(examples.PROBLEM))
    assert document["schema"] == SCHEMA
    document["evidence"][0]["later"] = 1
    assert encode(decode(json.dumps(document).encode(), Case)) == encode(examples.PROBLEM)
