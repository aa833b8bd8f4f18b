"""Followers on threads of their own, and one that makes lines of what they found, ten times a second."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mcptop.logs.reader import LogReader
from mcptop.model.log import Entry
from mcptop.sources.log_box import Follower, LogBox, LogError

_PAUSE_S = 0.1
LINES_A_DRAW = 500
"""Lines of all followers together that are kept between two draws: nobody reads more, and each costs."""
_FEWEST = 20


class _Followed(NamedTuple):
    follower: Follower
    box: LogBox
    reader: LogReader
    errors: list[str]
    ended: threading.Event


class Gathering:
    """Follows until `stop`. `emit` is called on a thread, and the next time only after `ready`."""

    def __init__(self, emit: Callable[[list[Entry]], None], clock: Callable[[], float] = time.time) -> None:
        self._emit, self._clock = emit, clock
        self._numbers = itertools.count()
        self._followed: dict[str, _Followed] = {}
        self._changing = threading.Lock()
        self._stop, self._ready = threading.Event(), threading.Event()
        self._ready.set()

    def start(self, followers: Mapping[str, Follower]) -> None:
        """Follow these instances, by their ids."""
        for instance, follower in followers.items():
            self.add(instance, follower, len(followers))
        threading.Thread(target=self._run, name="mcptop-logs", daemon=True).start()

    def add(self, instance: str, follower: Follower, among: int | None = None) -> None:
        """Follow one more, which shares what can be read with so many; without that with those there are now."""
        lines = max(_FEWEST, LINES_A_DRAW // (among or len(self._followed) + 1))
        followed = _Followed(follower, LogBox(lines), LogReader(instance, self._numbers), [], threading.Event())
        with self._changing:
            self._followed = {**self._followed, instance: followed}
        threading.Thread(target=_follow, args=(followed,), name="mcptop-log", daemon=True).start()

    def look_again(self, instance: str) -> None:
        """This instance seems to have restarted."""
        if (followed := self._followed.get(instance)) is not None:
            followed.follower.look_again()

    def let_go(self, instance: str) -> None:
        """Follow it no more; what was read of it already still comes."""
        if (followed := self._followed.get(instance)) is not None:
            followed.follower.close()

    def ready(self) -> None:
        """What was emitted is drawn."""
        self._ready.set()

    def stop(self) -> None:
        """End every follower; nothing is waited for."""
        self._stop.set()
        for followed in self._followed.values():
            followed.follower.close()
            followed.box.close()

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE_S):
            if self._ready.is_set() and (entries := self._lines()):
                self._ready.clear()
                self._emit(entries)

    def _lines(self) -> list[Entry]:
        found: list[Entry] = []
        for instance, followed in self._followed.items():
            is_over = followed.ended.is_set()
            found += followed.reader.read(followed.box.take(), self._clock())
            while followed.errors:
                found.append(followed.reader.note(followed.errors.pop(), self._clock()))
            if is_over:
                self._forget(instance, followed)
        return found

    def _forget(self, instance: str, ended: _Followed) -> None:
        with self._changing:
            if self._followed.get(instance) is ended:
                self._followed = {id: each for id, each in self._followed.items() if each is not ended}


def _follow(followed: _Followed) -> None:
    try:
        followed.follower.follow(followed.box)
    except LogError as error:
        followed.errors.append(str(error))
    finally:
        followed.ended.set()
