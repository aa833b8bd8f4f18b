"""All that the steps of a diagnosis gave: every value by its name, and where it comes from. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcptop.model.diagnosis import Evidence, Provenance
from mcptop.presentation import runs
from mcptop.presentation.runs import Runs
from mcptop.presentation.verdict.wrap import hanging
from mcptop.units import UNKNOWN
from mcptop.verdicts.words import STEPS, safe

Meanings = Mapping[str, Mapping[str, str]]
"""Kind of step -> dotted name of a value -> what it is."""
_NAMES = 34
_FIGURES = 16
_WIDE = 100
_DEEPEST = 12


def lines(evidence: Sequence[Evidence], meanings: Meanings, width: int) -> list[Runs]:
    """One part a step: how it ended, its sources, its values."""
    found: list[Runs] = []
    for each in evidence:
        found += [*_head(each, width), *(line for source in each.provenance for line in _source(source, width))]
        means = meanings.get(each.run, {})
        values = [(safe(name), value, safe(means.get(name, ""))) for name, value in _flat("", each.values, 0) if name]
        names = min(max((runs.cells(name) for name, _, _ in values), default=0), _NAMES)
        for name, value, meaning in values:
            found += _value(runs.fit(name, names), value, meaning, width)
        found.append(())
    return [runs.clip(line, width) for line in found[:-1]] or [((" no step was run", "muted"),)]


def _head(each: Evidence, width: int) -> list[Runs]:
    badge = STEPS[each.status]
    left: Runs = ((f" {badge.symbol} ", badge.tone), (safe(each.step), "strong"), (f"  {safe(each.run)}  ", "muted"))
    word = f"{badge.word}: " if badge.word else ""
    took = f"  ({each.duration_s:.1f} s)" if each.duration_s else ""
    return hanging(left, ((f"{word}{safe(each.message)}{took}", "text"),), width - 1)


def _source(source: Provenance, width: int) -> list[Runs]:
    facts = [
        safe(" ".join(source.argv)) if source.argv else safe(source.source),
        f"version {safe(source.version)}" if source.version else "",
        safe(source.namespace or ""),
        safe(source.started_at),
        f"{source.duration_s:.1f} s",
        f"exit code {source.exit_code}" if source.exit_code is not None else "",
        f"sha256 {safe(source.raw_sha256)}" if source.raw_sha256 else "",
    ]
    return hanging((("   from ", "dim"),), ((" · ".join(fact for fact in facts if fact), "dim"),), width - 1)


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Names joined by dots, and values as text; a list of figures is one value."""
    if depth > _DEEPEST:
        yield name, "…"
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), inner, depth + 1)
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping | list | tuple) for each in value):
        for at, inner in enumerate(value):
            yield from _flat(f"{name}[{at}]", inner, depth + 1)
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(each) for each in value) or "(none)"
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) < 1e15 and value == int(value) else f"{value:.6g}"
    return safe(str(value)) if value != {} else "(none)"


def _value(name: str, text: str, means: str, width: int) -> list[Runs]:
    left: Runs = (("     ", "text"), (name, "text"), ("  ", "text"))
    if means and width >= _WIDE and runs.cells(text) <= _FIGURES:
        return hanging((*left, (runs.fit(text, _FIGURES), "strong"), ("  ", "text")), ((means, "dim"),), width - 1)
    return hanging(left, ((text, "strong"),), width - 1)
