"""CPU quota and reservation. Replicas are sized together, by the one that uses most.

The quota follows bursts (the 99th percentile) and what it held back: use cannot show what was not allowed. KRR advises
no CPU limit at all; who has none gets none here either. The reservation follows what is used most of the time.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mcptop.advice.memory import smallest
from mcptop.advice.observed import Observed, Replica
from mcptop.advice.sized import CPU_STEP, Advice, Sized, cores, missing, up, why_not_lower
from mcptop.alerts import rules
from mcptop.analysis import krr, vpa
from mcptop.model.value import Kind

THROTTLED = 0.05
"""From this share of held back periods on the quota is too small; from the alert's on it is acute."""
_LOWER_PART, _LOWER_LEAST = 0.25, 0.25
_CALM = 0.01
_LEAST_ACUTE = 30
"""Samples from which on being held back badly is no chance."""


def limit(seen: Observed) -> Sized:
    """What the quota should be."""
    current = _quota(seen)
    used = [replica.cpu for replica in seen.replicas if replica.cpu is not None]
    if not used:
        return Sized(current, missing="nobody says how much CPU it uses")
    typical, burst = max(each.p95 for each in used), max(each.p99 for each in used)
    base = Sized(current, typical=typical, peak=max(each.peak for each in used), missing=missing(seen),
                 samples=seen.samples)  # fmt: skip
    if current is None and seen.kind is not Kind.CONTAINER:
        return replace(base, advice=Advice.KEEP, because="a host process without a quota of its own")
    held_back = throttled(seen)
    is_acute = base.samples >= _LEAST_ACUTE and current is not None and rules.CPU_THROTTLED.judge(held_back) is not None
    if base.samples < krr.LEAST_POINTS and not is_acute:
        return replace(base, because=base.missing)
    if current is None:
        return replace(base, advice=Advice.KEEP, because="no quota, so nothing holds it back",
                       rejected=f"p99 {cores(burst)} x {vpa.MARGIN} = {cores(burst * vpa.MARGIN)}: "
                       "a quota would only take away what nobody else needs")  # fmt: skip
    return _judged(base, seen, burst, held_back)


def reservation(seen: Observed, limit_: Sized) -> Sized:
    """What should be reserved: what it uses most of the time."""
    used = [replica.cpu for replica in seen.replicas if replica.cpu is not None]
    if not seen.is_enough or not used:
        return Sized(missing=missing(seen) or "nobody says how much CPU it uses")
    p95 = max(each.p95 for each in used)
    estimates = [replica.vpa_cpu for replica in seen.replicas if replica.vpa_cpu is not None]
    by_vpa = max((each.raw for each in estimates), default=0.0)
    raw = max(p95, by_vpa)
    bound = limit_.wanted if limit_.advice in (Advice.RAISE, Advice.LOWER) else limit_.current
    wanted = min(up(raw, CPU_STEP), bound or float("inf"))
    rule = f"max(p95 {cores(p95)}, p90 x {vpa.MARGIN} = {cores(by_vpa)}), rounded up to {CPU_STEP}, at most the quota"
    floor = "" if raw > CPU_STEP / 2 else f"{CPU_STEP}, the least that is advised; by the rule it were {cores(raw)}"
    rejected = f"KRR reserves the p95 alone: {cores(krr.cpu([p95]).value)}"
    return Sized(None, wanted, Advice.SET, "what it uses most of the time", rule, rejected, floor, steps=(rule,))


def throttled(seen: Observed) -> float | None:
    """The largest share of periods in which the quota there is held a replica back: one that is gone may have had a
    smaller one."""
    current = _quota(seen)
    return _largest(r for r in seen.replicas if r.is_running or r.cpu_limit == current)


def _quota(seen: Observed) -> float | None:
    return smallest(replica.cpu_limit for replica in seen.running or seen.replicas)


def _largest(replicas: Iterable[Replica]) -> float | None:
    return max((each.throttled_ratio for each in replicas if each.throttled_ratio is not None), default=None)


def _judged(base: Sized, seen: Observed, burst: float, held_back: float | None) -> Sized:
    current = base.current
    assert current is not None
    by_burst = burst * vpa.MARGIN
    if held_back is not None and held_back >= THROTTLED:
        by_quota = current * (1 + held_back)
        terms = f"p99 {cores(burst)} x {vpa.MARGIN} = {cores(by_burst)}, "
        terms += f"quota {cores(current)} x {1 + held_back:.2f} = {cores(by_quota)}"
        rule = f"max({terms}), rounded up to {CPU_STEP}"
        return replace(
            base, wanted=up(max(by_burst, by_quota), CPU_STEP), advice=Advice.RAISE, rule=rule, steps=(rule,),
            because=f"the quota holds it back in {held_back:.0%} of the periods",
            rejected="use alone does not show what was held back",
            is_acute=rules.CPU_THROTTLED.judge(held_back) is not None,
        )  # fmt: skip
    rule = f"p99 {cores(burst)} x {vpa.MARGIN} = {cores(by_burst)}, rounded up to {CPU_STEP}"
    typical = base.typical or 0.0
    floor = (
        ""
        if by_burst > CPU_STEP / 2
        else f"{CPU_STEP}, the least that is advised; by the rule it were {cores(by_burst)}"
    )
    sized = replace(
        base, wanted=up(by_burst, CPU_STEP), rule=rule, steps=(rule,), floor=floor,
        rejected=_rejected(typical, burst),
    )  # fmt: skip
    # Use says nothing of what any quota held back, the one of before as well.
    return _lowered(sized, seen, current, _largest(seen.replicas))


def _rejected(typical: float, burst: float) -> str:
    by_typical = typical * vpa.MARGIN
    if by_typical < burst:
        return f"p95 {cores(typical)} x {vpa.MARGIN} = {cores(by_typical)} would hold bursts back (p99 {cores(burst)})"
    return "KRR advises no CPU limit at all"


def _lowered(sized: Sized, seen: Observed, current: float, held_back: float | None) -> Sized:
    fits = "what was seen fits" if seen.is_enough else f"what was seen fits; {sized.missing}"
    wanted = sized.wanted or current
    if current - wanted < max(_LOWER_PART * current, _LOWER_LEAST):
        return replace(sized, advice=Advice.KEEP, because=fits)
    forbids = why_not_lower(seen)
    if not forbids and held_back is None:
        forbids = "nothing is lowered where nobody counts how often the quota holds it back"
    elif not forbids and (held_back or 0.0) > _CALM:
        forbids = f"nothing is lowered that holds it back, as it does in {held_back:.0%} of the periods"
    if forbids:
        return replace(sized, advice=Advice.KEEP, because=f"{fits}, {cores(wanted)} would do; {forbids}"
                       if seen.is_enough else fits)  # fmt: skip
    return replace(sized, advice=Advice.LOWER, because="its bursts and 15 %")
