"""Limits against what was seen, a row an instance, with what they should be."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.alerts import rules
from mcptop.analysis import sizing
from mcptop.analysis.sizing import Advice, Sized
from mcptop.history import KEPT_S
from mcptop.model.frame import Frame
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.presentation import replicas
from mcptop.presentation.filter import Filter, Subject
from mcptop.presentation.rows import Row, View, words_of, words_of_instance
from mcptop.presentation.scene import Scene
from mcptop.presentation.sheet import FlatRow, ordered

_RENEWED_TICKS = 10
"""Percentiles of a quarter of an hour do not change from second to second."""
RANKS = {Advice.RAISE: 3, Advice.SET: 2, Advice.KEEP: 1, Advice.UNKNOWN: 0}
"""How urgent each advice is."""


class LimitRow(FlatRow, frozen=True, eq=False, kw_only=True):
    """One instance."""

    service: Row
    name: str
    """Of its service, and of itself where the service has several."""
    instance: Instance
    cpu: Sized
    memory: Sized
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
    if len(scene.sizes) > sum(len(service.instances) for service in scene.frame.services):
        present = {instance.id for service in scene.frame.services for instance in service.instances}
        for identity in scene.sizes.keys() - present:
            del scene.sizes[identity]


def _row(scene: Scene, service: Row, instance: Instance) -> LimitRow:
    assert service.service is not None
    several = len(service.service.instances) > 1
    name = replicas.whole(service.service, instance.name) if several else service.name
    cpu, memory = _sized(scene, instance)
    return LimitRow(key=instance.id, service=service, name=name, instance=instance, cpu=cpu, memory=memory,
                    interval_s=scene.frame.interval_s)  # fmt: skip


def _sized(scene: Scene, instance: Instance) -> tuple[Sized, Sized]:
    now = scene.frame.number
    known = scene.sizes.get(instance.id)
    # Each instance has its own turn, so that no picture has to work out all of them.
    if known is not None and 0 <= now - known[0] < _RENEWED_TICKS + hash(instance.id) % _RENEWED_TICKS:
        return known[1], known[2]
    sized = of_instance(scene.frame, instance)
    scene.sizes[instance.id] = (now, *sized)
    return sized


def of_instance(frame: Frame, instance: Instance) -> tuple[Sized, Sized]:
    """CPU and memory by the frame's history."""
    count = round(KEPT_S / frame.interval_s)
    cores = frame.series.tail(instance.id, "cpu.cores", count)
    used = frame.series.tail(instance.id, "memory.working_set", count)
    throttled, rule = instance.cpu.throttled_ratio, (frame.rules or rules.SHIPPED)[rules.CPU_THROTTLED.id]
    return (
        sizing.cpu(cores, instance.cpu.limit_cores, throttled if rule.judge(throttled) else None),
        sizing.memory(used, instance.memory.limit_bytes, instance.oom_kills),
    )


def _passes(service: Row, instance: Instance, wanted: Filter) -> bool:
    if not wanted:
        return True
    names = f"{service.project}\n{service.name}\n{instance.name}".lower()
    words = words_of(service) | words_of_instance(instance)
    return wanted.passes(Subject(names, service.figures, words))
