"""The documentation of diagnosis is what the code is: fields, kinds of steps, conditions, weights, safety."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import yaml

from mcptop.cli.main import cli
from mcptop.exit_status import ExitStatus
from mcptop.headless import playbooks, steps
from mcptop.model import diagnosis
from mcptop.model.diagnosis import Evidence, Outcome, Run, StepStatus, Subject
from mcptop.model.playbook import CulpritRule, Remedy, Safety, Severity
from mcptop.playbook import cases, expressions, judge, lint, load, shelf, symptoms, triage, weigh
from mcptop.playbook.bundle import manifest
from mcptop.playbook.case import Case
from mcptop.playbook.expressions import Unknown
from mcptop.playbook.shelf import Origin
from mcptop.playbook.steps.catalogue import KINDS

ROOT = Path(__file__).parents[2]
PLAYBOOKS, VERDICT, RUNBOOKS, RECORDING = (
    (ROOT / "docs" / f"{name}.md").read_text() for name in ("playbooks", "verdict", "runbooks", "recording")
)
SHIPPED = [entry for entry in shelf.entries() if entry.origin is Origin.SHIPPED]


def section(text: str, heading: str) -> str:
    """What stands below a heading, to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"there is no heading `{heading}`"
    return found[1]


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table whose first column is called so."""
    found = re.search(rf"^\| {re.escape(head)} \|.*?\n\|[-|]+\n((?:\|.*\n)*)", text, re.MULTILINE)
    assert found, f"there is no table of `{head}`"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in found[1].splitlines()]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize(
    ("heading", "noun"),
    [
        ("Verdict", diagnosis.Verdict), ("target", Subject), ("culprit", diagnosis.Culprit),
        ("runner_up", diagnosis.RunnerUp), ("do", Remedy), ("hypotheses", diagnosis.Weighed),
        ("hypotheses: rules", diagnosis.Argument), ("evidence", Evidence),
        ("evidence: provenance", diagnosis.Provenance), ("cost", diagnosis.Cost), ("Triage", triage.Triage),
        ("problems", triage.Problem), ("manifest.json", manifest.Manifest), ("manifest.json: steps", manifest.StepEnd),
        ("manifest.json: members", manifest.Member), ("case.json", Case), ("case.json: run", Run),
        ("expect", cases.Expectation), ("mcptop playbooks list", playbooks.Listed),
        ("mcptop playbooks test", cases.Result), ("mcptop playbooks steps", steps.Kind),
        ("mcptop playbooks steps: options", steps.Option),
    ],
)  # fmt: skip
def test_every_field_of_a_document_is_described_and_no_other(heading: str, noun: type[msgspec.Struct]) -> None:
    described = [name for field, *_ in rows(section(VERDICT, heading), "field") for name in named(field)]
    assert sorted(described) == sorted(noun.__struct_encode_fields__)


@pytest.mark.parametrize(
    "document", [diagnosis.Verdict, triage.Triage, manifest.Manifest, Case, playbooks.PlaybooksDocument,
                 playbooks.TestDocument, steps.StepsDocument]
)  # fmt: skip
def test_every_schema_is_named(document: type[msgspec.Struct]) -> None:
    assert f"`{document.__struct_config__.tag}`" in VERDICT


def test_every_way_to_end_is_described() -> None:
    assert [named(row[0])[0] for row in rows(section(VERDICT, "evidence"), "status")] == list(StepStatus)
    assert not [outcome for outcome in Outcome if f"`{outcome}`" not in section(VERDICT, "Verdict")]
    in_runbooks = [named(row[0])[0] for row in rows(section(RUNBOOKS, "What to do on 5"), "a step's status")]
    assert sorted(in_runbooks) == sorted(set(StepStatus) - {StepStatus.OK})


def test_every_exit_code_is_in_the_runbooks() -> None:
    assert [row[0] for row in rows(RUNBOOKS, "code")] == [str(status.value) for status in ExitStatus]


def test_every_kind_of_step_is_in_the_table() -> None:
    table = [(named(kind)[0], safety, runs, says) for kind, safety, runs, says in rows(PLAYBOOKS, "kind")]
    assert table == [
        (kind.name, kind.safety.name.lower(), "beside" if kind.alongside else "in turn", kind.says)
        for kind in KINDS.values()
    ]


@pytest.mark.parametrize(
    ("heading", "table", "keys"),
    [
        ("The file", "key", load._PlaybookText.__struct_encode_fields__),
        ("The file", "`focus`", tuple(symptoms.SAYS)),
        ("Steps", "key", load._StepText.__struct_encode_fields__),
        ("Hypotheses", "key", load._HypothesisText.__struct_encode_fields__),
        ("Texts", "filter", tuple(expressions.FILTERS)),
    ],
)
def test_every_key_of_a_playbook_is_described_and_no_other(heading: str, table: str, keys: tuple[str, ...]) -> None:
    described = [name for cell, *_ in rows(section(PLAYBOOKS, heading), table) for name in named(cell)]
    assert sorted(described) == sorted(keys)


def test_smaller_parts_of_a_playbook_are_described() -> None:
    parts = [load._BudgetText, load._RuleText, CulpritRule, Remedy]
    names = [name for part in parts for name in part.__struct_encode_fields__] + list(Severity) + list(lint.TARGETS)
    assert not [name for name in names if f"`{name}`" not in PLAYBOOKS]
    assert dict(rows(section(PLAYBOOKS, "The file"), "`focus`")) == {
        f"`{k}`": says for k, says in symptoms.SAYS.items()
    }


def test_filters_show_what_is_said_of_them() -> None:
    values = {"size": 781 << 20, "per_minute": 4.8 * (1 << 20) / 60, "size_rate": 1 << 20, "percent": 0.38,
              "duration": 11520, "cores": 0.85, "mebibytes": 512 << 20}  # fmt: skip
    for cell, says in rows(PLAYBOOKS, "filter"):
        for example in named(says):
            assert expressions.FILTERS[named(cell)[0]](values[named(cell)[0]]) == example


def test_conditions_are_what_they_are_said_to_be() -> None:
    names = {"s": {"a": 5, "b": None}}
    table = rows(section(PLAYBOOKS, "Conditions"), "condition")
    assert len(table) > 5
    for cell, says in table:
        try:
            found = str(expressions.holds(named(cell)[0].replace("\\|", "|"), names)).lower()
        except Unknown:
            found = "unknown"
        assert found == says, cell


def test_texts_read_as_they_are_said_to() -> None:
    for cell, reads in rows(section(PLAYBOOKS, "Texts"), "text"):
        assert expressions.render(named(cell)[0].replace("\\|", "|"), {"s": {"a": 5, "b": None}}) == reads


def test_weights_give_the_confidence_that_is_said() -> None:
    for weight, _, times, sure in rows(section(PLAYBOOKS, "Weights and confidence"), "`weight`"):
        text = (
            "playbook: x\ntitle: x\nsteps: []\nhypotheses:\n"
            f"  - {{id: a, says: x, supports: [{{if: s.a == 1, weight: {weight}, because: x}}]}}\n"
        )
        evidence = [Evidence("s", "watch", StepStatus.OK, values={"a": 1})]
        subject = Subject(kind="process", project=None, service="x", name="x")
        verdict = judge.judge(load.playbook(text, "x.yaml", {}), subject, evidence, Run("", 0.0))
        assert (f"{verdict.hypotheses[0].confidence:.2f}") == sure
        assert float(times) == pytest.approx(2.718282 ** float(weight), rel=0.15)


def test_thresholds_are_those_of_the_judge() -> None:
    text = section(PLAYBOOKS, "Weights and confidence")
    figures = (weigh.NOTHING, judge.FOUND, judge.PROBABLE, judge.CONFIRMED, weigh._ONE_FAMILY, judge._SUSPECTED)
    assert not [figure for figure in figures if f"{figure}" not in text]
    levels = section(VERDICT, "Verdict")
    for level, least in (("watch", judge.FOUND), ("probable", judge.PROBABLE), ("confirmed", judge.CONFIRMED)):
        assert f"`{level}` from {least}" in levels


def test_every_playbook_in_the_documentation_has_no_mistake() -> None:
    library = shelf.texts(SHIPPED[0]).library
    found = [text for text in re.findall(r"```yaml\n(.*?)```", PLAYBOOKS, re.DOTALL) if text.startswith("playbook:")]
    assert len(found) == 2
    assert [mistake for text in found for mistake in lint.mistakes(text, "docs", library)] == []


def test_shared_hypotheses_count_on_the_names_that_are_said() -> None:
    used: dict[str, set[str]] = {}
    for entry in SHIPPED:
        for step in yaml.safe_load(entry.path.read_text())["steps"]:
            says = f"`{step['run']}`" + (f", else `{step['else']}`" if "else" in step else "")
            used.setdefault(f"`{step['id']}`", set()).add(says)
    assert {step: {kind} for step, kind in rows(section(PLAYBOOKS, "Hypotheses"), "step")} == used


def test_every_shipped_playbook_is_in_the_runbooks() -> None:
    table = [named(row[0])[0] for row in rows(section(RUNBOOKS, "Which playbook"), "playbook")]
    assert table == [entry.name for entry in SHIPPED]


def test_every_class_of_safety_and_its_kinds() -> None:
    table = rows(section(RUNBOOKS, "What a diagnosis may do"), "`--safety`")
    assert [named(row[0])[0] for row in table] == [level.name.lower() for level in Safety]
    for level, row in zip(Safety, table, strict=True):
        kinds = [kind.name for kind in KINDS.values() if kind.safety is level]
        assert row[2] == "all others" if level is Safety.PASSIVE else named(row[2]) == kinds


def test_every_option_of_a_diagnosis_is_somewhere() -> None:
    own: list[Any] = [cli.commands[name] for name in ("diagnose", "judge")]
    shared = {name for each in cli.params for name in each.opts}
    flags = {flag for each in own for option in each.params if isinstance(option, click.Option) for flag in option.opts}
    text = PLAYBOOKS + VERDICT + RUNBOOKS + RECORDING
    assert not [flag for flag in flags - shared if flag.startswith("--") and flag not in text]
