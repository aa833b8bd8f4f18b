"""The selected pool or queue in full: its reasons, all its facts in words, and its use over time as charts."""

from __future__ import annotations

from mcptop import units
from mcptop.model.frame import POOL_METRICS, QUEUE_METRICS, Frame
from mcptop.presentation import charts, detail, flow_columns, row_charts
from mcptop.presentation.charts import Chart
from mcptop.presentation.flow_facts import Fact, known, pool_facts, queue_facts, wrapped
from mcptop.presentation.flow_rows import FlowRow, PoolRow, QueueRow
from mcptop.presentation.lens import Lens
from mcptop.presentation.runs import Run, Runs, safe


def compose(row: FlowRow, frame: Frame, width: int, height: int, lens: Lens) -> list[Runs]:
    """Exactly what fits in `height` lines: the title, the reasons, the facts, and charts in what is left."""
    reasons = detail.reasons(row.judgement, width)
    facts = [*reasons, *wrapped(_facts(row), width, 2 if height >= 8 else max(1, height - 1 - len(reasons)))]
    lines = [_title(row, width)]
    room = height - 1 - len(facts)
    if room < 5 or width < 40:
        return [*lines, *facts][:height]
    one, two = _charts(row, lens)
    is_alone = width < 76 or not any(value is not None for value in two[1].values)
    drawn = row_charts.titled(one, width, room) if is_alone else row_charts.beside(one, two, width, room)
    return [*lines, *drawn, *facts][:height]


def _title(row: FlowRow, width: int) -> Runs:
    is_pool = isinstance(row, PoolRow)
    kind = row.pool.kind if isinstance(row, PoolRow) else row.queue.kind if isinstance(row, QueueRow) else None
    left: list[Run] = [
        (f" {row.judgement.symbol} ", row.judgement.style),
        (f"{row.service_name} ", "strong"),
        (row.label, "strong"),
    ]
    if kind is not None and kind not in (row.label, "queue"):
        left.append((f" {safe(kind, 20)}", "muted"))
    left.append((" pool" if is_pool else " queue", "muted"))
    if row.replica:
        left.append((f" of replica {row.replica}", "muted"))
    if isinstance(row, PoolRow) and row.peer:
        left.append((f" to {row.peer}", "muted"))
    flow = row.pool if isinstance(row, PoolRow) else row.queue if isinstance(row, QueueRow) else None
    if flow is not None:
        left.append((f"  {flow.confidence} by {safe(flow.source, 40) or 'nobody'}", "muted"))
        if flow.age_s is not None:
            left.append((f"  figures are {units.duration(flow.age_s)} old", "warning"))
    return detail.ruled(left, width)


def _facts(row: FlowRow) -> list[Fact]:
    if isinstance(row, PoolRow):
        return pool_facts(row.pool)
    assert isinstance(row, QueueRow)
    drained = flow_columns.drain(row)
    return known([*queue_facts(row.queue), ("drained" if drained == "never" else "drained in", drained)])


def _charts(row: FlowRow, lens: Lens) -> tuple[row_charts.Titled, row_charts.Titled]:
    if isinstance(row, PoolRow):
        pool = row.pool
        metrics, limit, name = POOL_METRICS, pool.max, "max"
        titles = (
            f"in use {units.usage(pool.in_use, pool.open, pool.max)}",
            f"waiting {units.count(pool.waiting)}",
        )
    else:
        assert isinstance(row, QueueRow)
        queue = row.queue
        metrics, limit, name = QUEUE_METRICS, queue.capacity, "room"
        titles = (f"depth {units.of(queue.depth, queue.capacity)}", f"active {units.count(queue.in_flight)}")
    style = row.judgement.style if row.judgement.reasons else "cpu"
    one = _chart(row, lens, metrics[0], limit, name, f"chart.{style}")
    two = _chart(row, lens, metrics[1], None, "", f"chart.{style if 'pool' in metrics[1] else 'cpu'}")
    return (((f" {titles[0]}", "strong"),), one), (((f" {titles[1]}", "strong"),), two)


def _chart(row: FlowRow, lens: Lens, metric: str, limit: int | None, limit_name: str, style: str) -> Chart:
    values = lens.history(row.key, metric)
    highest = max((value for value in values if value is not None), default=0.0)
    top = float(limit) if limit and limit >= highest else charts.round_top(highest, 2.0)
    return Chart(values, lens, top, _whole, limit, limit_name, style, marks=lens.marks(row.service.key))


def _whole(value: float) -> str:
    return f"{value:.1f}" if value < 9.5 and value % 1 else units.count(value)
