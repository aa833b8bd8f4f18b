"""What is wrong with a playbook that loads: steps nobody has, options nobody takes, names nobody emits.

Every mistake is one line: file:line: what, and what would be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from mcptop.model.diagnosis import Subject
from mcptop.model.mechanisms import HARMLESS, Mechanism
from mcptop.model.playbook import Severity
from mcptop.playbook import expressions, load, symptoms
from mcptop.playbook.expressions import ExpressionError
from mcptop.playbook.load import PlaybookError
from mcptop.playbook.steps.base import StepKind, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.playbook.yaml_marks import Marked, Path, marked

TARGETS = ("container", "process")
_TARGET = "target"
_DRAWN = "series"
"""Every step may emit this: it is drawn, and no rule looks at it."""


class _Text(NamedTuple):
    """An expression or text of a playbook, and where it stands."""

    text: str
    is_template: bool
    path: Path


class _Place(NamedTuple):
    """A file, and the part of it a hypothesis is."""

    file: str
    marked: Marked
    path: Path

    def at(self, path: Path = ()) -> str:
        """`file:line` of a part of it."""
        return f"{self.file}:{self.marked.line((*self.path, *path))}"


def mistakes(
    text: str,
    file: str,
    library: Mapping[str, str],
    *,
    kinds: Mapping[str, StepKind] = KINDS,
    is_shipped: bool = False,
) -> list[str]:
    """All mistakes, in the order of the file; none is good. A shipped one may name known mechanisms only."""
    try:
        shared = load.library(library)
        found = load.playbook(text, file, shared)
    except PlaybookError as error:
        return error.mistakes
    top = _Place(file, marked(text), ())
    files = {name: marked(content) for name, content in library.items()}
    lint = _Lint(top, kinds)
    said = list(lint.top())
    for at, hypothesis in enumerate(found.hypotheses):
        given = top.marked.value["hypotheses"][at]
        if "use" in given:
            place = _place_of(hypothesis.id, hypothesis.file, files[hypothesis.file])
            said += lint.shared(place, at)
        else:
            place = _Place(file, top.marked, ("hypotheses", at))
            said += lint.own(place)
        if is_shipped:
            said += _unknown_mechanism(place, hypothesis.id, hypothesis.severity)
    return list(dict.fromkeys(said))


def _place_of(id: str, file: str, marked: Marked) -> _Place:
    at = next(index for index, each in enumerate(marked.value) if each["id"] == id)
    return _Place(file, marked, (at,))


def _unknown_mechanism(place: _Place, id: str, severity: Severity) -> Iterator[str]:
    if id not in set(Mechanism):
        yield f"{place.at(('id',))}: `{id}`: no known mechanism; nearest: {_nearest(id, list(Mechanism))}"
    elif (id in HARMLESS) != (severity is Severity.NONE):
        yield f"{place.at(('severity',))}: `{id}` is {'harmless' if id in HARMLESS else 'not harmless'}"


class _Lint:
    """One playbook."""

    def __init__(self, top: _Place, kinds: Mapping[str, StepKind]) -> None:
        self._top = top
        self._kinds = kinds
        self._steps: list[dict[str, Any]] = top.marked.value["steps"]
        self._emitted = {step["id"]: self._emits(step) for step in self._steps}

    def _emits(self, step: Mapping[str, Any]) -> set[str] | None:
        """What a step gives; None where its kind is unknown, and told already."""
        kinds = [step["run"], *([step["else"]] if step.get("else") else [])]
        if any(kind not in self._kinds for kind in kinds):
            return None
        return {name for kind in kinds for name in self._kinds[kind].emits}

    def top(self) -> Iterator[str]:
        """The playbook's own parts and its steps."""
        value = self._top.marked.value
        for at, target in enumerate(value.get("applies_to", ())):
            if target not in TARGETS:
                yield f"{self._top.at(('applies_to', at))}: `{target}`: expected one of {', '.join(TARGETS)}"
        if value.get("focus", "cpu") not in symptoms.SAYS:
            yield f"{self._top.at(('focus',))}: `{value['focus']}`: expected one of {', '.join(symptoms.SAYS)}"
        for at, step in enumerate(self._steps):
            yield from self._step(("steps", at), step, self._over_before(at))

    def _over_before(self, at: int) -> set[str]:
        """The steps whose evidence is there when this one begins: those that watch begin at once, and end last."""
        if self._watches(self._steps[at]):
            return set()
        return {each["id"] for each in self._steps[:at] if not self._watches(each)}

    def _watches(self, step: Mapping[str, Any]) -> bool:
        kind = self._kinds.get(step["run"])
        return kind is not None and kind.alongside

    def _step(self, path: Path, step: Mapping[str, Any], before: set[str]) -> Iterator[str]:
        for key in ("run", "else"):
            kind = step.get(key)
            if kind and kind not in self._kinds:
                yield (
                    f"{self._top.at((*path, key))}: `{kind}`: no such kind of step; "
                    f"nearest: {_nearest(kind, list(self._kinds))}"
                )
            elif kind:
                yield from self._options(path, step, kind)
        if step["id"] == _TARGET:
            yield f"{self._top.at((*path, 'id'))}: `{_TARGET}` is what the target itself goes by"
        if step.get("when"):
            where = self._top.at((*path, "when"))
            text = _Text(step["when"], False, ())
            yield from self._names(text, where, before | {_TARGET}, "no step that is over by then")

    def _options(self, path: Path, step: Mapping[str, Any], kind: str) -> Iterator[str]:
        """What a kind does not take; the one that is run instead gets the same."""
        try:
            options_of(self._kinds[kind], step.get("with") or {})
        except (msgspec.ValidationError, ValueError) as error:
            what, _, where = str(error).partition(" - at ")
            key = where.strip("`").lstrip("$.") or what.rpartition("unknown field ")[2].strip("`")
            about = f"{kind}: {key}: " if key else f"{kind}: "
            yield f"{self._top.at((*path, 'with', key))}: {about}{what[0].lower()}{what[1:]}"

    def own(self, place: _Place) -> Iterator[str]:
        """A hypothesis written in the playbook itself: every name has to be emitted."""
        known = {_TARGET, *self._emitted}
        for each in _texts(_value(place)):
            yield from self._names(each, place.at(each.path), known, "no step")

    def shared(self, place: _Place, at: int) -> Iterator[str]:
        """A shared one may know steps this playbook does not run, but not need them."""
        ids = {_TARGET, *self._emitted}
        for each in _texts(_value(place)):
            if each.path[0] == "needs" and each.text.partition(".")[0] not in ids:
                where = self._top.at(("hypotheses", at))
                yield f"{where}: `use: {_value(place)['id']}` needs `{each.text}`: no step emits this"
                continue
            yield from self._names(each, place.at(each.path), None, "no step")

    def _names(self, each: _Text, where: str, known: set[str] | None, nobody: str) -> Iterator[str]:
        """Names that no step emits. `known` are the steps that may be named; None: any step may be."""
        try:
            names = list(dict.fromkeys(expressions.names_in(each.text, template=each.is_template)))
        except ExpressionError as error:
            yield f"{where}: {error}"
            return
        for name in names:
            step, _, rest = name.partition(".")
            if known is None and step != _TARGET and step not in self._emitted:
                continue
            if (known is not None and step not in known) or not self._has(step, rest):
                yield f"{where}: `{name}`: {nobody} emits this; nearest: {self._near(name, known)}"

    def _has(self, step: str, rest: str) -> bool:
        emitted = set(Subject.__struct_fields__) if step == _TARGET else self._emitted[step]
        if emitted is None or not rest or rest.partition(".")[0] == _DRAWN:
            return True
        return any(_covers(name, rest) for name in emitted)

    def _near(self, name: str, known: set[str] | None) -> str:
        every = [f"{_TARGET}.{field}" for field in Subject.__struct_fields__]
        every += [f"{step}.{value}" for step, values in self._emitted.items() for value in sorted(values or ())]
        return _nearest(name, [each for each in every if known is None or each.partition(".")[0] in known])


