"""Tells whoever is to be told of alerts, beside the loop that finds them: nothing here blocks it or raises into it."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from mcptop.alert_settings import Notify
from mcptop.alerts.transitions import Event, Transition
from mcptop.config import ConfigError
from mcptop.model.alert import Alert
from mcptop.model.playbook import Severity
from mcptop.notices.command import Command
from mcptop.notices.notice import Notice, notice_of
from mcptop.notices.policy import Policy
from mcptop.notices.webhook import Webhook
from mcptop.server_settings import Secret
from mcptop.units import many, plain

_MOST_WAITING = 32
_MOST_COMPLAINTS = 20
_GRACE_S = 3.0
_SHOWN = 120


class Channel(Protocol):
    """A way to tell somebody that takes its time."""

    name: str

    def deliver(self, notice: Notice, over: threading.Event) -> str | None:
        """What went wrong, in one line; None: nothing. Comes back soon once `over` is set."""


class Terminal(Protocol):
    """A way that takes no time."""

    def tell(self, notice: Notice) -> None:
        """At once."""


class Office:
    """Who is told. For one thread; what takes time happens on threads of its own."""

    def __init__(
        self,
        policy: Policy,
        channels: list[Channel],
        terminal: Terminal | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._desks = [_Desk(channel) for channel in channels]
        self._terminal = terminal
        self._clock = clock

    def tell(self, change: Transition) -> None:
        """Tell it, if it is to be told. Does not wait."""
        if self._policy.wants(change, self._clock()):
            self._send(change)

    def catch_up(self, firing: Iterable[Alert], at: datetime) -> None:
        """Tell what was held back and still fires, now that its pause is over. To be asked at every frame."""
        due = self._policy.due(self._clock())
        for alert in firing if due else ():
            if (alert.rule, alert.subject) in due:
                self._send(Transition(Event.FIRING, at, alert))

    def _send(self, change: Transition) -> None:
        notice = notice_of(change)
        if self._terminal is not None:
            with contextlib.suppress(OSError, ValueError):
                self._terminal.tell(notice)
        for desk in self._desks:
            desk.take(notice)

    def complaints(self) -> list[str]:
        """What went wrong since this was asked last, a line each."""
        return [line for desk in self._desks for line in desk.complaints()]

    def close(self, grace_s: float = _GRACE_S) -> list[str]:
        """Let what is under way come to its end for some seconds, and end. Complaints as above."""
        ends = time.monotonic() + grace_s
        for desk in self._desks:
            desk.close()
        for desk in self._desks:
            desk.join(ends)
        return self.complaints()


class _Desk:
    """One channel with those who wait for it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: queue.Queue[Notice | None] = queue.Queue(_MOST_WAITING)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._wrong: list[str] = []
        self._dropped = 0
        self._undone = 0
        """Those that wait, and the one in hand."""
        self._thread: threading.Thread | None = None

    def take(self, notice: Notice) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mcptop-notices", daemon=True)
            self._thread.start()
        with self._lock:
            try:
                self._waiting.put_nowait(notice)
                self._undone += 1
            except queue.Full:
                self._dropped += 1

    def complaints(self) -> list[str]:
        with self._lock:
            found, self._wrong = self._wrong, []
            dropped, self._dropped = self._dropped, 0
        if dropped:
            found.append(f"{self._channel.name}: {dropped} notices were not sent: too many wait for it")
        return found

    def close(self) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)

    def join(self, ends: float) -> None:
        if self._thread is None:
            return
        self._thread.join(max(0.0, ends - time.monotonic()))
        self._over.set()
        self._thread.join(1.0)
        with self._lock:
            if self._undone:
                self._wrong.append(f"{self._channel.name}: {many(self._undone, 'notice')} not sent any more")

    def _run(self) -> None:
        while not self._over.is_set() and (notice := self._waiting.get()) is not None:
            try:
                wrong = self._channel.deliver(notice, self._over)
            except Exception as error:  # the next one is told all the same; its words may hold a secret
                wrong = f"{self._channel.name}: defect in mcptop: {type(error).__name__}"
            with self._lock:
                self._undone -= 1
                if wrong is not None and len(self._wrong) < _MOST_COMPLAINTS:
                    self._wrong.append(f"{wrong}; not told: {plain(notice.text, _SHOWN)}")


def office_of(
    notify: Notify,
    terminal: Terminal | None = None,
    environment: Mapping[str, str] = os.environ,
    file: str = "the configuration",
) -> Office | None:
    """By the settings; None: nobody is to be told. Raises `ConfigError`, which names the `file` they are from."""
    channels: list[Channel] = []
    if notify.command:
        kept = {name: value for name, value in environment.items() if name != notify.webhook_token_env}
        channels.append(Command(notify.command, notify.timeout, kept))
    if notify.webhook is not None:
        channels.append(Webhook(notify.webhook, _headers(notify, environment, file), notify.timeout))
    speaks = terminal if notify.bell or notify.osc9 else None
    if not channels and speaks is None:
        return None
    return Office(Policy(Severity(notify.severity), notify.resolved, notify.pause), channels, speaks)


def _headers(notify: Notify, environment: Mapping[str, str], file: str) -> dict[str, Secret]:
    headers = dict(notify.webhook_headers)
    name = notify.webhook_token_env
    if name is not None:
        token = environment.get(name)
        if not token:
            raise ConfigError(f"{file}: notify.webhook_token_env: there is no variable `{name}` in the environment")
        headers["Authorization"] = Secret(f"Bearer {token}")
    return headers
