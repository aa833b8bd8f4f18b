"""How bad an instance or a service is, and why, in a few words: what its alerts say, or that there are no numbers."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.alerts import rules
from mcptop.model.alert import Alert
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.rule import RuleSet
from mcptop.model.swarm import is_task
from mcptop.presentation import replicas
from mcptop.presentation.flows import NO_FLOW, Flow
from mcptop.presentation.judgement import FINE, Judgement, Level, of_alerts
from mcptop.presentation.swarm import unsampled
from mcptop.units import plain

CPU_WARNING = 0.9
"""Share of the quota from which on a figure is coloured; busy alone is no problem."""
_UNSEEN = Judgement(Level.UNKNOWN, ("no numbers yet",))
_MOST = 6


def of_instance(instance: Instance, alerts: Sequence[Alert] = (), flow: Flow = NO_FLOW) -> Judgement:
    """The judgement of one instance by its own alerts."""
    running = instance.state == "running"
    if alerts:
        return of_alerts(alerts, not running)
    if is_task(instance.id):
        return Judgement(Level.UNKNOWN, (f"on {plain(instance.host or 'another node', 64)}, not sampled",), not running)
    if not running:
        return Judgement(Level.UNKNOWN, (), True)
    seen = flow or instance.cpu.cores is not None or instance.memory.working_set_bytes is not None
    return FINE if seen else _UNSEEN


def of_service(service: Service, alerts: Sequence[Alert] = (), flow: Flow = NO_FLOW) -> Judgement:
    """The worst of its instances, pools and queues, with the reasons of all of them."""
    if len(service.instances) == 1:
        return of_instance(service.instances[0], alerts, flow)
    stopped = all(instance.state != "running" for instance in service.instances)
    if alerts:
        judged = of_alerts(alerts, stopped)
        reasons = tuple(_of_whom(service, alert) + alert.says for alert in alerts[:_MOST])
        return Judgement(judged.level, reasons, stopped)
    if not service.instances:
        return Judgement(Level.UNKNOWN, ("no instance",), True)
    sampled = [one for one in service.instances if not is_task(one.id)]
    judgements = [of_instance(one, (), flow.of_replica(one.name)) for one in sampled]
    elsewhere = unsampled(service.swarm)
    if not sampled:
        return Judgement(Level.UNKNOWN, (elsewhere or "its tasks are on nodes mcptop does not sample",), stopped)
    if all(judgement is FINE for judgement in judgements):
        return Judgement(Level.OK, (elsewhere,)) if elsewhere else FINE
    worst = max(judgements, key=lambda judgement: judgement.level)
    unseen = [one for one, judged in zip(sampled, judgements, strict=True) if judged is _UNSEEN]
    reasons = tuple(f"{replicas.short(service, one.name)} {_UNSEEN.reasons[0]}" for one in unseen[:_MOST])
    return Judgement(worst.level, reasons, stopped)


def own(service: Service, instance: Instance, alerts: Sequence[Alert]) -> Sequence[Alert]:
    """The alerts of one replica; the only one has all of its service."""
    if len(service.instances) == 1 or not alerts:
        return alerts
    return [alert for alert in alerts if alert.instance == instance.name]


def of_none(service: Service, alerts: Sequence[Alert]) -> Sequence[Alert]:
    """The alerts of the service as a whole."""
    names = {instance.name for instance in service.instances}
    return [alert for alert in alerts if alert.instance not in names]


def of_memory(ratio: float | None, in_force: RuleSet = rules.SHIPPED) -> Level:
    """Level of a share of a memory limit, for the colour of a figure."""
    severity = in_force.shown(rules.MEMORY_NEAR_LIMIT.id).judge(ratio)
    return Level.OK if severity is None else Level[severity.name]


def _of_whom(service: Service, alert: Alert) -> str:
    present = any(alert.instance == instance.name for instance in service.instances)
    return f"{replicas.short(service, alert.instance)} " if present and alert.instance is not None else ""
