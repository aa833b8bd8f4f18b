"""The page as Prometheus' text, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcptop.instrument.page import Table

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def written(tables: Iterable[Table]) -> str:
    """The whole page."""
    return "".join(f"{line}\n" for table in tables for line in _lines(table))


def _lines(table: Table) -> Iterator[str]:
    name = f"{table.name}_total" if table.figure.counts else table.name
    yield f"# HELP {name} {table.figure.says}"
    yield f"# TYPE {name} {'counter' if table.figure.counts else 'gauge'}"
    for values, value in table.rows.items():
        pairs = (f'{label}="{text.translate(_ESCAPES)}"' for label, text in zip(table.labels, values, strict=True))
        yield f"{name}{{{','.join(pairs)}}} {value!r}"
