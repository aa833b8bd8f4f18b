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
    if old.targets is not new.targets:
        yield from _of_targets(old, new)
    if old.readings is not new.readings:
        yield from _of_readings(old, new)
    if old.sources is not new.sources:
        yield from _of_sources(old, new)


def _of_targets(old: Snapshot, new: Snapshot) -> Iterator[Happening]:
    before = {target.id: target for target in old.targets if _is_followed(target)}
    for target in new.targets:
        if not _is_followed(target):
            continue
        known = before.pop(target.id, None)
        if known is None:
            yield Happening("came", target.name, "came")
        elif known is not target:
            yield from _of_target(known, target)
    for gone in before.values():
        yield Happening("went", gone.name, "went")


def _is_followed(target: Target) -> bool:
    return target.kind is not Kind.PROCESS or target.project is not None


def _of_target(old: Target, new: Target) -> Iterator[Happening]:
    if old.restarts is None and new.restarts is not None:
        # The engine's list names it first; the rest of what is known is asked for, and is no news.
        return
    if new.restarts != old.restarts or _is_later(old.started_at, new.started_at):
        yield Happening("restart", new.name, "was started again")
    if new.oom_events > old.oom_events or (new.oom_killed and not old.oom_killed):
        yield Happening("oom", new.name, "was killed for lack of memory")
    if new.state != old.state:
        code = "" if new.exit_code is None or new.state == "running" else f" (exit code {new.exit_code})"
        yield Happening("state", new.name, f"{old.state} → {new.state}{code}")
    if new.health != old.health:
        yield Happening("health", new.name, f"{old.health or '-'} → {new.health or '-'}")
    if (new.memory_limit_bytes, new.cpu_limit_cores) != (old.memory_limit_bytes, old.cpu_limit_cores):
        yield Happening("limit", new.name, "has another limit")
    if new.image != old.image:
        yield Happening("image", new.name, f"image {old.image or '-'} → {new.image or '-'}")


def _is_later(old: datetime | None, new: datetime | None) -> bool:
    return old is not None and new is not None and new > old


def _of_readings(old: Snapshot, new: Snapshot) -> Iterator[Happening]:
    names = None
    for key, reading in new.readings.items():
        before = old.readings.get(key)
        if before is None or before is reading or not _is_news(before, reading):
            continue
        names = names or {target.id: target.name for target in new.targets if target.kind is Kind.CONTAINER}
        if key not in names:
            continue
        if (reading.oom_kills or 0) > (before.oom_kills or 0):
            yield Happening("oom", names[key], "was killed for lack of memory")
        if _limits(before) != _limits(reading):
            yield Happening("limit", names[key], "has another limit")


def _is_news(old: Reading, new: Reading) -> bool:
    return (new.oom_kills or 0) > (old.oom_kills or 0) or _limits(old) != _limits(new)


def _limits(reading: Reading) -> tuple[int | None, float | None]:
    return reading.memory_limit_bytes, reading.cpu_limit_cores


def _of_sources(old: Snapshot, new: Snapshot) -> Iterator[Happening]:
    before = {source.name: source.status for source in old.sources}
    for source in new.sources:
        status = before.get(source.name, source.status)
        if (status is Status.ERROR) != (source.status is Status.ERROR):
            says = f"broke: {source.message}" if source.status is Status.ERROR else "works again"
            yield Happening("source", source.name, says)
