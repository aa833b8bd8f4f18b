"""The same advice by the quarter of an hour that the dashboard remembers: little, and said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mcptop.advice import replicas, signals
from mcptop.advice.observed import Kill, Observed, Replica, Usage, usage_of
from mcptop.advice.recommend import limits
from mcptop.advice.replicas import Scale
from mcptop.advice.sized import Sized
from mcptop.alerts import rules
from mcptop.model.flow import Budget, Model
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind, Value

Values = Sequence[float | None]
"""One a look, the oldest first."""
LATELY_S = 60.0
"""An autoscaler's metrics are of about so long."""


class Shortly(Value, frozen=True):
    """What a short look at a service comes to."""

    cpu: Sized
    memory: Sized
    uses: Mapping[str, tuple[Usage | None, Usage | None]]
    """Of each instance, by its id: CPU and memory."""
    scale: Scale | None = None


def of_service(
    service: Service, cores: Mapping[str, Values], used: Mapping[str, Values], interval_s: float,
    budgets: Sequence[Budget] = (), at: datetime | None = None,
) -> Shortly:  # fmt: skip
    """`cores`, `used`: of each instance by its id, CPU and working set, up to the time `at`."""
    uses = {one.id: (usage_of(cores[one.id]), usage_of(used[one.id])) for one in service.instances}
    samples = max((usage.samples for pair in uses.values() for usage in pair if usage is not None), default=0)
    seen = Observed(
        service.project, service.name, service.kind,
        tuple(_replica(one, *uses[one.id]) for one in service.instances),
        last_at=max(0, samples - 1) * interval_s, samples=samples, interval_s=interval_s,
        models=service.models, models_bytes=_models(service.models),
    )  # fmt: skip
    of_cpu, of_memory = limits(seen)
    return Shortly(of_cpu, of_memory, uses, _scale(service, cores, interval_s, budgets, at))


def _replica(instance: Instance, cpu: Usage | None, memory: Usage | None) -> Replica:
    throttled = instance.cpu.throttled_ratio
    of = instance.memory
    return Replica(
        instance.id, instance.name, instance.state in ("running", "paused"), memory, cpu,
        anon_peak=of.anon_bytes, file_peak=of.file_bytes, shmem_peak=of.shmem_bytes,
        pressure_peak=of.pressure_some_avg10,
        # Of one look only: what is too much even so counts.
        throttled_ratio=throttled if rules.CPU_THROTTLED.judge(throttled) else None,
        kills=(Kill(None, of.limit_bytes, instance.oom_kills),) if instance.oom_kills else (),
        memory_limit=of.limit_bytes, cpu_limit=instance.cpu.limit_cores,
    )  # fmt: skip


def _models(models: Sequence[Model]) -> float | None:
    sizes = [max(0, model.memory_bytes - (model.vram_bytes or 0)) for model in models if model.memory_bytes is not None]
    return float(sum(sizes)) if sizes and len(sizes) == len(models) else None


def _scale(
    service: Service, cores: Mapping[str, Values], interval_s: float, budgets: Sequence[Budget], at: datetime | None
) -> Scale | None:
    """For containers of a project or a swarm; a server of connections (a database) is no more by starting it twice."""
    is_ours = service.kind is Kind.CONTAINER and (service.project or service.swarm is not None)
    is_fixed = service.swarm is not None and service.swarm.mode != "replicated"
    if not is_ours or is_fixed or signals.is_server(service):
        return None
    count = max(1, round(LATELY_S / interval_s))
    lately = {key: _mean(values[-count:]) for key, values in cores.items()}
    return replicas.of_now(service, lately, budgets, at)


def _mean(values: Values) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
