"""Memory of what runs models. Percentiles of the working set say nothing here.

Weights that are mapped from a file are page cache: the kernel counts them or drops them as it likes, and a runner that
fits by the working set reads its weights from disk at every answer. So: the models that were loaded at once, and what
is anonymous beside them (the KV cache, which grows with context and slots, and the program).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mcptop.advice.memory import after, earlier, kills_of, smallest, telling
from mcptop.advice.observed import Kill, Observed
from mcptop.advice.sized import MEMORY_STEP, Advice, Sized, mib, missing, up, why_not_lower
from mcptop.analysis import krr
from mcptop.model.value import Kind

_ANONYMOUS = 0.8
"""Of the models' size: with so much anonymous memory the weights are in it."""


def is_runner(seen: Observed) -> bool:
    """Whether it has models loaded."""
    return bool(seen.models) or seen.models_bytes is not None


def limit(seen: Observed) -> Sized:
    """What the limit should be, by what was loaded and by kills; it is never lowered: the next model may be larger."""
    current = smallest(replica.memory_limit for replica in seen.running or seen.replicas)
    kills = telling(seen)
    used = [replica.memory for replica in seen.replicas if replica.memory is not None]
    base = Sized(current, typical=max((each.p95 for each in used), default=None), missing=missing(seen),
                 peak=max((each.peak for each in used), default=None), samples=seen.samples)  # fmt: skip
    if seen.models_bytes is None:
        if kills and current is not None:
            return _after_kill(base, current, kills)
        known = ", ".join(model.id for model in seen.models)
        return replace(base, missing=f"nobody says how large its models are ({known})",
                       because="weights are mapped files: without their size nothing can be said")  # fmt: skip
    return _judged(base, seen, kills)


def _judged(base: Sized, seen: Observed, kills: Sequence[Kill]) -> Sized:
    raw, rule = _needed(seen)
    if kills and base.current is not None:
        had, by_kill = _killed_at(kills, base.current)
        rule = f"max({rule}, OOM {mib(had)} = {mib(by_kill)})"
        raw = max(raw, by_kill)
    rejected = "" if base.peak is None else f"the working set's peak x {krr.MARGIN} = {mib(base.peak * krr.MARGIN)}: " \
        "how much of the weights it counts is the kernel's choice"  # fmt: skip
    sized = replace(base, wanted=up(raw, MEMORY_STEP), rule=f"{rule}, rounded up to 64 MiB", rejected=rejected,
                    steps=(rule, f"rounded up to 64 MiB: {mib(up(raw, MEMORY_STEP))}"))  # fmt: skip
    if base.current is None:
        if seen.kind is not Kind.CONTAINER:
            return replace(sized, advice=Advice.KEEP, because="a host process without a limit of its own")
        because = "the models it loaded, and its own memory"
        if not seen.is_enough:
            return replace(sized, because=f"no limit, and {base.missing}")
        if forbids := why_not_lower(seen):
            return replace(sized, advice=Advice.KEEP, because=f"no limit, {mib(sized.wanted)} would do; {forbids}")
        return replace(sized, advice=Advice.SET, because=because)
    if raw > base.current:
        is_acute = bool(kills) and _killed_at(kills, base.current)[1] > base.current
        because = "it was killed for lack of memory" if is_acute else "its models and its own memory do not fit"
        return replace(sized, advice=Advice.RAISE, because=because, is_acute=is_acute)
    was_killed = kills_of(seen) and not kills
    return replace(sized, advice=Advice.KEEP, because=earlier(sized) if was_killed else "the models it loaded fit")


def _needed(seen: Observed) -> tuple[float, str]:
    """In bytes, and the arithmetic."""
    models = seen.models_bytes or 0.0
    private = [(r.anon_peak or 0.0) + (r.shmem_peak or 0.0) for r in seen.replicas]
    own = max(private, default=0.0)
    if own >= _ANONYMOUS * models:
        return (
            own * krr.MARGIN,
            f"own memory {mib(own)} (the weights are in it) x {krr.MARGIN} = {mib(own * krr.MARGIN)}",
        )
    whole = models + own * krr.MARGIN
    return whole, f"models {mib(models)} + own memory {mib(own)} x {krr.MARGIN} = {mib(whole)}"


def _killed_at(kills: Sequence[Kill], current: float) -> tuple[float, float]:
    """The limit it was killed at, and what it may need after that."""
    worst = max(kills, key=lambda kill: after(kill, current))
    return worst.limit or current, after(worst, current)


def _after_kill(base: Sized, current: float, kills: Sequence[Kill]) -> Sized:
    had, raw = _killed_at(kills, current)
    rule = f"OOM {mib(had)} = {mib(raw)}, rounded up to 64 MiB"
    if raw <= current:
        return replace(base, wanted=None, advice=Advice.KEEP, rule=rule, steps=(rule,),
                       because="it was killed for lack of memory, and has a larger limit since")  # fmt: skip
    return replace(base, wanted=up(raw, MEMORY_STEP), advice=Advice.RAISE, is_acute=True, rule=rule, steps=(rule,),
                   because="it was killed for lack of memory; how large its models are nobody says")  # fmt: skip


def reservation(seen: Observed, limit_: Sized) -> Sized:
    """Its own memory and the weights: all of it, where they are known."""
    if seen.models_bytes is None or not seen.is_enough:
        return Sized(missing=missing(seen) or "nobody says how large its models are")
    raw, rule = _needed(seen)
    bound = limit_.wanted if limit_.advice is Advice.RAISE else limit_.current
    return Sized(None, min(up(raw, MEMORY_STEP), bound or float("inf")), Advice.SET,
                 "without its weights in memory it reads them at every answer", rule, steps=(rule,))  # fmt: skip