def _covers(emitted: str, name: str) -> bool:
    """Whether a name is what is emitted, or what contains it; `*` is any one part."""
    theirs, ours = emitted.split("."), name.split(".")
    return len(ours) <= len(theirs) and all(a in ("*", b) for a, b in zip(theirs, ours, strict=False))


def _texts(hypothesis: Mapping[str, Any]) -> Iterator[_Text]:
    """All that is computed in a hypothesis."""
    yield _Text(hypothesis["says"], True, ("says",))
    for at, need in enumerate(hypothesis.get("needs") or ()):
        yield _Text(need, False, ("needs", at))
    for part in ("supports", "contradicts"):
        for at, rule in enumerate(hypothesis.get(part) or ()):
            yield _Text(rule["if"], False, (part, at, "if"))
            yield _Text(rule["because"], True, (part, at, "because"))
    for key, text in (hypothesis.get("culprit") or {}).items():
        yield _Text(text, False, ("culprit", key))
    for key, text in (hypothesis.get("do") or {}).items():
        yield _Text(text, True, ("do", key))


def _value(place: _Place) -> Mapping[str, Any]:
    value: Any = place.marked.value
    for key in place.path:
        value = value[key]
    found: Mapping[str, Any] = value
    return found


def _nearest(name: str, known: list[str]) -> str:
    return ", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.3) or known[:3]) or "there are none"
