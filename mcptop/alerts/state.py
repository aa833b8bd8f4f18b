"""What state an instance is in: ended with an error, starting again and again, unhealthy, paused."""

from __future__ import annotations

from mcptop import units
from mcptop.alerts import rules
from mcptop.alerts.finding import Finding, Look
from mcptop.alerts.watched import Restarts
from mcptop.model.instance import Instance
from mcptop.model.rule import Rule

_ASKED_TO_STOP = 143
"""Exit code of a program that ended because it got SIGTERM, as `docker stop` sends it."""
_OUTPUT = 120


def judge(instance: Instance, restarts: Restarts, look: Look, found: list[Finding], was_killed: bool) -> None:
    """Everything about the state of an instance. `was_killed`: it starts again because it had no memory."""
    state, code = instance.state, instance.exit_code
    loop = restart_loop(instance.id, instance.name, restarts, look, code) if restarts else None
    if (loop is None or not loop.rule.enabled) and state == "restarting":
        loop = _restarting(instance, look)
    if loop is not None:
        found.append(_of_memory(loop) if was_killed else loop)
    if state == "exited" and code not in (None, 0, _ASKED_TO_STOP) and not instance.asked_to_stop:
        found.append(_fact(look.rule(rules.EXITED), instance, f"exited with code {code}", code))
    elif state == "dead":
        found.append(_fact(look.rule(rules.DEAD), instance, "dead: the engine could not remove it"))
    elif state == "paused":
        found.append(_fact(look.rule(rules.PAUSED), instance, "paused"))
    elif state == "running" and instance.health == "unhealthy":
        found.append(_fact(look.rule(rules.UNHEALTHY), instance, _unhealthy(instance.health_output)))


def restart_loop(
    subject: str, instance: str | None, restarts: Restarts, look: Look, exit_code: int | None
) -> Finding | None:
    """It started again several times within minutes; once is an event, not a problem."""
    number, seconds = restarts.recent(look)
    rule = look.rule(rules.RESTART_LOOP)
    severity = rule.judge(number)
    if severity is None:
        return None
    says = f"restarted {number} times in {units.about(seconds)}{_ended(exit_code)}"
    return Finding(rule, subject, severity, says, number, rule.critical, instance)


def _restarting(instance: Instance, look: Look) -> Finding:
    """The engine waits before it starts it again, each time longer."""
    number = instance.restarts
    loop = look.rule(rules.RESTART_LOOP)
    often = loop.judge(number) if loop.enabled else None
    so_far = f", {number} restarts so far" if number else ""
    says = f"restarting{so_far}{_ended(instance.exit_code)}"
    if often is None:
        return _fact(look.rule(rules.RESTARTING), instance, says, number)
    return Finding(loop, instance.id, often, says, number, loop.critical, instance.name)


def _unhealthy(output: str | None) -> str:
    return "unhealthy: its health check fails" + (f": {units.plain(output, _OUTPUT)}" if output else "")


def _ended(code: int | None) -> str:
    return "" if code is None else f", last exit code {code}"


def _of_memory(loop: Finding) -> Finding:
    return Finding(
        loop.rule, loop.subject, loop.severity, loop.says, loop.value, loop.threshold, loop.instance,
        cause=rules.OOM_KILL.cause,
    )  # fmt: skip


def _fact(rule: Rule, instance: Instance, says: str, value: float | None = None) -> Finding:
    return Finding(rule, instance.id, rule.severity, says, value, instance=instance.name)
