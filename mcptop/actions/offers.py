"""What can be done to somebody now."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mcptop.actions.commands import pid_of
from mcptop.model.action import Action, ActionTarget, ContainerFacts, Look, Verb
from mcptop.model.value import Kind, Value

SWARM = "a Swarm task: Swarm replaces it at once; use docker service update --force, or scale its service"
_RUNS = frozenset({"running", "paused", "restarting"})
_BY_STATE = {
    "running": (Verb.RESTART, Verb.STOP, Verb.PAUSE, Verb.SIGNAL, Verb.UPDATE, Verb.SHELL),
    "paused": (Verb.UNPAUSE, Verb.STOP, Verb.SIGNAL, Verb.UPDATE),
    "restarting": (Verb.STOP, Verb.RESTART),
    "exited": (Verb.START, Verb.UPDATE),
    "created": (Verb.START, Verb.UPDATE),
}


class Offer(Value, frozen=True):
    """One entry of a menu."""

    action: Action
    """For a signal, limits or a shell still without what the reader chooses next."""
    refused: str = ""
    """Why it is listed and yet not to be had."""


def offers(targets: Sequence[ActionTarget], look: Look, others_running: int = 0) -> list[Offer]:
    """What fits the state. For several: what fits any of them, done to those it fits."""
    if not targets or targets[0].kind is not Kind.CONTAINER:
        return [_offer(Verb.SIGNAL, targets, look, others_running, _own(targets))] if targets else []
    return [offer for verb in Verb if (offer := _of_containers(verb, targets, look, others_running)) is not None]


def _of_containers(verb: Verb, targets: Sequence[ActionTarget], look: Look, others: int) -> Offer | None:
    pairs = [(one, facts) for one, facts in zip(targets, look.facts, strict=True) if facts is not None]
    fitting = [(one, facts) for one, facts in pairs if verb in _BY_STATE.get(facts.state, ())]
    if not fitting or (verb is Verb.SHELL and len(targets) > 1):
        return None
    swarm = verb in (Verb.START, Verb.STOP, Verb.RESTART) and any(facts.swarm_task for _, facts in fitting)
    return _offer(verb, [one for one, _ in fitting], look, others, SWARM if swarm else "")


def _offer(verb: Verb, targets: Sequence[ActionTarget], look: Look, others: int, refused: str) -> Offer:
    action = Action(verb, tuple(targets), look.host, look.engine, others_running=others)
    return Offer(action, refused)


def _own(targets: Sequence[ActionTarget]) -> str:
    pids = {pid_of(one) for one in targets}
    if os.getpid() in pids:
        return "mcptop itself"
    return "pid 1 keeps this machine up" if 1 in pids else ""


def runs(facts: ContainerFacts) -> bool:
    """Whether it has processes."""
    return facts.state in _RUNS


def facts_for(action: Action, look: Look, targets: Sequence[ActionTarget]) -> list[ContainerFacts]:
    """Those of the action's own targets, in their order."""
    by_id = {one.id: facts for one, facts in zip(targets, look.facts, strict=True)}
    return [facts for one in action.targets if (facts := by_id[one.id]) is not None]
