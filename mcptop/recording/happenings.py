"""What happened between two ticks: what somebody who looks for the beginning of trouble wants to jump to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mcptop.model.frame import Status
from mcptop.model.snapshot import Reading, Snapshot, Target
from mcptop.model.value import Kind, Value


class Happening(Value, frozen=True):
    """One thing that happened."""

    what: str
    """restart, oom, state, health, limit, image, came, went, source."""
    who: str
    """Name of the instance, or of the source."""
    says: str


def happenings(old: Snapshot, new: Snapshot) -> tuple[Happening, ...]:
    """Everything that is otherwise in `new`, which follows `old`. Processes nobody announced come and go unnoticed."""
    return tuple(_all(old, new))


def _all(old: Snapshot, new: Snapshot) -> Iterator[Happening]:
    before = {target.id: target for target in old.targets if _is_followed(target)}
    for target in filter(_is_followed, new.targets):
        known = before.pop(target.id, None)
        if known is None:
            yield Happening("came", target.name, "came")
            continue
        was, now = old.readings.get(target.id), new.readings.get(target.id)
        if known is not target or was is not now:
            yield from _kills_and_limits(known, was, target, now)
        if known is not target:
            yield from _of_target(known, target)
    for gone in before.values():
        yield Happening("went", gone.name, "went")
    yield from _of_sources(old, new)


def _is_followed(target: Target) -> bool:
    return target.kind is not Kind.PROCESS or target.project is not None


def _kills_and_limits(old: Target, was: Reading | None, new: Target, now: Reading | None) -> Iterator[Happening]:
    if _oom_kills(new, now) > _oom_kills(old, was):
        yield Happening("oom", new.name, "was killed for lack of memory")
    if was is None or now is None or new.kind is not Kind.CONTAINER:
        return
    if (was.memory_limit_bytes, was.cpu_limit_cores) != (now.memory_limit_bytes, now.cpu_limit_cores):
        yield Happening("limit", new.name, "has another limit")


def _oom_kills(target: Target, reading: Reading | None) -> int:
    """The kernel counts them, and the engine tells of the same ones some seconds later."""
    return max(reading.oom_kills or 0 if reading else 0, target.oom_events, int(target.oom_killed))


def _of_target(old: Target, new: Target) -> Iterator[Happening]:
    if old.restarts is None and new.restarts is not None:
        # The engine's list names it first; the rest of what is known is asked for, and is no news.
        return
    if new.restarts != old.restarts or _is_later(old.started_at, new.started_at):
        yield Happening("restart", new.name, "was started again")
    if new.state != old.state:
        code = "" if new.exit_code is None or new.state == "running" else f" (exit code {new.exit_code})"
        yield Happening("state", new.name, f"{old.state} → {new.state}{code}")
    if new.health != old.health:
        yield Happening("health", new.name, f"{old.health or '-'} → {new.health or '-'}")
    if new.image != old.image:
        yield Happening("image", new.name, f"image {old.image or '-'} → {new.image or '-'}")


def _is_later(old: datetime | None, new: datetime | None) -> bool:
    return old is not None and new is not None and new > old


def _of_sources(old: Snapshot, new: Snapshot) -> Iterator[Happening]:
    before = {source.name: source.status for source in old.sources}
    for source in new.sources:
        status = before.get(source.name, source.status)
        if (status is Status.ERROR) != (source.status is Status.ERROR):
            says = f"broke: {source.message}" if source.status is Status.ERROR else "works again"
            yield Happening("source", source.name, says)
