"""What was seen of a service to what should be done about its limits, reservations and replicas: the one set of rules.

`mcptop recommend` and the dashboard's table of limits both ask here; what differs is how much was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from mcptop.advice import cpu, memory, placement, profiles, replicas, runners
from mcptop.advice.observed import Observed, PoolUse
from mcptop.advice.replicas import Scale
from mcptop.advice.sized import Advice, Confidence, Sized, confidence, hours
from mcptop.analysis import krr
from mcptop.model.flow import Budget
from mcptop.model.value import Kind, Value

_CHANGES = (Advice.RAISE, Advice.LOWER, Advice.SET)


class Status(StrEnum):
    """What is to be done, the worst last."""

    UNKNOWN = "unknown"
    """Too little was seen to say anything."""
    FITS = "fits"
    CHANGE = "change"
    ACUTE = "acute"
    """It was killed for lack of memory, or is held back badly, and nothing was done about it yet."""


class Recommendation(Value, frozen=True):
    """For one service."""

    seen: Observed
    status: Status
    confidence: Confidence
    memory: Sized
    """The limit."""
    memory_reserved: Sized
    cpu: Sized
    cpu_reserved: Sized
    scale: Scale | None = None
    place: str = ""
    """Among the guide's profiles, for its services."""
    notes: tuple[str, ...] = ()


def limits(seen: Observed) -> tuple[Sized, Sized]:
    """CPU and memory limit: as much as the table shows."""
    return cpu.limit(seen), runners.limit(seen) if runners.is_runner(seen) else memory.limit(seen)


def recommend(seen: Observed, budgets: Sequence[Budget] | None = ()) -> Recommendation:
    """Everything about one service. `budgets`: None where nobody tells them."""
    of_cpu, of_memory = limits(seen)
    reserve = runners.reservation if runners.is_runner(seen) else memory.reservation
    return Recommendation(
        seen=seen,
        status=_status(seen, of_cpu, of_memory),
        confidence=confidence(seen),
        memory=of_memory,
        memory_reserved=reserve(seen, of_memory),
        cpu=of_cpu,
        cpu_reserved=cpu.reservation(seen, of_cpu),
        scale=replicas.of_past(seen, budgets) if seen.is_enough else None,
        place=_place(seen, of_memory, of_cpu),
        notes=tuple(_notes(seen, budgets or ())),
    )


def recommended(observed: Iterable[Observed], budgets: Sequence[Budget] | None = ()) -> tuple[Recommendation, ...]:
    """Of each service, the most urgent first."""
    found = [recommend(seen, budgets) for seen in observed]
    worst, far = list(Status), list(krr.Severity)
    return tuple(
        sorted(
            found,
            key=lambda one: (
                -worst.index(one.status),
                -max(far.index(severity(one.memory, True)), far.index(severity(one.cpu, False))),
                one.seen.project or "",
                one.seen.name,
            ),
        )
    )


def severity(sized: Sized, is_memory: bool) -> krr.Severity:
    """How far what there is is from what is advised, by KRR's steps; good where nothing is."""
    if wanted(sized) is None:
        return krr.Severity.GOOD
    return (krr.memory_severity if is_memory else krr.cpu_severity)(sized.current, sized.wanted)


def wanted(sized: Sized) -> float | None:
    """What should be set; None: leave it as it is, or nothing is known."""
    return sized.wanted if sized.advice in _CHANGES else None


def in_the_end(sized: Sized) -> float | None:
    """The limit when the advice is followed; None: there is none, or it is not known."""
    return wanted(sized) if sized.advice in _CHANGES else sized.current


def whole_place(found: Iterable[Recommendation]) -> placement.Place | None:
    """Of all of the guide's services together, as far as enough was seen of them."""
    return placement.whole(
        {
            one.seen.name: (wanted_or_fit(one.memory), wanted_or_fit(one.cpu))
            for one in found
            if one.seen.name in profiles.PREFIXES and one.seen.is_enough
        }
    )


def wanted_or_fit(sized: Sized) -> float | None:
    """What it needs, whatever it has now."""
    return sized.wanted


def _status(seen: Observed, *parts: Sized) -> Status:
    if any(part.is_acute for part in parts):
        return Status.ACUTE
    if any(part.advice in _CHANGES for part in parts):
        return Status.CHANGE
    is_known = seen.is_enough and any(part.advice is Advice.KEEP for part in parts)
    return Status.FITS if is_known else Status.UNKNOWN


def _place(seen: Observed, of_memory: Sized, of_cpu: Sized) -> str:
    if seen.name not in profiles.PREFIXES or seen.kind is not Kind.CONTAINER:
        return ""
    parts = []
    if of_memory.wanted is not None:
        parts.append(f"memory {placement.memory(seen.name, of_memory.wanted).says}")
    if of_cpu.wanted is not None:
        parts.append(f"CPU {placement.cpu(seen.name, of_cpu.wanted).says}")
    return ", ".join(parts)


def _notes(seen: Observed, budgets: Sequence[Budget]) -> Iterable[str]:
    for pool in seen.pools:
        if pool.at_ceiling_s > 0:
            yield _pool_note(pool)
    for budget in budgets:
        if budget.exceeded and any(share.is_of(seen.project, seen.name) for share in budget.shares):
            yield f"connections of {budget.server}: {budget.says}"
    for replica in seen.replicas:
        for change in replica.changes[-3:]:
            yield f"{change.what} limit of {replica.name} changed while it was looked at"
            break
    if not runners.is_runner(seen) and memory.lives_on_files(seen):
        yield "most of its memory is pages of files: the working set counts those it used lately"


def _pool_note(pool: PoolUse) -> str:
    waits = "waiting not visible" if pool.waiting_peak is None else f"{pool.waiting_peak:.0f} waiting at most"
    return (
        f"pool {pool.name}: in use peak {pool.peak:.0f}/{pool.max}, at its ceiling {hours(pool.at_ceiling_s)}, {waits}"
    )
