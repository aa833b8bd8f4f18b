"""The actions of this session: whether they are allowed, one at a time on a thread of its own, and their log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from textual.message import Message
from textual.screen import Screen

from mcptop.actions.command_log import CommandLog
from mcptop.actions.errors import ActionError
from mcptop.actions.sequence import Performs, Run
from mcptop.model.action import Action, ActionTarget
from mcptop.model.frame import Service
from mcptop.ui.messages import ActionsLooked, News
from mcptop.units import plain

OFF = "actions are off: start mcptop with --allow-actions to stop, restart, signal, limit or enter what is selected"
REPLAY = "this is a recording: there is nobody to act on"
_JOIN_S = 2.0


class ActionsAsked(NamedTuple):
    """Whom somebody wants to act on, and on which screen."""

    targets: tuple[ActionTarget, ...]
    others_running: int
    """Replicas of the service beside these."""
    screen: Screen[object]
    wants_shell: bool = False
    service: Service | None = None
    """Where all of a service is meant."""


class Actions:
    """Belongs to the app and is called on its thread. Its own thread posts, and writes the log."""

    def __init__(
        self,
        make: Callable[[], Performs] | None,
        post: Callable[[Message], object],
        allowed: bool = False,
        is_live: bool = True,
        log: CommandLog | None = None,
        elsewhere: str = "",
    ) -> None:
        """`make` is called once, when the first action is asked for; never while they are off, as without it.

        `elsewhere`: why nothing here can act on them at all.
        """
        self._make, self._post = make, post
        self._allowed, self._is_live, self._elsewhere = allowed, is_live, elsewhere
        self.log = log or CommandLog()
        self._performer: Performs | None = None
        self._thread: threading.Thread | None = None
        self._run: Run | None = None
        self.busy = False
        """One is under way. Its thread says so no more before it posts what came of it."""

    @property
    def on(self) -> bool:
        """Whether anything can be done."""
        return not self.off

    @property
    def off(self) -> str:
        """Why nothing can be done, in one line; empty where it can."""
        if not self._is_live:
            return REPLAY
        if self._elsewhere:
            return self._elsewhere
        return "" if self._allowed and self._make is not None else OFF

    def _made(self) -> Performs:
        assert self._make is not None
        return self._make()

    def look(self, asked: ActionsAsked, machine: str) -> None:
        """Ask what can be done to them; answered by `ActionsLooked`."""

        if (performer := self._free()) is None:
            return

        def look() -> Message:
            try:
                return ActionsLooked(asked, performer.look(asked.targets, machine), "")
            except ActionError as problem:
                return ActionsLooked(asked, None, str(problem))

        self._start(look)

    def begin(self, action: Action) -> None:
        """Carry it out; what happens is told as news."""

        def hear(says: str) -> None:
            self._post(News(says, False))

        if (performer := self._free()) is None:
            return
        # Made here and not on its own thread: whoever quits in between has something to cancel.
        run = self._run = Run(performer, self.log, hear)

        def carry_out() -> Message:
            outcome = run(action)
            return News(outcome.says, not outcome.ok)

        self._start(carry_out)

    def stop(self) -> None:
        """Begin nothing more; what is under way is waited for, for some seconds at most."""
        if self._run is not None:
            self._run.cancelled.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _free(self) -> Performs | None:
        """Who acts; None where nobody may or is still busy, which is told."""
        if self.off or self.busy:
            self._post(News(self.off or "one action at a time: one is still under way", True))
            return None
        self._performer = self._performer or self._made()
        return self._performer

    def _start(self, work: Callable[[], Message]) -> None:
        def run() -> None:
            try:
                message = work()
            except Exception as defect:  # the dashboard goes on
                message = News(plain(f"defect in mcptop: {type(defect).__name__}: {defect}"), True)
            self.busy = False
            self._post(message)

        self.busy = True
        self._thread = threading.Thread(target=run, name="mcptop-action", daemon=True)
        self._thread.start()
