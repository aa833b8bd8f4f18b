"""Memory: near the limit by level and by trend, growing without end, killed for lack of it."""

from __future__ import annotations

from mcptop import units
from mcptop.alerts import rules
from mcptop.alerts.finding import Finding, Look
from mcptop.alerts.growing import Asked
from mcptop.alerts.watched import Watched
from mcptop.analysis.growth import Growth
from mcptop.model.instance import Instance, Memory
from mcptop.model.playbook import Severity
from mcptop.model.rule import Rule


def judge(instance: Instance, watched: Watched, look: Look, found: list[Finding]) -> None:
    """Everything about the memory of a running instance."""
    growth = _growth(instance, watched, look)
    left_s = None if growth is None else _left_s(instance.memory, growth)
    near = _near_limit(instance, left_s, look)
    if near is not None:
        found.append(near)
    if growth is not None:
        found.append(_leak(instance, growth, left_s, look.rule(rules.MEMORY_LEAK), told=near is not None))


def killed(instance: Instance, watched: Watched, look: Look) -> Finding | None:
    """A kill for lack of memory that is not long ago, as far as we know."""
    rule = look.rule(rules.OOM_KILL)
    if not watched.kills or watched.kills < rule.warning or look.now - watched.kills_at >= rule.also["recent"]:
        return None
    says = f"killed {_times(watched.kills)} for lack of memory"
    if limit := instance.memory.limit_bytes:
        says += f", its limit is {units.long_size(limit)}"
    if not watched.kills_seen:
        says += ", before mcptop looked"
    return Finding(
        rule, instance.id, Severity.CRITICAL if watched.kills_seen else Severity.WARNING, says,
        watched.kills, rule.warning, instance.name,
    )  # fmt: skip


def kept_ratio(memory: Memory) -> float | None:
    """What the kernel cannot take back, as part of the limit; None where it is not known."""
    if memory.anon_bytes is None or not memory.limit_bytes:
        return None
    return (memory.anon_bytes + (memory.shmem_bytes or 0)) / memory.limit_bytes


def _growth(instance: Instance, watched: Watched, look: Look) -> Growth | None:
    memory = instance.memory
    # What mcptop keeps of the last minutes grows until they are full, and then no more.
    if memory.anon_bytes is None or (look.own_pid is not None and instance.pid == look.own_pid):
        return None
    if not watched.growing.is_due(look.now):
        return watched.growing.found
    started_at = 0.0 if instance.started_at is None else instance.started_at.timestamp()
    rule = look.rule(rules.MEMORY_LEAK)
    relative, least = rule.also["relative" if memory.limit_bytes else "relative_unlimited"], rule.warning
    may = (memory.trend_bytes_per_s or 0.0) >= least / 2
    series = Asked(instance.id, "memory.anon", memory.anon_bytes, started_at, least, relative)
    return watched.growing.update(look, series, may)


def _left_s(memory: Memory, growth: Growth) -> float | None:
    if memory.limit_bytes is None or memory.working_set_bytes is None or growth.slope_per_s <= 0:
        return None
    return max(0.0, (memory.limit_bytes - memory.working_set_bytes) / growth.slope_per_s)


def _near_limit(instance: Instance, left_s: float | None, look: Look) -> Finding | None:
    memory = instance.memory
    ratio = memory.limit_ratio
    if ratio is None:
        return None
    rule = look.rules.by_id[rules.MEMORY_NEAR_LIMIT.id]
    if ratio < min(rule.also["ahead_from"], rule.warning):
        return None
    held = look.held(rule, instance.id)
    severity = rule.judge(ratio, held)
    kept = kept_ratio(memory)
    if kept is not None and kept < rule.also["kept_critical"] and severity is not None:
        severity = Severity.WARNING if kept >= rule.also["kept_warning"] else None
    is_near = ratio >= rule.also["ahead_from"] and left_s is not None
    is_near = is_near and (left_s or 0.0) <= rule.also["ahead"] * (1.25 if held is Severity.CRITICAL else 1.0)
    if is_near:
        severity = Severity.CRITICAL
    if severity is None:
        return None
    soon, limit = _limit_in(left_s), units.long_size(memory.limit_bytes)
    says = (
        f"memory at {units.percent(ratio)}{soon} ({limit})" if soon else f"memory at {units.percent(ratio)} of {limit}"
    )
    threshold = rule.threshold(severity)
    for_s = 0.0 if is_near else None
    return Finding(rule, instance.id, severity, says, ratio, threshold, instance.name, left_s, for_s=for_s)


def _leak(instance: Instance, growth: Growth, left_s: float | None, rule: Rule, told: bool) -> Finding:
    """`told`: how long there is left was said already."""
    says = f"memory grows {units.long_size(growth.slope_per_s * 60)}/min{'' if told else _limit_in(left_s)}"
    return Finding(rule, instance.id, Severity.WARNING, says, growth.slope_per_s, rule.warning, instance.name, left_s)


def _limit_in(left_s: float | None) -> str:
    return "" if left_s is None or left_s > 48 * 3600 else f", limit in {units.about(left_s)}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
