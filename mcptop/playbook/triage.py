"""Which service has which symptom, by some seconds of the monitor's frames alone, and which playbook to run on it.

The thresholds are those of the rules in force; what is a symptom need not have lasted.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from mcptop import units
from mcptop.alerts import rules
from mcptop.alerts.memory import kept_ratio
from mcptop.model.frame import Frame, Service
from mcptop.model.host import Host
from mcptop.model.instance import Instance, Memory
from mcptop.model.playbook import Severity
from mcptop.model.rule import Rule, RuleSet
from mcptop.model.value import Kind, Value
from mcptop.playbook import symptoms
from mcptop.playbook.steps.series import grown, mean
from mcptop.playbook.symptoms import History, Series

_BUSY_CORES = 0.8
_NEAR_LIMIT = 0.9
"""Of the CPU quota."""
_OFTEN = 0.3
_PRESSED = 0.3
_SLOW_S = 1.0


class Problem(Value, frozen=True):
    """One symptom of one service."""

    service: str
    project: str | None
    instance: str
    says: str
    severity: Severity
    playbook: str
    run: str
    """The command that diagnoses it."""


class Triage(Struct, frozen=True, eq=False, tag_field="schema", tag="mcptop.triage/1"):
    """`mcptop diagnose --json` without a playbook. Worst first; empty means that nobody shows a symptom."""

    problems: tuple[Problem, ...]
    services: int
    """How many were looked at."""
    seconds: float
    version: str
    doubt: str | None = None
    """Why it is no good sign that nobody does."""


def problems(frames: Sequence[Frame]) -> tuple[Problem, ...]:
    """Everything that shows in these frames, worst first; of one service and playbook the worst only."""
    if not frames:
        return ()
    found: dict[tuple[str, str], tuple[float, Problem]] = {}
    last = frames[-1]
    in_force = last.rules or rules.SHIPPED
    histories, waited = symptoms.histories(frames), _waited(frames)
    for service in last.services:
        for instance in service.instances:
            seen = histories[instance.id]
            for score, severity, playbook, says in _symptoms(service, instance, seen, waited, in_force):
                key = service.key, playbook
                if key not in found or found[key][0] < score:
                    found[key] = score, _problem(service, instance, says, severity, playbook)
    on_host = list(_of_host(frames, in_force)) if last.host is not None else []
    order = sorted([*found.values(), *on_host], key=lambda pair: -pair[0])
    return tuple(problem for _, problem in order)


Symptom = tuple[float, Severity, str, str]
"""Score (10 and more is critical), severity, playbook, sentence."""


Waited = Mapping[tuple[str, str | None, str], float]
"""Key of a service, instance and name of its pool -> share of the frames in which somebody waited for it."""


def _waited(frames: Sequence[Frame]) -> Waited:
    """One caller that waits at one moment is no trouble yet."""
    found = Counter(
        (service.key, pool.instance, pool.name)
        for frame in frames
        for service in frame.services
        for pool in service.pools
        if pool.waiting
    )
    return {pool: number / len(frames) for pool, number in found.items()}


def _symptoms(
    service: Service, instance: Instance, seen: History, waited: Waited, in_force: RuleSet
) -> Iterator[Symptom]:
    if service.kind is Kind.SERVER:
        return
    yield from _state(instance)
    yield from _memory(instance, seen, in_force)
    yield from _cpu(instance, seen, in_force)
    yield from _descriptors(instance, seen, in_force)
    yield from _flows(service, instance, waited)


def _state(instance: Instance) -> Iterator[Symptom]:
    if instance.health == "unhealthy":
        yield 20, Severity.CRITICAL, "restarts", "its health check fails"
    if instance.state in ("restarting", "dead"):
        yield 22, Severity.CRITICAL, "restarts", f"it is {instance.state}, {instance.restarts or 0} restarts"
    if instance.oom_kills:
        yield 21, Severity.CRITICAL, "restarts", f"the kernel killed it {instance.oom_kills} times for lack of memory"


def _memory(instance: Instance, seen: History, in_force: RuleSet) -> Iterator[Symptom]:
    yield from _near_limit(instance.memory, in_force.shown(rules.MEMORY_NEAR_LIMIT.id))
    leak = in_force.shown(rules.MEMORY_LEAK.id).warning
    found = _grown(seen, lambda i: i.memory.anon_bytes, leak)
    # Anonymous memory is read every few ticks only: seen for some seconds it is a staircase, and those seem to end.
    whole = _grown(seen, lambda i: i.memory.working_set_bytes, leak)
    if found and found["growing"] and not found["rising"] and whole and whole["rising"]:
        found = whole
    if found and found["rising"]:
        per_minute = units.long_size(found["slope_per_s"] * 60)
        yield 8, Severity.WARNING, "memory-leak", f"memory grows {per_minute}/min"


def _near_limit(memory: Memory, rule: Rule) -> Iterator[Symptom]:
    """Pages of files in use count as in use, but the kernel takes them back when somebody needs room."""
    if rule.judge(memory.limit_ratio) is None:
        return
    kept = kept_ratio(memory)
    if kept is None or kept >= rule.also["kept_critical"]:
        yield 15, Severity.CRITICAL, "memory-leak", f"memory at {units.percent(memory.limit_ratio)} of its limit"
    elif kept >= rule.also["kept_warning"]:
        says = f"memory at {units.percent(memory.limit_ratio)} of its limit, {units.percent(kept)} without files' pages"
        yield 7, Severity.WARNING, "memory-leak", says


def _cpu(instance: Instance, seen: History, in_force: RuleSet) -> Iterator[Symptom]:
    throttled = mean([i.cpu.throttled_ratio for _, i in seen])
    if throttled is not None and in_force.shown(rules.CPU_THROTTLED.id).judge(throttled) is not None:
        yield (
            7,
            Severity.WARNING,
            "cpu-load",
            f"its CPU quota holds it back in {units.percent(throttled)} of the periods",
        )
    cores = mean([i.cpu.cores for _, i in seen])
    limit = instance.cpu.limit_cores
    if cores is not None and cores >= (_NEAR_LIMIT * limit if limit else _BUSY_CORES):
        yield 5 + min(1.0, cores / 10), Severity.WARNING, "cpu-load", f"it uses {cores:.2f} cores"


def _descriptors(instance: Instance, seen: History, in_force: RuleSet) -> Iterator[Symptom]:
    ratio, closed = instance.fds.limit_ratio, symptoms.close_wait(instance)
    if in_force.shown(rules.FDS_NEAR_LIMIT.id).judge(ratio) is not None:
        yield 14, Severity.CRITICAL, "fd-leak", f"open files at {units.percent(ratio)} of the limit"
    if in_force.shown(rules.CLOSE_WAIT.id).judge(closed) is not None:
        yield 9, Severity.WARNING, "fd-leak", f"{closed:.0f} connections in CLOSE_WAIT"
    found = _grown(seen, lambda i: i.fds.open, 20 / 60)
    if found and found["rising"]:
        yield 6, Severity.WARNING, "fd-leak", f"open files grow {found['slope_per_s'] * 60:.0f} a minute"


def _flows(service: Service, instance: Instance, waited: Waited) -> Iterator[Symptom]:
    for pool in symptoms.pools_of(service, instance.name):
        if pool.waiting and waited[service.key, pool.instance, pool.name] >= _OFTEN:
            yield (
                12,
                Severity.CRITICAL,
                "connection-pool",
                f"{pool.waiting} callers wait for pool {units.plain(pool.name)}",
            )
        if pool.kind == "tcp" and (pool.longest_s or 0) >= _SLOW_S:
            peer = units.plain(pool.peer or pool.name)
            yield 6, Severity.WARNING, "slow-service", f"it waits for {peer}, for {units.duration(pool.longest_s)}"
    for queue in symptoms.queues_of(service, instance.name):
        if queue.kind == "accept" and queue.capacity and (queue.depth or 0) >= queue.capacity:
            yield 13, Severity.CRITICAL, "slow-service", f"{queue.depth} connections wait to be accepted"
        elif queue.kind != "accept" and (queue.depth or 0) >= 10 and (queue.growth_per_s or 0) > 0:
            says = f"queue {units.plain(queue.name)} is {queue.depth} deep and grows"
            yield 8, Severity.WARNING, "queue-backlog", says


def _of_host(frames: Sequence[Frame], in_force: RuleSet) -> Iterator[tuple[float, Problem]]:
    hosts = [frame.host for frame in frames if frame.host is not None]
    last = hosts[-1]
    busiest = _most_disk(frames[-1])
    for disk in last.disks:
        if disk.used_ratio >= in_force.shown(rules.DISK_FULL.id).critical:
            says = f"{units.plain(disk.mount)} is {units.percent(disk.used_ratio)} full"
            yield 16, _on_host(last, busiest, says, Severity.CRITICAL, "disk-full")
    pressed = mean([h.pressure.io.some_avg10 for h in hosts if h.pressure.io is not None])
    if pressed is not None and pressed >= _PRESSED:
        says = f"somebody waits for a disk {units.percent(pressed)} of the time"
        yield 7, _on_host(last, busiest, says, Severity.WARNING, "io-bottleneck")


def _most_disk(frame: Frame) -> tuple[Service, Instance] | None:
    """Who moves most to and from disks: whom to look at first."""
    found = [(_moved(instance), service, instance) for service in frame.services for instance in service.instances]
    moved, service, instance = max(found, key=lambda each: each[0], default=(0.0, None, None))
    return (service, instance) if moved > 0 and service is not None and instance is not None else None


def _moved(instance: Instance) -> float:
    return (instance.disk.read_bytes_per_s or 0.0) + (instance.disk.write_bytes_per_s or 0.0)


def _on_host(host: Host, who: tuple[Service, Instance] | None, says: str, severity: Severity, playbook: str) -> Problem:
    if who is None:
        return Problem(host.name, None, host.name, says, severity, playbook, f"mcptop diagnose {playbook}")
    return _problem(*who, f"{says}; it moves most bytes", severity, playbook)


def _problem(service: Service, instance: Instance, says: str, severity: Severity, playbook: str) -> Problem:
    name = f"{service.project}/{service.name}" if service.project else service.name
    run = f"mcptop diagnose {playbook} --service {shlex.quote(units.plain(name))}"
    return Problem(
        units.plain(service.name), service.project, units.plain(instance.name), says, severity, playbook, run
    )


def _grown(seen: History, read: Series, least_per_s: float) -> dict[str, Any] | None:
    return grown([at for at, _ in seen], [read(instance) for _, instance in seen], least_per_s)
