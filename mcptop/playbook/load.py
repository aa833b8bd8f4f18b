"""From YAML to a `Playbook`; every mistake is told with its file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from mcptop.model.playbook import Budget, CulpritRule, Hypothesis, Playbook, Remedy, Rule, Safety, Severity, Step
from mcptop.model.value import Value
from mcptop.playbook.yaml_marks import Path, YamlError, marked
from mcptop.units import plain

_ID = re.compile(r"[a-z][a-z0-9-]*")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.+)`")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_LONGEST_S = 86400.0
_MOST_WEIGHT = 10.0
_MOST_SAID = 600
_TAKEN = frozenset({"and", "else", "false", "if", "in", "is", "none", "not", "or", "self", "true"})
"""Words of the language of conditions: a step of this name could not be asked for."""


class PlaybookError(Exception):
    """A playbook has mistakes; each is one line: file:line: what, and what was expected."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__(mistakes[0] if len(mistakes) == 1 else f"{mistakes[0]} (and {len(mistakes) - 1} more)")
        self.mistakes = mistakes


class _RuleText(Struct, forbid_unknown_fields=True):
    condition: str = field(name="if")
    because: str
    weight: float = 1.0


class _CulpritText(CulpritRule, frozen=True, forbid_unknown_fields=True):
    pass


class _RemedyText(Remedy, frozen=True, forbid_unknown_fields=True):
    pass


class _HypothesisText(Struct, forbid_unknown_fields=True):
    id: str
    says: str
    severity: str = "warning"
    needs: tuple[str, ...] = ()
    supports: tuple[_RuleText, ...] = ()
    contradicts: tuple[_RuleText, ...] = ()
    culprit: _CulpritText = _CulpritText()
    do: _RemedyText = _RemedyText()
    prior: float = 0.0


class _StepText(Struct, forbid_unknown_fields=True):
    id: str
    run: str
    options: dict[str, Any] = field(name="with", default_factory=dict)
    when: str | None = None
    timeout: str | float | int | None = None
    otherwise: str | None = field(name="else", default=None)


class _BudgetText(Struct, forbid_unknown_fields=True):
    wall: str | float | int = "90s"
    safety: str = "sampling"


class _PlaybookText(Struct, forbid_unknown_fields=True):
    name: str = field(name="playbook")
    title: str
    steps: list[_StepText]
    hypotheses: list[dict[str, Any]]
    applies_to: tuple[str, ...] = ("container", "process")
    focus: str = "cpu"
    budget: _BudgetText = field(default_factory=_BudgetText)


class Outline(Value, frozen=True):
    """A playbook without its explanations."""

    title: str
    applies_to: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]
    """Id and kind of each."""


Library = Mapping[str, Hypothesis]
"""Hypotheses that several playbooks share, by id: `- use: page-cache`."""


