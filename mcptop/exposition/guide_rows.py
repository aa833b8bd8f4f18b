"""The guide's own names for what a service has, corrected: overflow counted in, one series for one thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcptop.exposition.names import Names, extended, replica_of
from mcptop.exposition.row import Row, label, labels, text
from mcptop.model.flow import Confidence, Pool
from mcptop.model.frame import Service
from mcptop.model.swarm import is_task

_POOLS = ("db", "redis", "http")
"""Kinds of pools the guide means; not slots of a runner, clients of a server, or connections seen by the kernel."""
_TRUST = tuple(Confidence)


def guide(service: Service, names: Names) -> Iterator[Row]:
    """Rows of one service. Where another kind has its name and project, its replicas say their kind."""
    of_service = labels(service=names.service, project=names.project)
    told = names if names.is_only_kind else names._replace(replicas=_with_kind(names))
    replicas = replica_of(service, told)
    for instance, replica in zip(service.instances, told.replicas, strict=True):
        if is_task(instance.id):
            continue
        cores = instance.cpu.cores
        yield Row(f"{of_service},{label('replica', replica)}", (
            ("mcp_service_memory_bytes", instance.memory.working_set_bytes),
            ("mcp_service_cpu_percent", None if cores is None else cores * 100),
        ))  # fmt: skip
    for (replica, name), pool in _best(service, replicas).items():
        yield Row(f"{of_service},{labels(replica=replica, pool=name)}", (
            ("mcp_connection_pool_size", pool.max), ("mcp_connection_pool_active", pool.in_use),
        ))  # fmt: skip
    if service.models:
        yield from _models(service, of_service, replicas)


def _with_kind(names: Names) -> tuple[str, ...]:
    return tuple(extended(replica, f"({names.kind})") for replica in names.replicas)


def _best(service: Service, replicas: Mapping[str | None, str]) -> dict[tuple[str, str], Pool]:
    """Of what several sources say about a pool of one name, what is measured and has a maximum."""
    found: dict[tuple[str, str], Pool] = {}
    pools = [pool for pool in service.pools if pool.kind in _POOLS and pool.in_use is not None]
    for pool in sorted(pools, key=lambda pool: (_TRUST.index(pool.confidence), pool.max is None)):
        found.setdefault((replicas.get(pool.instance) or text(pool.instance), text(pool.name)), pool)
    return found


def _models(service: Service, of_service: str, replicas: Mapping[str | None, str]) -> Iterator[Row]:
    """Memory of each model, and what waits for one: its queue, else callers that wait for a slot."""
    memory: dict[tuple[str, str], float | None] = {}
    waiting: dict[tuple[str, str], float] = {}
    only: dict[str, set[str]] = {}
    for model in service.models:
        replica = replicas.get(model.instance) or text(model.instance)
        memory.setdefault((text(model.id), replica), model.memory_bytes)
        only.setdefault(replica, set()).add(text(model.id))
    told = [(queue.instance, queue.name, queue.depth) for queue in service.queues if queue.kind != "accept"]
    told += [(pool.instance, pool.name, pool.waiting) for pool in service.pools if pool.kind == "slots"]
    for instance, name, count in told:
        replica = replicas.get(instance) or text(instance)
        ids = only.get(replica, set())
        model_id = text(name) if text(name) in ids else next(iter(ids)) if len(ids) == 1 else ""
        if count is not None:
            waiting.setdefault((model_id, replica), count)
    for model_id, replica in {**memory, **waiting}:
        key = model_id, replica
        yield Row(f"{label('model_id', model_id)},{of_service},{label('replica', replica)}", (
            ("mcp_model_memory_bytes", memory.get(key)), ("mcp_model_inference_queue_size", waiting.get(key)),
        ))  # fmt: skip
