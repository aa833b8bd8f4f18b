"""Whose logs are followed, from how far back, and into which book: what the pane of logs has besides its lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcptop.logs.book import LogBook
from mcptop.logs.gather import Gathering
from mcptop.logs.source import LogSource
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance
from mcptop.model.log import Entry
from mcptop.presentation import logs
from mcptop.presentation.runs import Run, safe
from mcptop.sources.log_box import Follower, LogBox, LogError, Window

WINDOWS: tuple[tuple[str, Window], ...] = (
    ("last 500 lines", Window(None, 500)),
    ("1 minute", Window(60.0)),
    ("5 minutes", Window(300.0)),
    ("15 minutes", Window(900.0)),
    ("30 minutes", Window(1800.0)),
    ("1 hour", Window(3600.0)),
    ("all there is", Window()),
)
MOST_REPLICAS = 16


class LogSession:
    """One service at a time. `hear` is called on a thread, with what `is_present` tells from an older session's."""

    def __init__(self, source: LogSource | None, hear: Callable[[Gathering, list[Entry]], None]) -> None:
        self._source, self._hear = source, hear
        self._gathering: Gathering | None = None
        self.service: Service | None = None
        self.instances: dict[str, Instance] = {}
        """Who is followed."""
        self.left_out = 0
        """Replicas that are not followed: there are too many."""
        self._chosen: frozenset[str] | None = None
        """Of these only; None: of whoever the service has."""
        self._gone: dict[str, Instance] = {}
        """Whose lines are still in the book."""
        self.window = 0
        self.book = LogBook()

    def open(self, service: Service, instances: Sequence[Instance], only_these: bool = False) -> None:
        """Follow these; without `only_these` also those that the service gets later."""
        self.service = service
        self._chosen = frozenset(each.id for each in instances) if only_these else None
        self.instances = {each.id: each for each in instances[:MOST_REPLICAS]}
        self.left_out = len(instances) - len(self.instances)
        self.begin()

    def begin(self) -> None:
        """Read from the beginning of the window on, into a new book."""
        self.close()
        self.book = LogBook()
        self._gone = {}
        if self._source is not None and self.service is not None:
            self._gathering = gathering = Gathering(lambda entries: self._hear(gathering, entries))
            gathering.start({each.id: self._follower(each) for each in self.instances.values()})

    def close(self) -> None:
        """End every follower."""
        if self._gathering is not None:
            self._gathering.stop()
            self._gathering = None

    def is_present(self, gathering: Gathering) -> bool:
        """Whether lines are of those that are followed now."""
        return gathering is self._gathering

    def name_of(self, instance: str) -> str:
        """Of an instance, made harmless."""
        known = self._known
        return safe(known[instance].name) if instance in known else instance

    def tags(self) -> dict[str, Run]:
        """A short name for each replica."""
        return logs.tags([(each.id, each.name) for each in self._known.values()])

    def next_replica(self, present: str | None) -> str | None:
        """All of them (None), then one after the other."""
        turn: list[str | None] = [None, *self._known] if len(self._known) > 1 else [None]
        return turn[(turn.index(present) + 1) % len(turn)] if present in turn else None

    def notice(self, frame: Frame) -> bool:
        """Look again at those that restarted, follow new ones, let go those that are gone: of these two True."""
        if self.service is None or self._gathering is None:
            return False
        key = self.service.key
        now = next((each for each in frame.services if each.key == key), None)
        if now is None or now is self.service:
            return False
        self.service = now
        wanted = [each for each in now.instances if self._chosen is None or each.id in self._chosen]
        changes = [self._let_go(self._gathering, {each.id for each in wanted})]
        changes += [self._notice(self._gathering, each) for each in wanted]
        left_out, self.left_out = self.left_out, sum(each.id not in self.instances for each in wanted)
        return any(changes) or left_out != self.left_out

    @property
    def _known(self) -> dict[str, Instance]:
        return {**self._gone, **self.instances}

    def _let_go(self, gathering: Gathering, present: set[str]) -> bool:
        """Those that are gone make room; their lines stay, and their names as long as the lines."""
        gone = {id: each for id, each in self.instances.items() if id not in present}
        if gone:
            written = {entry.instance for entry in self.book.lines}
            self._gone = {id: each for id, each in self._gone.items() if id in written} | gone
            self.instances = {id: each for id, each in self.instances.items() if id in present}
        for id in gone:
            gathering.let_go(id)
        return bool(gone)

    def _notice(self, gathering: Gathering, now: Instance) -> bool:
        before = self.instances.get(now.id)
        if before is None and len(self.instances) >= MOST_REPLICAS:
            return False
        self.instances[now.id] = now
        if before is None:
            gathering.add(now.id, self._follower(now))
        elif (before.started_at, before.pid) != (now.started_at, now.pid):
            gathering.look_again(now.id)
        return before is None

    def _follower(self, instance: Instance) -> Follower:
        assert self._source is not None
        assert self.service is not None
        try:
            return self._source(self.service, instance, WINDOWS[self.window][1])
        except LogError as error:
            return _Nothing(error)


class _Nothing:
    """The follower of an instance that has no log here."""

    def __init__(self, error: LogError) -> None:
        self._error = error

    def follow(self, box: LogBox) -> None:
        """Say why."""
        raise self._error

    def look_again(self) -> None:
        """Nothing changes."""

    def close(self) -> None:
        """Nothing to end."""
