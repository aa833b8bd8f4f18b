"""Limits against what was seen, a row an instance, with what they should be."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.advice import short
from mcptop.advice.observed import Usage
from mcptop.advice.replicas import Scale
from mcptop.advice.short import Shortly
from mcptop.advice.sized import Advice, Sized
from mcptop.history import KEPT_S
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.presentation import replicas
from mcptop.presentation.filter import Filter, Subject
from mcptop.presentation.row import Row, View
from mcptop.presentation.row_filter import words_of, words_of_instance
from mcptop.presentation.scene import Scene
from mcptop.presentation.sheet import FlatRow, ordered

_RENEWED_TICKS = 10
"""Percentiles of a quarter of an hour do not change from second to second."""
RANKS = {Advice.RAISE: 4, Advice.SET: 3, Advice.LOWER: 2, Advice.KEEP: 1, Advice.UNKNOWN: 0}
"""How urgent each advice is."""


class LimitRow(FlatRow, frozen=True, eq=False, kw_only=True):
    """One instance."""

    service: Row
    name: str
    """Of its service, and of itself where the service has several."""
    instance: Instance
    cpu: Sized
    memory: Sized
    """Replicas are sized together: the advice is the service's."""
    cpu_use: Usage | None = None
    memory_use: Usage | None = None
    scale: Scale | None = None
    """What an autoscaler would do now; None where nothing tells it."""
    interval_s: float = 1.0
    """Between two samples."""

    @property
    def opens(self) -> str | None:
        """Its service."""
        return self.service.key

    @property
    def rank(self) -> tuple[float, ...]:
        """Most urgent first."""
        ranks = sorted((RANKS[self.memory.advice], RANKS[self.cpu.advice]), reverse=True)
        return (*map(float, ranks), self.instance.memory.limit_ratio or 0.0)


def build(scene: Scene, view: View) -> Sequence[LimitRow]:
    """Containers, and the host processes of a project: what has no limit and no owner needs none."""
    found = [
        _row(scene, service, instance)
        for service in scene.services
        if service.service is not None and (service.service.project or service.service.kind is Kind.CONTAINER)
        for instance in service.service.instances
        if instance.state in ("running", "paused") and _passes(service, instance, view.filter)
    ]
    _forget(scene)
    return ordered(found, lambda row: row.name, view.sort, view.descending)


def _forget(scene: Scene) -> None:
    """What is not in the frame any more."""
    if len(scene.sizes) > len(scene.frame.services):
        present = {service.key for service in scene.frame.services}
        for key in scene.sizes.keys() - present:
            del scene.sizes[key]


def _row(scene: Scene, service: Row, instance: Instance) -> LimitRow:
    assert service.service is not None
    several = len(service.service.instances) > 1
    name = replicas.whole(service.service, instance.name) if several else service.name
    sized = _sized(scene, service.service)
    cpu_use, memory_use = sized.uses.get(instance.id, (None, None))
    return LimitRow(key=instance.id, service=service, name=name, instance=instance, cpu=sized.cpu, memory=sized.memory,
                    cpu_use=cpu_use, memory_use=memory_use, scale=sized.scale,
                    interval_s=scene.frame.interval_s)  # fmt: skip


def _sized(scene: Scene, service: Service) -> Shortly:
    now = scene.frame.number
    known = scene.sizes.get(service.key)
    # Each service has its own turn, so that no picture has to work out all of them.
    if (
        known is not None
        and 0 <= now - known[0] < _RENEWED_TICKS + hash(service.key) % _RENEWED_TICKS
        # Of an instance that is new nothing was worked out yet.
        and all(one.id in known[1].uses for one in service.instances)
    ):
        return known[1]
    sized = of_service(scene.frame, service)
    scene.sizes[service.key] = (now, sized)
    return sized


def of_service(frame: Frame, service: Service) -> Shortly:
    """By the frame's history."""
    count = round(KEPT_S / frame.interval_s)
    cores = {one.id: frame.series.tail(one.id, "cpu.cores", count) for one in service.instances}
    used = {one.id: frame.series.tail(one.id, "memory.working_set", count) for one in service.instances}
    return short.of_service(service, cores, used, frame.interval_s, frame.budgets, frame.at)


def _passes(service: Row, instance: Instance, wanted: Filter) -> bool:
    if not wanted:
        return True
    names = f"{service.project}\n{service.name}\n{instance.name}".lower()
    words = words_of(service) | words_of_instance(instance)
    return wanted.passes(Subject(names, service.figures, words))
