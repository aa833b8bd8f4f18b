"""How bad an instance or a service is, and why, in a few words. Judges one frame; knows no history."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from mcptop import units
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.presentation.runs import safe


class Level(IntEnum):
    """Ordered, so that the worst of several is their maximum."""

    OK = 0
    UNKNOWN = 1
    WARNING = 2
    CRITICAL = 3


STYLES = {Level.OK: "ok", Level.UNKNOWN: "muted", Level.WARNING: "warning", Level.CRITICAL: "critical"}
SYMBOLS = {Level.OK: "●", Level.UNKNOWN: "◌", Level.WARNING: "▲", Level.CRITICAL: "✖"}
STOPPED, INSTANCE = "○", "·"

MEMORY_WARNING, MEMORY_CRITICAL = 0.9, 0.97
THROTTLED_WARNING = 0.25
FDS_WARNING = 0.8
CPU_WARNING = 0.9
CLOSE_WAIT_WARNING = 5
_ASKED_TO_STOP = 143
"""Exit code of a program that ended because it got SIGTERM, as `docker stop` sends it."""


class Judgement(Struct, frozen=True):
    """A level and the reasons for it, worst first."""

    level: Level
    reasons: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def symbol(self) -> str:
        """One character, so that the level does not depend on colour."""
        return STOPPED if self.stopped and self.level < Level.WARNING else SYMBOLS[self.level]

    @property
    def style(self) -> str:
        """Name of the colour that goes with the symbol."""
        return "muted" if self.stopped and self.level < Level.WARNING else STYLES[self.level]


FINE = Judgement(Level.OK)
"""The common case is one shared value."""
_UNSEEN = Judgement(Level.UNKNOWN, ("no numbers yet",))
_Found = list[tuple[Level, str]]


def of_instance(instance: Instance) -> Judgement:
    """The judgement of one instance."""
    found: _Found = []
    running = instance.state == "running"
    if not running or instance.health == "unhealthy":
        _judge_state(instance, found)
    if instance.oom_kills:
        found.append((Level.WARNING, f"killed {_times(instance.oom_kills)} for lack of memory"))
    if running or instance.state == "paused":
        _judge_use(instance, found)
    if found:
        found.sort(key=lambda item: -item[0])
        return Judgement(found[0][0], tuple(reason for _, reason in found), not running)
    if not running:
        return Judgement(Level.UNKNOWN, (), True)
    seen = instance.cpu.cores is not None or instance.memory.working_set_bytes is not None
    return FINE if seen else _UNSEEN


def of_service(service: Service) -> Judgement:
    """The worst of its instances, with the reasons of all of them."""
    if len(service.instances) == 1:
        return of_instance(service.instances[0])
    judged = [(of_instance(instance), instance) for instance in service.instances]
    if all(judgement is FINE for judgement, _ in judged):
        return FINE if judged else Judgement(Level.UNKNOWN, ("no instance",), True)
    judged.sort(key=lambda pair: -pair[0].level)
    reasons = [f"{short_name(service, i)} {reason}" for judgement, i in judged for reason in judgement.reasons]
    return Judgement(judged[0][0].level, tuple(reasons[:6]), all(j.stopped for j, _ in judged))


def short_name(service: Service, instance: Instance) -> str:
    """The instance's name without the project: Compose repeats it in every name."""
    name = safe(instance.name)
    prefix = f"{service.project}-"
    return name.removeprefix(prefix) if service.project and len(name) > len(prefix) else name


def of_memory(ratio: float | None) -> Level:
    """Level of a share of a memory limit."""
    if ratio is None or ratio < MEMORY_WARNING:
        return Level.OK
    return Level.CRITICAL if ratio >= MEMORY_CRITICAL else Level.WARNING


def _judge_state(instance: Instance, found: _Found) -> None:
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


def _judge_use(instance: Instance, found: _Found) -> None:
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
    if instance.sockets is not None and instance.sockets.close_wait >= CLOSE_WAIT_WARNING:
        found.append(
            (Level.WARNING, f"{instance.sockets.close_wait} sockets in CLOSE_WAIT: peer closed, service did not")
        )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
