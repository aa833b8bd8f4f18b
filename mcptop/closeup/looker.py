"""Looks at the one service and aspect that somebody looks at, about once a second, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from mcptop.closeup.attempt import Attempt
from mcptop.closeup.processes import ProcessReader
from mcptop.closeup.readers import READERS, MakeReader, nothing
from mcptop.closeup.world import Reader, World
from mcptop.model.closeup import Aspect, Closeup, ProcessKey
from mcptop.model.frame import Service
from mcptop.model.instance import Instance

SHARE = 0.03
"""Of one core: more than this no sequence of looks takes, so after a dear one comes a long pause."""
HURRIED_SHARE = 0.2
"""The same while somebody goes from one thing to the next, each of which is looked at as soon as it may be."""
DEADLINE_S = 3.0
"""So long a look is waited for before it is said that it hangs."""


class _Wish(NamedTuple):
    aspect: Aspect
    service: Service
    instances: tuple[Instance, ...]

    @property
    def subject(self) -> tuple[Aspect, str, tuple[str, ...]]:
        """What makes it another wish: every frame brings new objects of the same service."""
        return self.aspect, self.service.key, tuple(instance.id for instance in self.instances)

    def nothing(self, problem: str) -> Closeup:
        """What is handed out where there is no closeup."""
        return nothing(self.aspect, self.service, self.instances, problem)


class _Pause(NamedTuple):
    """Seconds before the next look."""

    least_s: float
    """However much somebody hurries."""
    usual_s: float


_AT_ONCE = _Pause(0.0, 0.0)
_AFTER_DEFECT = _Pause(0.0, 1.0)


class _Desk:
    """Where one aspect is looked at: its reader, and the look that is under way."""

    def __init__(self, reader: Reader, service: str) -> None:
        self.reader = reader
        self.service = service
        self.attempt: Attempt | None = None
        self.wish: _Wish | None = None
        """What the attempt is for."""

    @property
    def is_busy(self) -> bool:
        return self.attempt is not None and not self.attempt.is_over


class Looker:
    """`start` once, `want` as often as the reader of the screen turns to something else, `stop` once.

    `emit` gets each closeup of the present wish, on the looker's thread, and never one of a wish before; it must not
    wait for anybody.
    """

    def __init__(
        self,
        world: World,
        emit: Callable[[Closeup], None],
        readers: Mapping[Aspect, MakeReader] = READERS,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._world = world
        self._emit = emit
        self._make = readers
        self._deadline_s = deadline_s
        self._news = threading.Condition()
        self._wish: _Wish | None = None
        self._threads_of: ProcessKey | None = None
        self._hurry = False
        self._stopped = False
        self._desks: dict[Aspect, _Desk] = {}
        self._thread = threading.Thread(target=self._run, name="mcptop-closeup", daemon=True)

    def start(self) -> None:
        """Begin; nothing is looked at before somebody wants it."""
        self._thread.start()

    def want(self, aspect: Aspect, service: Service, instances: Sequence[Instance]) -> None:
        """Look at this from now on. The same wish with newer objects only replaces them."""
        with self._news:
            wish = _Wish(aspect, service, tuple(instances))
            before = self._wish.subject if self._wish is not None else None
            if before != wish.subject:
                self._hurry = True
            if before is None or before[:2] != wish.subject[:2]:
                self._threads_of = None
            self._wish = wish
            self._news.notify_all()

    def want_nothing(self) -> None:
        """Look at nothing from now on; what is under way is not handed out."""
        with self._news:
            self._wish, self._threads_of = None, None
            self._news.notify_all()

    def threads_of(self, process: ProcessKey | None) -> None:
        """Read the threads of this process too, as long as the processes of the same service are wanted."""
        with self._news:
            if process != self._threads_of:
                self._threads_of, self._hurry = process, process is not None
                self._news.notify_all()

    def stop(self) -> None:
        """End the thread and give back what readers hold. A look that hangs ends with the process."""
        with self._news:
            self._stopped = True
            self._news.notify_all()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while (wish := self._next_wish()) is not None:
            pause = self._look(wish)
            with self._news:
                if not self._news.wait_for(lambda: self._stopped, pause.least_s):
                    self._news.wait_for(
                        lambda: self._stopped or self._hurry or self._wish is None, pause.usual_s - pause.least_s
                    )
        self._clear(None)

    def _next_wish(self) -> _Wish | None:
        """Waits until there is one; None at the end."""
        if self._wish is None:
            self._clear(None)
        with self._news:
            self._news.wait_for(lambda: self._stopped or self._wish is not None)
            self._hurry = False
            return None if self._stopped else self._wish

    def _look(self, wish: _Wish) -> _Pause:
        """One look, handed out; how long to pause before the next."""
        self._clear(wish)
        try:
            desk = self._desk(wish)
        except Exception as error:  # see `Attempt`: a defect in one reader does not end the looking
            self._hand_out(wish, wish.nothing(f"defect in mcptop: {type(error).__name__}: {error}"))
            return _AFTER_DEFECT
        if desk.attempt is None:
            self._begin(desk, wish)
        attempt, asked = desk.attempt, desk.wish
        assert attempt is not None
        assert asked is not None
        with self._news:
            self._news.wait_for(lambda: attempt.is_over or self._stopped, self._deadline_s)
        if not attempt.is_over:
            self._hand_out(wish, wish.nothing(f"no answer for {attempt.age_s():.0f} s: still waiting"))
            return _AT_ONCE
        desk.attempt = None
        if asked.subject != wish.subject:
            return _AT_ONCE
        self._hand_out(wish, attempt.closeup or wish.nothing(f"defect in mcptop: {attempt.failure}"))
        # A look that waited long for somebody else is not asked again at once either.
        pause_s = max(desk.reader.every_s - attempt.took_s, attempt.took_s, attempt.cpu_s / SHARE)
        return _Pause(attempt.cpu_s / HURRIED_SHARE, pause_s)

    def _desk(self, wish: _Wish) -> _Desk:
        desk = self._desks.get(wish.aspect)
        if desk is None:
            desk = self._desks[wish.aspect] = _Desk(self._make[wish.aspect](self._world), wish.service.key)
        return desk

    def _begin(self, desk: _Desk, wish: _Wish) -> None:
        reader = desk.reader
        if isinstance(reader, ProcessReader):
            reader.threads_of = self._threads_of
        desk.wish = wish
        desk.attempt = Attempt(lambda: reader.look(wish.service, wish.instances), self._notice)

    def _notice(self) -> None:
        with self._news:
            self._news.notify_all()

    def _clear(self, wish: _Wish | None) -> None:
        """Readers hold sockets and connections: all but that of the wish are closed, unless they hang."""
        for aspect, desk in list(self._desks.items()):
            is_wanted = wish is not None and aspect is wish.aspect and desk.service == wish.service.key
            if not is_wanted and not desk.is_busy:
                del self._desks[aspect]
                with suppress(Exception):  # a reader that cannot even be closed is let go
                    desk.reader.close()

    def _hand_out(self, wish: _Wish, closeup: Closeup) -> None:
        with self._news:
            if not self._stopped and self._wish is not None and self._wish.subject == wish.subject:
                self._emit(closeup)
