"""The one service or instance the reader turned to, and what is looked at of it while its tab is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from mcptop.model.closeup import CLOSEUPS, Aspect, Closeup, ProcessKey
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.presentation import rows
from mcptop.presentation.closeups.masks import HIDDEN
from mcptop.presentation.row import Row
from mcptop.ui.diagnosis.whom import Whom, of_row


class Looks(Protocol):
    """Looks at what is wanted, again and again, on a thread of its own."""

    def start(self) -> None:
        """Begin."""

    def want(self, aspect: Aspect, service: Service, instances: Sequence[Instance]) -> None:
        """Look at this from now on."""

    def want_nothing(self) -> None:
        """Look at nothing."""

    def threads_of(self, process: ProcessKey | None) -> None:
        """Look at the threads of this process too."""

    def stop(self) -> None:
        """End."""


MakeLooks = Callable[[Callable[[Closeup], None]], Looks]
"""From whom to tell."""


class Closely:
    """Belongs to the dashboard. Without `looks` (a recording has none) nothing is looked at."""

    def __init__(self, looks: Looks | None) -> None:
        self._looks = looks
        self._wanted: tuple[Aspect, str] | None = None
        self._whom: Whom | None = None
        self.reveal = HIDDEN
        """Which masked values the reader asked for; another service is masked again."""
        self.key = ""
        """Of the row; empty before one was chosen."""
        self.closeup: Closeup | None = None
        """The newest look at what is wanted."""

    @property
    def can_look(self) -> bool:
        """Whether there is anybody who looks."""
        return self._looks is not None

    def turn_to(self, row: object) -> None:
        """To the service or instance of a row; a heading changes nothing."""
        if (whom := of_row(row)) is not None:
            self.key = whom.row

    def row(self, services: list[Row]) -> Row | None:
        """It, in the newest frame; the first service where none was chosen, or it is gone."""
        found = rows.find(services, self.key) if self.key else None
        if found is None and services:
            found = services[0]
            self.key = found.key
        return found

    def is_of(self, row: object) -> bool:
        """Whether a row is about it; one of its service counts where it is an instance."""
        whom = of_row(row)
        return whom is not None and (whom.row == self.key or _has_one(whom, self.key))

    def step(self, services: Sequence[Row], by: int) -> None:
        """To the next service, in the order of the table."""
        keys = [row.key for row in services]
        here = next((at for at, row in enumerate(services) if row.key == self.key or _has(row, self.key)), None)
        if keys:
            self.key = keys[((here if here is not None else -1) + by) % len(keys)]

    def want(self, aspect: Aspect | None, row: Row | None) -> None:
        """Look at this aspect of it from now on; at nothing where there is none."""
        whom: Whom | None = of_row(row)
        wanted = (aspect, whom.row) if aspect is not None and whom is not None else None
        if wanted != self._wanted:
            self._wanted, self.closeup, self.reveal = wanted, None, HIDDEN
        self._whom = whom
        if self._looks is None:
            return
        if aspect is None or whom is None:
            self._looks.want_nothing()
        else:
            self._looks.want(aspect, whom.service, whom.instances)

    def receive(self, closeup: Closeup) -> bool:
        """A look; whether it is still wanted: another one may have been on its way."""
        if self._wanted is None or self._whom is None or not isinstance(closeup, CLOSEUPS[self._wanted[0]]):
            return False
        if (closeup.service, closeup.instances) != (self._whom.service.key, self._whom.names):
            return False
        self.closeup = closeup
        return True

    def rest(self) -> None:
        """Nothing is looked at until something is wanted again; what was seen stays."""
        if self._looks is not None:
            self._looks.want_nothing()

    def threads_of(self, process: ProcessKey | None) -> None:
        """Look at the threads of this process too."""
        if self._looks is not None:
            self._looks.threads_of(process)

    def start(self) -> None:
        """Begin; nothing is looked at before something is wanted."""
        if self._looks is not None:
            self._looks.start()

    def stop(self) -> None:
        """Nobody looks any more."""
        if self._looks is not None:
            self._looks.stop()


def _has(row: Row, key: str) -> bool:
    return row.service is not None and any(one.id == key for one in row.service.instances)


def _has_one(whom: Whom, key: str) -> bool:
    return whom.service.key == key or any(one.id == key for one in whom.service.instances)
