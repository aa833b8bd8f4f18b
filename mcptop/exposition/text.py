"""Rows as a page of metrics: Prometheus' text format 0.0.4, and OpenMetrics 1.0."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from math import inf
from typing import NamedTuple

from mcptop.exposition.catalogue import FAMILIES, Family, Type
from mcptop.exposition.row import Row

_TOTAL = "_total"


class Form(Enum):
    """How a page is written; the value is its content type."""

    PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def form_for(accept: str) -> Form:
    """What the reader's `Accept` header likes better; Prometheus' own where both are equal or neither is named."""
    wishes = {"application/openmetrics-text": 0.0, "text/plain": 0.0, "*/*": 0.0}
    for item in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        given = dict(each.partition("=")[::2] for each in parameters)
        if kind in wishes and not (kind.endswith("openmetrics-text") and given.get("version", "1.0.0") != "1.0.0"):
            wishes[kind] = max(wishes[kind], _weight(given.get("q", "1")))
    likes = wishes["application/openmetrics-text"]
    return Form.OPENMETRICS if likes > max(wishes["text/plain"], wishes["*/*"]) else Form.PROMETHEUS


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


class Lines(NamedTuple):
    """A part, written."""

    by_family: Mapping[str, str]
    """Name of a family -> its lines."""
    series: int
    repeated: int
    """Series left out because one with the same labels stands before them."""


def written(rows: Iterable[Row]) -> Lines:
    """The lines of a part; what is unknown has none."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    repeated = 0
    for of_row, figures in rows:
        key = figures[0][0], of_row
        if key in seen:
            repeated += sum(_is_number(value) for _, value in figures)
            continue
        seen.add(key)
        labels = f"{{{of_row}}}" if of_row else ""
        for name, value in figures:
            # Here and not in a function: this line runs tens of thousands of times a page.
            if value is not None and -inf < value < inf:
                found[name].append(f"{name}{labels} {value}\n")
    series = sum(map(len, found.values()))
    return Lines({name: "".join(lines) for name, lines in found.items()}, series, repeated)


def _is_number(value: float | None) -> bool:
    return value is not None and -inf < value < inf


def page(parts: Iterable[Lines], form: Form) -> bytes:
    """Every family that has a series, with its help and type."""
    return "".join(_page([part.by_family for part in parts], form)).encode("utf-8", "replace")


def _page(parts: list[Mapping[str, str]], form: Form) -> Iterator[str]:
    for family in FAMILIES:
        lines = [part[family.name] for part in parts if family.name in part]
        if lines:
            yield _head(family, form)
            yield from lines
    if form is Form.OPENMETRICS:
        yield "# EOF\n"


def _head(family: Family, form: Form) -> str:
    """OpenMetrics calls a counter by its name without the suffix that its samples have."""
    is_short = form is Form.OPENMETRICS and family.type is Type.COUNTER
    name = family.name.removesuffix(_TOTAL) if is_short else family.name
    says = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {name} {says}\n# TYPE {name} {family.type.value}\n"
