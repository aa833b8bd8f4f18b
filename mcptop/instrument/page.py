"""The page as tables, for whoever writes it: one a metric, without those of which nothing is known."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

from mcptop.instrument.figures import KINDS, Figure, label
from mcptop.instrument.look import Seen
from mcptop.instrument.registry import Registry

ERRORS = Figure("mcp_instrument_errors", "Things and figures that could not be read", "", True)


class Table(NamedTuple):
    """One metric with its samples."""

    name: str
    """Without `_total`."""
    figure: Figure
    labels: tuple[str, ...]
    rows: dict[tuple[str, ...], float]


def service_name() -> str:
    """`MCPTOP_SERVICE`, or what the program is called."""
    folder, file = os.path.split((getattr(sys, "argv", None) or [""])[0] or "python")
    stem = os.path.splitext(file)[0]
    # `python -m service` runs a file of this name in the service's folder.
    return os.environ.get("MCPTOP_SERVICE") or (os.path.basename(folder) if stem == "__main__" else stem)


def tables(registry: Registry, service: str) -> Iterator[Table]:
    """All metrics of what is watched."""
    seen, service = registry.look(), label(service)
    for kind in KINDS:
        labels = ("service", kind.label)
        parts = [each for each in seen if each.kind is kind]
        for figure in kind.figures:
            if rows := _rows(figure, parts, service):
                yield Table(f"{kind.prefix}_{figure.name}", figure, labels, rows)
    yield Table(ERRORS.name, ERRORS, ("service",), {(service,): registry.errors.count})


def _rows(figure: Figure, parts: list[Seen], service: str) -> dict[tuple[str, ...], float]:
    # A page with the same sample twice is refused as a whole: of two with one name the later one stands.
    return {(service, each.name): each.figures[figure.field] for each in parts if figure.field in each.figures}
