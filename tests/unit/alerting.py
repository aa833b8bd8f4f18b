"""Frames made of scripts: what a service is at each second, with a real history behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from mcptop.alerts.evaluator import Evaluator
from mcptop.alerts.rules import SHIPPED
from mcptop.history import DISK_METRICS, INSTANCE_METRICS, History, Until
from mcptop.model.alert import Alert
from mcptop.model.flow import Budget
from mcptop.model.frame import Frame, Own, Service, SourceReport
from mcptop.model.host import Filesystem, Host
from mcptop.model.instance import Cpu, Instance, Memory
from mcptop.model.rule import RuleSet
from mcptop.model.swarm import SwarmNode
from mcptop.model.value import Kind

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MIB, GIB = 1 << 20, 1 << 30


def instance(name: str = "shop-api-1", **more: Any) -> Instance:
    """One that runs since yesterday."""
    values = {"id": f"id-{name}", "name": name, "cpu": Cpu(0.2), "started_at": NOON - timedelta(days=1)}
    return Instance(**(values | more))


def using(mib: float, limit: float | None = None, files: float = 0.0, **more: Any) -> Instance:
    """One with so much anonymous memory, and pages of files beside it."""
    used, most = int((mib + files) * MIB), None if limit is None else int(limit * MIB)
    memory = Memory(
        working_set_bytes=used, anon_bytes=int(mib * MIB), limit_bytes=most, limit_ratio=used / most if most else None
    )
    return instance(memory=memory, **more)


def service(*instances: Instance, name: str = "api", kind: Kind = Kind.CONTAINER, **more: Any) -> Service:
    """A service of the shop."""
    return Service("shop", name, kind, len(instances), instances or (instance(f"shop-{name}-1"),), **more)


def host(**more: Any) -> Host:
    """A machine at ease."""
    values = {"name": "vm", "cpus": 2, "memory_total_bytes": 8 * GIB, "memory_available_bytes": 4 * GIB}
    return Host(**(values | more))


def disk(used: float) -> Filesystem:
    """A file system of 100 GiB, filled to this part."""
    return Filesystem("/data", "vdb", 100 * GIB, int(100 * GIB * (1 - used)), used)


class Play:
    """One tick a second, each with what is there then."""

    def __init__(self, rules: RuleSet = SHIPPED) -> None:
        self._history = History(901)
        self._evaluator = Evaluator(rules_in_force=rules)
        self.at = NOON
        self.monotonic = 1000.0
        self.alerts: tuple[Alert, ...] = ()
        self.pending: tuple[Alert, ...] = ()

    def tick(
        self,
        *services: Service,
        host: Host | None = None,
        sources: tuple[SourceReport, ...] = (),
        budgets: tuple[Budget, ...] = (),
        nodes: tuple[SwarmNode, ...] = (),
        seconds: float = 1.0,
    ) -> tuple[Alert, ...]:
        """The alerts some seconds later."""
        self.at += timedelta(seconds=seconds)
        self.monotonic += seconds
        self._history.begin(self.at.timestamp())
        for each in services:
            for one in each.instances:
                memory = one.memory
                row = (one.cpu.cores, memory.working_set_bytes, memory.anon_bytes, None, None, None, None, one.fds.open)
                self._history.add(one.id, INSTANCE_METRICS, row)
        for each in host.disks if host is not None else ():
            self._history.add(each.key, DISK_METRICS, (each.used_ratio,))
        frame = Frame(
            1, self.at, host, sources, services, (), Own(), 1.0, budgets=budgets, series=Until(self._history),
            nodes=nodes, monotonic=self.monotonic,
        )  # fmt: skip
        self.alerts, self.pending = self._evaluator.alerts(frame), self._evaluator.pending
        return self.alerts

    def run(self, script: Callable[[int], Iterable[Service]], seconds: int) -> tuple[Alert, ...]:
        """The alerts at the end; `script` says what is there at each second."""
        for second in range(seconds):
            self.tick(*script(second))
        return self.alerts


def once(*services: Service, **more: Any) -> dict[str, Alert]:
    """What holds at a single look, by rule, whether it fires at once or not yet."""
    play = Play()
    return by_rule((*play.tick(*services, **more), *play.pending))


def by_rule(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """The worst of each rule."""
    found: dict[str, Alert] = {}
    for alert in alerts:
        found.setdefault(alert.rule, alert)
    return found


def lasting(frame: Frame) -> tuple[Alert, ...]:
    """What fires in a frame that has been the same for a while."""
    evaluator = Evaluator()
    evaluator.alerts(replace(frame, at=frame.at - timedelta(seconds=40)))
    return evaluator.alerts(frame)
