"""Whether a row passes a filter, and the words a filter knows it by."""

from __future__ import annotations

from datetime import datetime

from mcptop.model.instance import Instance
from mcptop.presentation import figures
from mcptop.presentation.filter import Filter, Subject
from mcptop.presentation.flows import NO_FLOW, Flow
from mcptop.presentation.row import Row, flow_of, group_of


def passes(row: Row, wanted: Filter, at: datetime | None) -> bool:
    """Whether the service, or one of its instances, is what was asked for."""
    service = row.service
    assert service is not None
    words = words_of(row)
    names = [words["project"], service.name]
    whole = "\n".join([*names, *(instance.name for instance in service.instances)]).lower()
    if wanted.passes(Subject(whole, row.figures, words, at)):
        return True
    for instance in service.instances:
        flow = flow_of(row, instance)
        own = words | flow_words(flow) | words_of_instance(instance)
        parts = "\n".join([*names, instance.name]).lower()
        if wanted.passes(Subject(parts, figures.of_instance(instance, flow), own, at)):
            return True
    return False


def words_of(row: Row) -> dict[str, str]:
    """What is known of a service as a whole, for the filter; states and images are those of its instances."""
    service = row.service
    assert service is not None
    return flow_words(row.figures.flow) | {
        "kind": str(service.kind),
        "level": row.judgement.level.name.lower(),
        "project": (service.project or group_of(service)[1]).lower(),
        "service": service.name.lower(),
    }


def words_of_instance(instance: Instance) -> dict[str, str]:
    """What only one instance has, for the filter."""
    return {
        "state": instance.state,
        "health": instance.health or "none",
        "instance": instance.name.lower(),
        "image": (instance.image or "").lower(),
        "host": (instance.host or "").lower(),
    }


def flow_words(flow: Flow) -> dict[str, str]:
    """The names of pools and queues, for the filter."""
    if flow is NO_FLOW:
        return {}
    pools, queues = [pool for pool, _ in flow.pools], [queue for queue, _ in flow.queues]
    return {
        "pool": "\n".join(pool.name for pool in pools).lower(),
        "peer": "\n".join(pool.peer for pool in pools if pool.peer).lower(),
        "queue": "\n".join(queue.name for queue in queues).lower(),
        "source": "\n".join([*(pool.source for pool in pools), *(queue.source for queue in queues)]).lower(),
    }
