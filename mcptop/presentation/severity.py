"""How bad an instance or a service is, and why, in a few words. Judges one frame; knows no history."""

from __future__ import annotations

from mcptop import units
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.presentation.flow_severity import CLOSE_WAIT_WARNING
from mcptop.presentation.flows import NO_FLOW, Flow
from mcptop.presentation.judgement import FINE, Found, Judgement, Level, of_found
from mcptop.presentation.runs import safe

MEMORY_WARNING, MEMORY_CRITICAL = 0.9, 0.97
THROTTLED_WARNING = 0.25
FDS_WARNING = 0.8
CPU_WARNING = 0.9
_ASKED_TO_STOP = 143
"""Exit code of a program that ended because it got SIGTERM, as `docker stop` sends it."""


_UNSEEN = Judgement(Level.UNKNOWN, ("no numbers yet",))


def of_instance(instance: Instance, flow: Flow = NO_FLOW) -> Judgement:
    """The judgement of one instance, with its pools and queues."""
    # What makes users wait comes first among equals.
    found: Found = [(judged.level, reason) for judged in flow.judgements() for reason in judged.reasons] if flow else []
    running = instance.state == "running"
    if not running or instance.health == "unhealthy":
        _judge_state(instance, found)
    if instance.oom_kills:
        found.append((Level.WARNING, f"killed {_times(instance.oom_kills)} for lack of memory"))
    if running or instance.state == "paused":
        _judge_use(instance, flow, found)
    if found:
        return of_found(found, not running)
    if not running:
        return Judgement(Level.UNKNOWN, (), True)
    seen = flow or instance.cpu.cores is not None or instance.memory.working_set_bytes is not None
    return FINE if seen else _UNSEEN


def of_service(service: Service, flow: Flow = NO_FLOW) -> Judgement:
    """The worst of its instances, pools and queues, with the reasons of all of them."""
    if len(service.instances) == 1:
        return of_instance(service.instances[0], flow)
    judged = [
        (of_instance(one, flow.of_replica(one.name)), f"{short_name(service, one)} ") for one in service.instances
    ]
    stopped = all(judgement.stopped for judgement, _ in judged)
    if flow:
        whole = flow.of_none({one.name for one in service.instances})
        judged = [*((judgement, "") for judgement in whole.judgements()), *judged]
    if all(judgement is FINE for judgement, _ in judged):
        return FINE if judged else Judgement(Level.UNKNOWN, ("no instance",), True)
    judged.sort(key=lambda pair: -pair[0].level)
    reasons = [f"{prefix}{reason}" for judgement, prefix in judged for reason in judgement.reasons]
    return Judgement(judged[0][0].level, tuple(reasons[:6]), stopped)


def short_name(service: Service, instance: Instance) -> str:
    """The instance's name without the project."""
    return shortened(service, instance.name)


def shortened(service: Service, replica: str) -> str:
    """A replica's name without the project: Compose repeats it in every name."""
    name = safe(replica)
    prefix = f"{service.project}-"
    return name.removeprefix(prefix) if service.project and len(name) > len(prefix) else name


def of_memory(ratio: float | None) -> Level:
    """Level of a share of a memory limit."""
    if ratio is None or ratio < MEMORY_WARNING:
        return Level.OK
    return Level.CRITICAL if ratio >= MEMORY_CRITICAL else Level.WARNING


def _judge_state(instance: Instance, found: Found) -> None:
    state, code = instance.state, instance.exit_code
    if instance.health == "unhealthy":
        found.append((Level.CRITICAL, "unhealthy: its health check fails"))
    if state == "restarting":
        ended = "" if code is None else f", last exit code {code}"
        found.append((Level.CRITICAL, f"restarting{ended}"))
    elif state == "dead":
        found.append((Level.CRITICAL, "dead: the engine could not remove it"))
    elif state == "exited" and code not in (None, 0, _ASKED_TO_STOP):
        found.append((Level.CRITICAL, f"exited with code {code}"))
    elif state == "paused":
        found.append((Level.WARNING, "paused"))


def _judge_use(instance: Instance, flow: Flow, found: Found) -> None:
    memory = instance.memory
    level = of_memory(memory.limit_ratio)
    if level:
        found.append((level, f"memory at {units.percent(memory.limit_ratio)} of {units.long_size(memory.limit_bytes)}"))
    throttled = instance.cpu.throttled_ratio
    if throttled is not None and throttled >= THROTTLED_WARNING:
        found.append((Level.WARNING, f"CPU quota held it back in {units.percent(throttled)} of periods"))
    fds = instance.fds
    if fds.limit_ratio is not None and fds.limit_ratio >= FDS_WARNING:
        found.append((Level.WARNING, f"open files at {units.percent(fds.limit_ratio)} of the limit"))
    closed = 0 if instance.sockets is None else instance.sockets.close_wait
    # A pool that has them says as well to whom they are.
    named = any((pool.close_wait or 0) >= CLOSE_WAIT_WARNING for pool, _ in flow.pools)
    if closed >= CLOSE_WAIT_WARNING and not named:
        found.append((Level.WARNING, f"{closed} sockets in CLOSE_WAIT: peer closed, service did not"))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