class _Reader:
    """One file while it is read; collects its mistakes."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.mistakes: list[str] = []
        try:
            self.marked = marked(text)
        except YamlError as error:
            raise PlaybookError([_told(file, error.line, error.says)]) from None

    def wrong(self, path: Path, says: str) -> None:
        self.mistakes.append(_told(self.file, self.marked.line(path), says))

    def convert(self, value: Any, kind: type[Any], path: Path) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at ")
            there = (*path, *_path(where.strip("`")))
            unknown = _UNKNOWN_KEY.match(what)
            self.wrong((*there, unknown[1]) if unknown else there, _explained(what, ".".join(map(str, there))))
            return None

    def one_of(self, kind: Any, given: str, path: Path) -> Any:
        names = [member.name.lower() for member in kind]
        if given not in names:
            self.wrong(path, f"`{given}`: expected one of {', '.join(names)}")
            return next(iter(kind))
        return kind[given.upper()]

    def seconds(self, given: str | float, path: Path) -> float:
        try:
            found = seconds(given)
        except ValueError as error:
            self.wrong(path, str(error))
            return 0.0
        if not found:
            self.wrong(path, f"`{given}`: expected more than no time")
        return found

    def hypothesis(self, value: Any, path: Path) -> Hypothesis | None:
        text = self.convert(value, _HypothesisText, path)
        if text is None:
            return None
        if not abs(text.prior) <= _MOST_WEIGHT:
            self.wrong((*path, "prior"), f"prior {text.prior:g}: expected {-_MOST_WEIGHT:g} to {_MOST_WEIGHT:g}")
        return Hypothesis(
            id=text.id,
            says=text.says,
            severity=self.one_of(Severity, text.severity, (*path, "severity")),
            needs=text.needs,
            supports=self._rules(text.supports, (*path, "supports")),
            contradicts=self._rules(text.contradicts, (*path, "contradicts")),
            culprit=text.culprit,
            do=text.do,
            prior=text.prior,
            file=self.file,
            line=self.marked.line(path),
        )

    def _rules(self, texts: tuple[_RuleText, ...], path: Path) -> tuple[Rule, ...]:
        for at, text in enumerate(texts):
            if not 0 < text.weight <= _MOST_WEIGHT:
                says = f"weight {text.weight:g}: expected more than 0, at most {_MOST_WEIGHT:g}"
                self.wrong((*path, at, "weight"), says)
        return tuple(
            Rule(text.condition, text.weight, text.because, self.marked.line((*path, at, "if")))
            for at, text in enumerate(texts)
        )


def seconds(given: str | float) -> float:
    """A duration: `90s`, `2m`, `500ms`, or a number of seconds; a day at most. Raises ValueError."""
    match = _DURATION.fullmatch(str(given).strip())
    if match is None:
        raise ValueError(f"`{given}`: expected a duration such as 90s or 2m")
    found = float(match[1]) * _UNITS[match[2]]
    if found > _LONGEST_S:
        raise ValueError(f"`{given}`: expected at most 24h")
    return found


def playbook(text: str, file: str, library: Library) -> Playbook:
    """Read one. Raises `PlaybookError`; what its names mean is checked by `lint`."""
    reader = _Reader(text, file)
    top = reader.convert(reader.marked.value, _PlaybookText, ())
    if top is None:
        raise PlaybookError(reader.mistakes)
    found = Playbook(
        name=top.name,
        title=top.title,
        applies_to=top.applies_to,
        focus=top.focus,
        budget=Budget(
            reader.seconds(top.budget.wall, ("budget", "wall")),
            reader.one_of(Safety, top.budget.safety, ("budget", "safety")),
        ),
        steps=tuple(_step(reader, step, at) for at, step in enumerate(top.steps)),
        hypotheses=_hypotheses(reader, top.hypotheses, library),
        file=file,
    )
    _check_ids(reader, found)
    if reader.mistakes:
        raise PlaybookError(reader.mistakes)
    return found


def outline(text: str, file: str) -> Outline:
    """What it is about, much quicker than all of it. Raises `PlaybookError`."""
    reader = _Reader(text, file)
    top = reader.convert(reader.marked.value, _PlaybookText, ())
    if top is None:
        raise PlaybookError(reader.mistakes)
    return Outline(top.title, top.applies_to, tuple((step.id, step.run) for step in top.steps))


def _step(reader: _Reader, text: _StepText, at: int) -> Step:
    timeout = None if text.timeout is None else reader.seconds(text.timeout, ("steps", at, "timeout"))
    line = reader.marked.line(("steps", at))
    return Step(text.id, text.run, text.options, text.when, timeout, text.otherwise, line)


def _hypotheses(reader: _Reader, given: list[dict[str, Any]], library: Library) -> tuple[Hypothesis, ...]:
    found = []
    for at, value in enumerate(given):
        path: Path = ("hypotheses", at)
        if set(value) == {"use"}:
            shared = library.get(str(value["use"]))
            if shared is not None:
                found.append(shared)
            else:
                reader.wrong(path, f"`use: {value['use']}`: no such hypothesis; known are: {', '.join(library)}")
        elif (own := reader.hypothesis(value, path)) is not None:
            found.append(own)
    return tuple(found)


def _check_ids(reader: _Reader, found: Playbook) -> None:
    _check_unique(reader, "steps", [step.id for step in found.steps], re.compile(r"[a-z][a-z0-9_]*"))
    _check_unique(reader, "hypotheses", [each.id for each in found.hypotheses], _ID)
    for at, step in enumerate(found.steps):
        if step.id in _TAKEN:
            reader.wrong(("steps", at), f"id `{step.id}`: is a word of conditions; choose another")
    if not _ID.fullmatch(found.name):
        reader.wrong(("playbook",), f"`{found.name}`: expected small letters, digits and dashes")


def _check_unique(reader: _Reader, part: str, ids: list[str], form: re.Pattern[str]) -> None:
    for at, id in enumerate(ids):
        if not form.fullmatch(id):
            reader.wrong((part, at), f"id `{id}`: expected {form.pattern}")
        if id in ids[:at]:
            reader.wrong((part, at), f"id `{id}` stands here twice")


def library(files: Mapping[str, str]) -> dict[str, Hypothesis]:
    """Shared hypotheses, from files with a list each (file name -> text). Raises `PlaybookError`."""
    found: dict[str, Hypothesis] = {}
    for file, text in files.items():
        reader = _Reader(text, file)
        given = reader.marked.value or []
        if not isinstance(given, list):
            raise PlaybookError([_told(file, 1, "expected a list of hypotheses")])
        for at, value in enumerate(given):
            one = reader.hypothesis(value, (at,))
            if one is not None and one.id in found:
                reader.wrong((at,), f"`{one.id}` stands in {found[one.id].file} already")
            elif one is not None:
                found[one.id] = one
        if reader.mistakes:
            raise PlaybookError(reader.mistakes)
    return found


def _told(file: str, line: int, says: str) -> str:
    return f"{file}:{line}: {plain(says, _MOST_SAID)}"


def _path(where: str) -> Path:
    """`$.steps[0].run` as keys and positions."""
    return tuple(int(index) if index else key for key, index in re.findall(r"([\w-]+)|\[(\d+)\]", where.lstrip("$")))


def _explained(what: str, where: str) -> str:
    if unknown := _UNKNOWN_KEY.match(what):
        return f"{where or 'the playbook'}: unknown key `{unknown[1]}`"
    if missing := re.match(r"Object missing required field `(.+)`", what):
        return f"{where or 'the playbook'}: `{missing[1]}` is missing"
    return f"{where or 'the playbook'}: {what[0].lower()}{what[1:]}"
