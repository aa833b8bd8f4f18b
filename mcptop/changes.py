"""What of an instance is compared between two looks, and what its changes mean.

A figure that one of the looks does not know says nothing: the engine names containers before it is asked about each.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from mcptop import units
from mcptop.model.event import EventKind
from mcptop.model.instance import Instance

_KILLED = 137
ALIVE = ("running", "paused")
"""States in which an instance is there."""


class Facts(NamedTuple):
    """What is compared of an instance."""

    name: str
    state: str
    health: str | None
    image: str | None
    started_at: datetime | None
    restarts: int | None
    oom_kills: int | None
    exit_code: int | None
    cores: float | None
    memory: int | None
    pids: int | None
    asked_to_stop: bool
    is_measured: bool
    """Of a limit that is None, whether that means that there is none."""

    @property
    def is_inspected(self) -> bool:
        """Whether the engine was asked about this very container: until then nothing of its past is known."""
        return self.restarts is not None


def facts_of(one: Instance) -> Facts:
    """As this look knows it."""
    return Facts(one.name, one.state, one.health, one.image, one.started_at, one.restarts, one.oom_kills,
                  one.exit_code, one.cpu.limit_cores, one.memory.limit_bytes, one.pids_limit,
                  one.asked_to_stop, one.pids is not None)  # fmt: skip


def completed(now: Facts, old: Facts) -> Facts:
    """What is not known at the moment is as it was: an engine that comes back is asked about all anew."""
    if old.is_inspected and not now.is_inspected:
        now = now._replace(
            restarts=old.restarts, started_at=old.started_at, exit_code=old.exit_code, cores=old.cores,
            memory=old.memory, pids=old.pids, is_measured=old.is_measured,
        )  # fmt: skip
    elif old.is_measured and not now.is_measured:
        now = now._replace(cores=old.cores, memory=old.memory, pids=old.pids, is_measured=True)
    return now if now.oom_kills is not None else now._replace(oom_kills=old.oom_kills)


Change = tuple[EventKind, str, bool]
"""What it was, in words, and whether it is bad."""


def changes(old: Facts, now: Facts) -> Iterator[Change]:
    """All that happened to an instance between the two."""
    is_told = now.is_inspected and not old.is_inspected
    kills = 0 if is_told else _more(old.oom_kills, now.oom_kills)
    if kills > 0:
        yield EventKind.OOM_KILL, "killed for lack of memory" + (f", {kills} times" if kills > 1 else ""), True
    yield from _runs(old, now)
    # What ends is called unhealthy too, and that is no news.
    if now.health != old.health and now.state in ALIVE and None not in (now.health, old.health):
        yield EventKind.HEALTH, f"{old.health} → {now.health}", now.health == "unhealthy"
    if now.image != old.image and None not in (now.image, old.image):
        yield EventKind.DEPLOYED, f"image {old.image} → {now.image}", False
    # Without a figure, a limit that nobody has read yet looks like none.
    is_comparable = now.state in ALIVE and old.state in ALIVE and not is_told and old.is_measured and now.is_measured
    for word, before, after, text in (
        ("CPU quota", old.cores, now.cores, _cores),
        ("memory limit", old.memory, now.memory, units.long_size),
        ("pids limit", old.pids, now.pids, units.count),
    ):
        if before != after and is_comparable:
            yield EventKind.LIMIT, f"{word} {_limit(text(before), before)} → {_limit(text(after), after)}", False


def _runs(old: Facts, now: Facts) -> Iterator[Change]:
    """Restarts, starts and ends."""
    times = _more(old.restarts, now.restarts)
    restarted = times > 0 or (None not in (old.started_at, now.started_at) and now.started_at != old.started_at)
    alive, was_alive = now.state in ALIVE, old.state in ALIVE
    code, often = now.exit_code, f" {times} times" if times > 1 else ""
    if was_alive and now.state == "restarting":
        # The engine waits before it starts it again; that it does is told then.
        yield EventKind.STOPPED, f"ended{_ended(code)}", code not in (None, 0)
    elif alive and old.state == "restarting":
        yield EventKind.RESTARTED, "restarted", False
    elif restarted and (was_alive or old.state == "restarting"):
        yield EventKind.RESTARTED, f"restarted{often}{_ended(code)}", code not in (None, 0)
    elif alive and not was_alive:
        yield EventKind.STARTED, "started", False
    elif was_alive and not alive:
        yield EventKind.STOPPED, f"{now.state}{_ended(code)}", code not in (None, 0, 143) and not now.asked_to_stop
    elif alive and now.state != old.state:
        yield EventKind.STOPPED if now.state == "paused" else EventKind.STARTED, now.state, False


def _more(before: int | None, now: int | None) -> int:
    """How many times since; what is not known is no time."""
    return 0 if before is None or now is None else now - before


def _ended(code: int | None) -> str:
    if code is None:
        return ""
    return f", exit code {code}" + (" (killed)" if code == _KILLED else "")


def _cores(cores: float | None) -> str:
    return "" if cores is None else f"{cores:g} cores"


def _limit(text: str, value: float | None) -> str:
    return "none" if value is None else text
