"""Everything about one service: its instances, pools and queues."""

from __future__ import annotations

from math import inf

from mcptop.alerts import memory, own, pools, queues, state, swarm, use
from mcptop.alerts.finding import Finding, Look
from mcptop.alerts.watched import Restarts, Watched
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind


class Services:
    """What is remembered of services and their instances."""

    def __init__(self, conditions: own.Conditions) -> None:
        """`conditions`: the user's own."""
        self._own = conditions
        self._watched: dict[str, Watched] = {}
        self._trees: dict[str, tuple[frozenset[str], Restarts]] = {}

    def judge(self, service: Service, look: Look) -> tuple[list[Finding], float]:
        """What is wrong with it, and until when that holds if the service stays the same object."""
        found: list[Finding] = []
        until = inf
        named = _named(service, look) if service.pools else None
        for instance in service.instances:
            watched = self._watched.get(instance.id)
            if watched is None:
                watched = self._watched[instance.id] = Watched(instance, look.now)
            watched.see(instance, look.now)
            _of_instance(instance, watched, look, found, named)
            until = min(until, watched.until(look))
        if service.kind is Kind.PROCESS and service.project is not None:
            until = min(until, self._of_tree(service, look, found))
        for pool in service.pools:
            found += pools.of_pool(service, pool, look)
        for queue in service.queues:
            found += queues.of_queue(service, queue, look)
        if service.swarm is not None:
            swarm.paused(service, service.swarm, look, found)
            swarm.missing(service, service.swarm, look, found)
        found += self._own.of_service(service, look)
        return found, until

    def forget(self, services: tuple[Service, ...]) -> None:
        """Let go of what is not there any more."""
        ids = {instance.id for service in services for instance in service.instances}
        self._watched = {key: value for key, value in self._watched.items() if key in ids}
        keys = {service.key for service in services if service.kind is Kind.PROCESS}
        self._trees = {key: value for key, value in self._trees.items() if key in keys}

    def _of_tree(self, service: Service, look: Look, found: list[Finding]) -> float:
        """A process that starts again is another one: of those that announce themselves the replaced are counted."""
        ids = frozenset(instance.id for instance in service.instances)
        before, restarts = self._trees.get(service.key, (ids, Restarts()))
        if replaced := min(len(before - ids), len(ids - before)):
            restarts.add(look.now, replaced)
        self._trees[service.key] = ids, restarts
        loop = state.restart_loop(service.key, None, restarts, look, None)
        if loop is not None:
            found.append(loop)
        return restarts.until(look)


def _of_instance(
    instance: Instance, watched: Watched, look: Look, found: list[Finding], named: frozenset[str | None] | None
) -> None:
    is_running = instance.state == "running"
    state.judge(instance, watched.restarts, look, found, watched.was_killed(look))
    if watched.kills and (killed := memory.killed(instance, watched, look)) is not None:
        found.append(killed)
    if is_running or instance.state == "paused":
        memory.judge(instance, watched, look, found)
        use.judge(instance, watched, look, found, named is not None and not named.isdisjoint((None, instance.name)))


def _named(service: Service, look: Look) -> frozenset[str | None]:
    """The replicas of which a pool says to whom connections are that nobody closes."""
    return frozenset(pool.instance for pool in service.pools if pools.has_close_wait(service, pool, look))
