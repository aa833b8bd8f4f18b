"""What is known of pools, queues and models in words: all of one, and each of a service on a line."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop import units
from mcptop.model.flow import Confidence, Model, Pool, Queue
from mcptop.presentation import judgement, runs
from mcptop.presentation.flow_rows import replica_of, source_of
from mcptop.presentation.judgement import Judgement, Level
from mcptop.presentation.row import Depth, Row
from mcptop.presentation.runs import Run, Runs, safe

Fact = tuple[str, str]
"""What it is, and its value."""
_NAME = 24


def pool_facts(pool: Pool) -> list[Fact]:
    """All that is known of a pool, in words, what matters most first."""
    return known([
        ("in use", units.count(pool.in_use)), ("idle", units.count(pool.idle)),
        ("open", units.count(pool.open if pool.in_use is None else None)), ("at most", units.count(pool.max)),
        ("waiting", units.count(pool.waiting)), ("wait", units.span(pool.wait_s)),
        ("timeouts", units.rate(pool.timeouts_per_s)), ("longest", units.span(pool.longest_s)),
        ("idle in transaction", units.count(pool.idle_in_transaction)),
        ("oldest of them", units.span(pool.idle_in_transaction_s)), ("unanswered", units.count(pool.connecting)),
        ("close_wait", units.count(pool.close_wait)), ("time_wait", units.count(pool.time_wait)),
        ("waits counted", units.rate(pool.waits_per_s)), ("timeouts since start", units.count(pool.timeouts)),
        ("maximum from", safe(pool.max_source or units.UNKNOWN, 60)),
    ])  # fmt: skip


def queue_facts(queue: Queue) -> list[Fact]:
    """All that is known of a queue, in words."""
    return known([
        ("waiting", units.count(queue.depth)), ("room for", units.count(queue.capacity)),
        ("active", units.count(queue.in_flight)), ("oldest", units.span(queue.oldest_age_s)),
        ("in", units.rate(queue.in_per_s)), ("out", units.rate(queue.out_per_s)),
        ("growth", units.rate(queue.growth_per_s)), ("refused", units.rate(queue.rejected_per_s)),
        ("refused since start", units.count(queue.rejected)),
    ])  # fmt: skip


def known(facts: list[Fact]) -> list[Fact]:
    """Those with a value."""
    return [fact for fact in facts if fact[1] != units.UNKNOWN]


def wrapped(facts: Sequence[Fact], width: int, most: int) -> list[Runs]:
    """The facts on at most `most` lines, none of them broken."""
    lines: list[list[Run]] = [[]]
    for name, value in facts:
        piece = [(f" {name} ", "dim"), (f"{value} ", "muted")]
        if runs.width(lines[-1]) + runs.width(piece) > width and lines[-1]:
            if len(lines) == most:
                break
            lines.append([])
        lines[-1] += piece
    return [runs.clip(line, width) for line in lines if line]


def brief(row: Row, width: int) -> list[Runs]:
    """Pools, queues and models of a row on one line; no line where there are none."""
    flow = row.figures.flow
    line = [
        *_titled("pools", [_pool(_name(row, pool), pool, judged) for pool, judged in flow.pools]),
        *_titled("queues", [_queue(_name(row, queue), queue, judged) for queue, judged in flow.queues]),
        *_titled("models", [_model(model) for model in models_of(row)]),
    ]
    return [runs.clip(line, width)] if line else []


def listed(row: Row, width: int, most: int) -> list[Runs]:
    """A line each, with all that is known of it; the last one counts the rest when there are more than `most`."""
    flow = row.figures.flow
    lines = [
        _line("pool", pool.name, pool.peer, source_of(pool), judged, pool_facts(pool)) for pool, judged in flow.pools
    ]
    lines += [_line("queue", q.name, None, source_of(q), judged, queue_facts(q)) for q, judged in flow.queues]
    if models := models_of(row):
        lines.append(tuple(_titled("models", [_model(model) for model in models])))
    if len(lines) > most:
        lines = [*lines[: most - 1], ((f" and {len(lines) - most + 1} more", "dim"),)] if most > 0 else []
    return [runs.clip(line, width) for line in lines]


def models_of(row: Row) -> Sequence[Model]:
    """The models a service, or one replica of it, has loaded."""
    if row.service is None:
        return ()
    models = row.service.models
    if not models or row.depth is not Depth.INSTANCE or row.instance is None or len(row.service.instances) == 1:
        return models
    return [model for model in models if model.instance == row.instance.name]


def _line(word: str, name: str, peer: str | None, source: str, judged: Judgement, facts: Sequence[Fact]) -> Runs:
    name = safe(name, 60)
    whole = f"{name} to {safe(peer, 60)}" if peer and safe(peer, 60) != name else name
    line: list[Run] = [(f" {word:<5} ", "dim"), (f"{judged.symbol} ", judged.style), (runs.fit(whole, _NAME), "text")]
    for title, value in facts:
        line += [(f"  {title} ", "dim"), (value, "muted")]
    return (*line, (f"  {source}", "dim"))


def _name(row: Row, flow: Pool | Queue) -> str:
    """With its replica, in the row of a service that has several."""
    replica = replica_of(row.service, flow) if row.service is not None and row.depth is Depth.SERVICE else ""
    return f"{safe(flow.name, 40)} ·{replica}" if replica else safe(flow.name, 40)


def _pool(name: str, pool: Pool, judged: Judgement) -> Runs:
    waits = f" {pool.waiting}w" if pool.waiting else ""
    mark = "~" if pool.confidence is Confidence.INFERRED and pool.in_use is not None else ""
    return _named(name, f"{mark}{units.usage(pool.in_use, pool.open, pool.max)}{waits}", judged)


def _queue(name: str, queue: Queue, judged: Judgement) -> Runs:
    return _named(name, units.of(queue.depth, queue.capacity), judged)


def _model(model: Model) -> Runs:
    of = f"/{units.size(model.limit_bytes)}" if model.limit_bytes is not None else ""
    return ((f"{safe(model.id, 40)} ", "muted"), (f"{units.size(model.memory_bytes)}{of}", "text"))


def _named(name: str, value: str, judged: Judgement) -> Runs:
    return ((f"{name} ", "muted"), (value, judgement.STYLES[judged.level] if judged.level >= Level.WARNING else "text"))


def _titled(title: str, parts: Sequence[Runs]) -> list[Run]:
    line: list[Run] = []
    for part in parts:
        line += [(", " if line else f" {title} ", "dim"), *part]
    return [*line, (" ", "text")] if line else []
