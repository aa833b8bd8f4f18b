"""Memory limit and reservation. Replicas are sized together, by the one that uses most.

The limit: KRR's rule, the peak and 15 %, and after a kill VPA's, a fifth more than it had and 100 MiB at least. The
reservation: VPA's target, the 90th percentile of the peaks of the days and 15 %, never more than the limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mcptop.advice.observed import Kill, Observed, Replica
from mcptop.advice.sized import MEMORY_STEP, Advice, Sized, mib, missing, up, why_not_lower
from mcptop.analysis import krr, vpa
from mcptop.model.value import Kind

NEAR = 0.97
"""Of its limit: then what it would have used is not known."""
_LOWER_PART, _LOWER_LEAST = 0.25, 128 << 20
"""A smaller difference is not worth a restart."""
_PRESSURE = 0.1
_MANY_FILES = 64 << 20
_OWN_FITS = 0.75
"""Of the limit: with so much room the rest is pages of files."""


def limit(seen: Observed) -> Sized:
    """What the limit should be."""
    current = smallest(replica.memory_limit for replica in seen.running or seen.replicas)
    used = [replica.memory for replica in seen.replicas if replica.memory is not None]
    if not used:
        return Sized(current, missing="nobody says how much memory it uses")
    base = Sized(current, typical=max(each.p95 for each in used), peak=max(each.peak for each in used),
                 samples=seen.samples, missing=missing(seen))  # fmt: skip
    kills = telling(seen)
    if current is None and seen.kind is not Kind.CONTAINER:
        return replace(base, advice=Advice.KEEP, because="a host process without a limit of its own")
    if base.samples < krr.LEAST_POINTS and not kills:
        return replace(base, because=base.missing)
    return _judged(*_computed(base, kills), seen, kills)


def reservation(seen: Observed, limit_: Sized) -> Sized:
    """What should be reserved: what it needs on most days."""
    estimates = [replica.vpa_memory for replica in seen.replicas if replica.vpa_memory is not None]
    if not seen.is_enough or not estimates:
        return Sized(missing=missing(seen) or "nobody says how much memory it uses")
    target = max(each.raw for each in estimates)
    bound = limit_.wanted if limit_.advice in (Advice.RAISE, Advice.LOWER, Advice.SET) else limit_.current
    wanted = min(up(target, MEMORY_STEP), bound or float("inf"))
    rule = f"p90 of the daily peaks x {vpa.MARGIN} = {mib(target)}, rounded up to 64 MiB, at most the limit"
    floor = ", with its floor of 250 MiB a pod, which says nothing of this service" if _has_floor(seen) else ""
    rejected = f"VPA's own target is {mib(max(each.target for each in estimates))}{floor}"
    return Sized(None, wanted, Advice.SET, "what it needs on most days", rule, rejected, steps=(rule,))


def kills_of(seen: Observed) -> tuple[Kill, ...]:
    """Of all replicas."""
    return tuple(kill for replica in seen.replicas for kill in replica.kills)


def telling(seen: Observed) -> tuple[Kill, ...]:
    """The kills that say something of the limit there is: those that were seen happen.

    Of what was killed before nobody knows the limit of then, and a larger one does not undo the count. It tells where
    nearly as much as there is was used since.
    """
    return tuple(
        kill for replica in seen.replicas for kill in replica.kills if kill.at is not None or _is_near(replica)
    )


def after(kill: Kill, current: float | None, peak: float | None = None) -> float:
    """What it may need after a kill, in bytes. Where its limit is not known it had what there is, or its peak."""
    return vpa.after_oom(kill.limit or max(current or 0.0, peak or 0.0))


def _is_near(replica: Replica) -> bool:
    """Whether it used nearly all of its limit. Pages of files fill any limit, and are given back before a kill."""
    if not replica.memory_limit or replica.memory is None:
        return False
    own = _own(replica)
    used = own if _files(replica) > max(own, _MANY_FILES) else replica.memory.peak
    return used >= NEAR * replica.memory_limit


def _own(replica: Replica) -> float:
    return (replica.anon_peak or 0.0) + (replica.shmem_peak or 0.0)


def _files(replica: Replica) -> float:
    return max(0.0, (replica.file_peak or 0.0) - (replica.shmem_peak or 0.0))


def smallest(limits: Iterable[float | None]) -> float | None:
    """The least of those there are."""
    return min((limit for limit in limits if limit), default=None)


def _has_floor(seen: Observed) -> bool:
    return any(replica.vpa_memory is not None and replica.vpa_memory.has_floor for replica in seen.replicas)


def _computed(base: Sized, kills: tuple[Kill, ...]) -> tuple[Sized, float]:
    """With the limit that fits, and what that is before it is rounded."""
    peak = base.peak or 0.0
    by_peak = peak * krr.MARGIN
    terms = [f"peak {mib(peak)} x {krr.MARGIN} = {mib(by_peak)}"]
    raw, rejected = by_peak, ""
    if kills:
        had = max(kill.limit or max(base.current or 0.0, peak) for kill in kills)
        by_kill = vpa.after_oom(had)
        terms.append(f"OOM {mib(had)} {_bump(had)} = {mib(by_kill)}")
        raw = max(raw, by_kill)
        rejected = f"KRR adds {krr.OOM_MARGIN - 1:.0%} after a kill: {mib(krr.memory([peak], had).value)}"
    elif (base.typical or 0.0) * krr.MARGIN < peak:
        by_typical = (base.typical or 0.0) * krr.MARGIN
        rejected = f"p95 {mib(base.typical)} x {krr.MARGIN} = {mib(by_typical)} would kill it at its peak"
    rule = f"max({', '.join(terms)})" if len(terms) > 1 else terms[0]
    floor = "" if raw > MEMORY_STEP / 2 else f"64 MiB, the least that is advised; by the rule it were {mib(raw)}"
    sized = replace(base, wanted=up(raw, MEMORY_STEP), rule=f"{rule}, rounded up to 64 MiB", rejected=rejected,
                    floor=floor, steps=(*terms, f"rounded up to 64 MiB: {mib(up(raw, MEMORY_STEP))}"),
                    because=_reason(kills))  # fmt: skip
    return sized, raw


def _bump(had: float) -> str:
    return f"x {vpa.OOM_RATIO}" if had * vpa.OOM_RATIO >= had + vpa.OOM_LEAST_BYTES else "+ 100 MiB"


def _reason(kills: tuple[Kill, ...]) -> str:
    count = sum(kill.count for kill in kills)
    return (
        f"it was killed for lack of memory{f', {count} times' if count > 1 else ''}" if kills else "its peak and 15 %"
    )


def _judged(sized: Sized, needed: float, seen: Observed, kills: tuple[Kill, ...]) -> Sized:
    current, wanted = sized.current, sized.wanted
    assert wanted is not None
    if current is None:
        if kills_of(seen):
            return replace(sized, advice=Advice.KEEP, because="no limit of its own: the machine had no memory left")
        if not seen.is_enough:
            return replace(sized, because=f"no limit, and {sized.missing}")
        if forbids := why_not_lower(seen) or _squeezes(seen):
            return replace(sized, advice=Advice.KEEP, because=f"no limit, {mib(wanted)} would do; {forbids}")
        return replace(sized, advice=Advice.SET)
    if needed > current:
        if not kills and (own := _files_fill_it(seen, current)) is not None:
            return _kept_for_files(sized, current, own)
        return replace(sized, advice=Advice.RAISE, is_acute=any(after(kill, current) > current for kill in kills))
    if kills:
        return replace(
            sized, advice=Advice.KEEP, because="it was killed for lack of memory, and has a larger limit since"
        )
    if kills_of(seen):
        return replace(sized, advice=Advice.KEEP, because=earlier(sized))
    return _lowered(sized, seen, current, wanted)


def _files_fill_it(seen: Observed, current: float) -> float | None:
    """Its own memory in bytes, where that is well below the limit and pages of files fill the rest; else None.

    Pages of files fill any limit, so their share says nothing of what is needed, unless tasks wait for memory. Where
    shared memory is not known it may be in what counts as files, and is never given back.
    """
    own = max((_own(replica) for replica in seen.replicas), default=0.0)
    if any(replica.shmem_peak is None or replica.anon_peak is None for replica in seen.running):
        return None
    if not lives_on_files(seen) or _is_squeezed(seen) or own * krr.MARGIN > _OWN_FITS * current:
        return None
    return own


def _kept_for_files(sized: Sized, current: float, own: float) -> Sized:
    rule = f"own memory {mib(own)} x {krr.MARGIN} = {mib(own * krr.MARGIN)}, well below the limit"
    because = "pages of files fill it, as they fill any limit: no kill was seen, and no task that waits for memory"
    rejected = f"the working set counts the pages: {sized.rule}"
    return replace(sized, advice=Advice.KEEP, wanted=current, because=because, rule=rule, steps=(rule,),
                   rejected=rejected, floor="")  # fmt: skip


def earlier(sized: Sized) -> str:
    """Why kills from before the first look do not raise the limit."""
    return (f"it was killed for lack of memory before it was looked at, at which limit is not known; since then it "
            f"took {mib(sized.peak)} at most")  # fmt: skip


def _lowered(sized: Sized, seen: Observed, current: float, wanted: float) -> Sized:
    fits = "what was seen fits" if seen.is_enough else f"what was seen fits; {sized.missing}"
    if current - wanted < max(_LOWER_PART * current, _LOWER_LEAST):
        return replace(sized, advice=Advice.KEEP, because=fits)
    forbids = why_not_lower(seen) or _hits(seen, current)
    if forbids:
        return replace(sized, advice=Advice.KEEP, because=f"{fits}, {mib(wanted)} would do; {forbids}"
                       if seen.is_enough else fits)  # fmt: skip
    return replace(sized, advice=Advice.LOWER)


def _hits(seen: Observed, current: float) -> str:
    """What says that it would use more if it could."""
    if any(replica.memory is not None and replica.memory.peak >= NEAR * current for replica in seen.replicas):
        return "nothing is lowered that was reached"
    return _squeezes(seen)


def _squeezes(seen: Observed) -> str:
    """What says that it is slower with less, though it would fit."""
    if _is_squeezed(seen):
        return "nothing is lowered or set where tasks waited for memory"
    if lives_on_files(seen):
        return "nothing is lowered or set where most of the memory is pages of files: with less it reads them again"
    return ""


def _is_squeezed(seen: Observed) -> bool:
    return any((replica.pressure_peak or 0.0) >= _PRESSURE for replica in seen.replicas)


def lives_on_files(seen: Observed) -> bool:
    """Whether most of its memory is pages of files: of a database, or of weights that nobody tells the size of."""
    files, own = (max(map(of, seen.replicas), default=0.0) for of in (_files, _own))
    return files > max(own, _MANY_FILES)
