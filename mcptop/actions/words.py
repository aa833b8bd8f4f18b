"""An action in words: for menus, for the question before it, and while it is under way. Safe to print."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.actions import commands
from mcptop.actions.signals import SIGNALS
from mcptop.model.action import Action, ActionTarget, ContainerFacts, Verb
from mcptop.model.value import Kind
from mcptop.units import long_size, plain

_DOING = {
    Verb.START: "starting",
    Verb.STOP: "stopping",
    Verb.RESTART: "restarting",
    Verb.PAUSE: "pausing",
    Verb.UNPAUSE: "unpausing",
    Verb.UPDATE: "setting limits of",
    Verb.SHELL: "opening a shell in",
    Verb.SCALE: "scaling",
}
_DONE = {
    Verb.START: "started",
    Verb.STOP: "stopped",
    Verb.RESTART: "restarted",
    Verb.PAUSE: "paused",
    Verb.UNPAUSE: "unpaused",
    Verb.UPDATE: "set limits of",
    Verb.SHELL: "left the shell in",
    Verb.SCALE: "scaled",
}
_NOTICED = {
    Verb.START: "it runs again, with the settings it was made with",
    Verb.RESTART: "it answers nobody while it ends and starts again; connections break off",
    Verb.PAUSE: "it stands still; connections stay open and get no answer",
    Verb.UNPAUSE: "it goes on where it stood",
    Verb.UPDATE: "in force at once, without a restart; less than it uses slows it down or ends it",
    Verb.SHELL: "nothing is interrupted; what you do in there is not in the command log",
}
_TYPABLE = 40
_LISTED = 3


def title(action: Action) -> str:
    """What it does: `restart`, `send TERM to`."""
    if action.verb is Verb.SIGNAL:
        return f"send {action.signal} to" if action.signal else "send a signal to"
    return {Verb.UPDATE: "update limits of", Verb.SHELL: "open a shell in"}.get(action.verb, str(action.verb))


def menu_word(action: Action) -> str:
    """Its name in a menu; what asks for more first ends with an ellipsis."""
    if action.signal:
        return action.signal
    if action.verb is Verb.SCALE:
        return "scale…" if action.replicas is None else f"{action.replicas} replicas"
    word = "limits" if action.verb is Verb.UPDATE else str(action.verb)
    many = f" all {len(action.targets)}" if len(action.targets) > 1 else ""
    return f"{word}{many}{'…' if action.verb in (Verb.UPDATE, Verb.SIGNAL) else ''}"


def example(action: Action) -> str:
    """The equivalent command, with `…` for what is chosen next; of several the first."""
    if action.verb is Verb.UPDATE and not action.limits:
        head = commands.shown(("docker", *(("-H", action.engine) if action.engine else ()), "update"))
        line = f"{head} --memory … --cpus … {plain(commands.name_of(action.targets[0]))}"
    elif action.verb is Verb.SCALE and action.replicas is None:
        line = commands.shown(commands.argv(action, action.targets[0])).rpartition("=")[0] + "=…"
    elif action.verb is Verb.SIGNAL and not action.signal:
        line = _with_signal(action)
    else:
        line = commands.shown(commands.argv(action, action.targets[0]))
    return f"{line}  (and {len(action.targets) - 1} more)" if len(action.targets) > 1 else line


def _with_signal(action: Action) -> str:
    if action.targets[0].kind is not Kind.CONTAINER:
        return f"kill -… {commands.pid_of(action.targets[0])}"
    head = commands.shown(("docker", *(("-H", action.engine) if action.engine else ()), "kill"))
    return f"{head} --signal … {plain(commands.name_of(action.targets[0]))}"


def facts(action: Action) -> list[tuple[str, str]]:
    """Whom it is about, by label."""
    first = action.targets[0]
    place = [("host", plain(action.host)), ("project", plain(first.project) if first.project else "-")]
    if action.verb is Verb.SCALE:
        return [*place, ("service", plain(first.name)), ("replicas", f"{action.replicas_before} → {action.replicas}")]
    names = [_named(one) for one in action.targets]
    label = "instances" if len(names) > 1 else "container" if first.kind is Kind.CONTAINER else "process"
    return [
        *place,
        ("service", plain(first.service)),
        (label, ", ".join(names)),
    ]


def _named(target: ActionTarget) -> str:
    name = plain(target.name)
    return name if target.kind is Kind.CONTAINER else f"{name} (pid {commands.pid_of(target)})"


def noticed(action: Action, known: Sequence[ContainerFacts] = ()) -> list[str]:
    """What users will notice, in sentences."""
    says = [_effect(action, known)]
    if (action.verb in (Verb.STOP, Verb.RESTART, Verb.PAUSE) or action.signal == "KILL") and not _rolls(action):
        says.append(_left(action.others_running))
    if len(action.targets) > 1:
        rule = "the next only when the one before runs, and is healthy if it has a check; " if _rolls(action) else ""
        says.append(f"{len(action.targets)} of them, one after the other, {rule}the first failure ends it")
    if action.verb is Verb.SIGNAL and action.targets[0].kind is not Kind.CONTAINER:
        says.append("only this process gets the signal, not its children")
    return says


def _effect(action: Action, known: Sequence[ContainerFacts]) -> str:
    if action.verb is Verb.SIGNAL:
        return f"{action.signal} {SIGNALS[action.signal]}"
    if action.verb is Verb.SCALE:
        return _scaled((action.replicas or 0) - (action.replicas_before or 0), action.replicas or 0)
    if action.verb is Verb.STOP:
        grace = max((each.stop_grace_s for each in known), default=10)
        return f"it is asked to end, and killed after {grace} s; it answers nobody until it is started again"
    return _NOTICED[action.verb]


def _scaled(more: int, left: int) -> str:
    if more >= 0:
        return f"Swarm starts {more} more, on nodes that have room for them"
    rest = "none is left: it answers nobody" if left == 0 else f"the other {left} have to do the work"
    return f"Swarm ends {-more} of them, whatever they are doing; {rest}"


def _rolls(action: Action) -> bool:
    """Whether the others go on while one of them is started anew."""
    return action.verb in (Verb.START, Verb.RESTART) and len(action.targets) > 1


def _left(others: int) -> str:
    if others == 0:
        return "no other replica of the service runs: it is down meanwhile"
    return f"{others} other {'replica runs' if others == 1 else 'replicas run'} and have to do its work meanwhile"


def in_force(known: Sequence[ContainerFacts], targets: Sequence[ActionTarget]) -> str:
    """The limits now and what is in use, of the first."""
    first, used = known[0], targets[0].working_set_bytes
    memory = long_size(first.memory_bytes) if first.memory_bytes else "none"
    cores = f"{first.cpus:g}" if first.cpus else "none"
    return f"now: memory limit {memory} ({long_size(used)} in use), cpus {cores}"


def to_type(action: Action) -> str:
    """What has to be typed in place of a yes: the service's name, or a word where that cannot be typed."""
    name = action.targets[0].service
    typable = name.isascii() and name.isprintable() and name == name.strip() and 0 < len(name) <= _TYPABLE
    return name if typable else "confirm"


def doing(action: Action, target: ActionTarget) -> str:
    """While it is under way."""
    word = f"sending {action.signal} to" if action.verb is Verb.SIGNAL else _DOING[action.verb]
    at = action.targets.index(target) + 1
    count = f" ({at} of {len(action.targets)})" if len(action.targets) > 1 else ""
    return f"{word} {_named(target)}{count} …"


def done(action: Action, targets: Sequence[ActionTarget]) -> str:
    """After it."""
    word = f"sent {action.signal} to" if action.verb is Verb.SIGNAL else _DONE[action.verb]
    names = ", ".join(_named(one) for one in targets[:_LISTED])
    return f"{word} {names}" + (f" and {len(targets) - _LISTED} more" if len(targets) > _LISTED else "")
