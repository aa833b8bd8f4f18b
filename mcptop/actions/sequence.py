"""An action from its first target to its last: one at a time, each with an entry in the command log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from mcptop.actions import commands, words
from mcptop.actions.command_log import CommandLog
from mcptop.actions.errors import ActionError
from mcptop.model.action import Action, ActionTarget, Look, Outcome, Verb
from mcptop.units import plain


class Performs(Protocol):
    """Carries out actions; in real life `mcptop.actions.performing.Performer`."""

    def look(self, targets: Sequence[ActionTarget], machine: str) -> Look:
        """What is known of these now. Raises `ActionError`."""

    def perform(self, action: Action, target: ActionTarget) -> str:
        """Do it to one of them; a remark, or nothing. Raises `ActionError`."""

    def wait_until_up(self, target: ActionTarget, cancelled: threading.Event) -> None:
        """Return when it runs, and is healthy if it has a check. Raises `ActionError`."""


class Run:
    """One action under way. Called on one thread; `cancelled` is set from another to leave out what is not begun."""

    def __init__(
        self,
        performer: Performs,
        log: CommandLog,
        hear: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`hear` is told what is done next."""
        self._performer, self._log, self._hear, self._clock = performer, log, hear, clock
        self.cancelled = threading.Event()

    def __call__(self, action: Action) -> Outcome:
        """All of it, or up to the first failure. Raises nothing that `ActionError` can say."""
        done: list[ActionTarget] = []
        remarks: list[str] = []
        for target in action.targets:
            if self.cancelled.is_set():
                return _failed(action, done, "mcptop ended")
            self._hear(words.doing(action, target))
            try:
                remarks += self._one(action, target)
            except ActionError as problem:
                return _failed(action, done, str(problem))
            done.append(target)
        return Outcome(True, ": ".join([words.done(action, done), *remarks]))

    def _one(self, action: Action, target: ActionTarget) -> list[str]:
        at, began = self._log.now(), self._clock()
        command = commands.shown(commands.argv(action, target))
        try:
            remark = self._performer.perform(action, target)
            if action.verb in (Verb.START, Verb.RESTART) and len(action.targets) > 1:
                self._performer.wait_until_up(target, self.cancelled)
        except ActionError as problem:
            self._log.add(at, command, False, str(problem))
            raise
        took = f"ok in {self._clock() - began:.1f} s"
        self._log.add(at, command, True, f"{took}: {remark}" if remark else took)
        return [remark] if remark else []


def _failed(action: Action, done: Sequence[ActionTarget], why: str) -> Outcome:
    """What went wrong, and in whose case it was too late."""
    left = len(action.targets) - len(done)
    if len(action.targets) == 1:
        return Outcome(False, plain(why, 400))
    before = f"{words.done(action, done)} before" if done else "nothing was done before"
    return Outcome(False, plain(f"{why}; {before}, {left} of {len(action.targets)} not done", 600))
