"""The selected instance of the table of limits in full: what the advice rests on, and its use over time as charts."""

from __future__ import annotations

from mcptop.presentation import detail, limit_columns, row_charts, rows
from mcptop.presentation.lens import Lens
from mcptop.presentation.limit_rows import LimitRow
from mcptop.presentation.runs import Runs
from mcptop.presentation.verdict.wrap import hanging


def compose(row: LimitRow, width: int, height: int, lens: Lens) -> list[Runs]:
    """Exactly what fits in `height` lines: the title, the reasons, and charts in what is left."""
    judged = row.service.judgement
    lines = [detail.ruled(((f" {judged.symbol} ", judged.style), (row.name, "strong")), width)]
    lines += hanging(((" why ", "dim"),), ((limit_columns.why(row), "text"),), max(20, width - 1))
    if row.scale is not None and height > len(lines):
        said = f"{row.scale.says}: {row.scale.signal}"
        lines += hanging(((" scale ", "dim"),), ((said, "text"),), max(20, width - 1))
    instance = rows.find([row.service], row.key)
    room = height - len(lines)
    if instance is not None and room >= 5 and width >= 40:
        lines += row_charts.use(instance, lens, width, room)
    return lines[:height]
