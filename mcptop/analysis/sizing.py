"""Which limit a container should have, by what was seen of it.

The margins are those of the Kubernetes resource recommenders: memory by its peak and 15 % (25 % after an OOM kill),
CPU by its 95th percentile. A limit is raised on little evidence; that it could be lowered the history is too short to
say: what was not seen yet may come tonight.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import ceil

from mcptop.model.value import Value

LEAST_SAMPLES = 100
MEMORY_MARGIN, OOM_MARGIN, CPU_MARGIN = 1.15, 1.25, 1.15
_FLOOR_BYTES, _STEP_BYTES = 32 << 20, 16 << 20
_STEP_CORES, _FLOOR_CORES = 0.05, 0.1
_FITS = "what was seen fits"


class Advice(StrEnum):
    """What to do with a limit."""

    UNKNOWN = "unknown"
    """Too little was seen."""
    KEEP = "keep"
    RAISE = "raise"
    SET = "set"
    """There is none."""


class Sized(Value, frozen=True):
    """One limit: what it is, what was used, what it should be."""

    limit: float | None
    """In bytes or cores; None without one."""
    typical: float | None
    """The 95th percentile."""
    peak: float | None
    advice: Advice = Advice.UNKNOWN
    wanted: float | None = None
    """The limit that fits; None where too little was seen."""
    because: str = ""
    samples: int = 0


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which that share of them lies, by the nearest rank; None without any."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)] if values else None


def memory(values: Sequence[float | None], limit: float | None, oom_kills: int | None) -> Sized:
    """Working set in bytes, a sample each."""
    known = [value for value in values if value is not None]
    typical, peak = percentile(known, 0.95), max(known, default=None)
    if peak is None or (len(known) < LEAST_SAMPLES and not oom_kills):
        return Sized(limit, typical, peak, samples=len(known), because=_too_few(known))
    if oom_kills:
        wanted = _up(max(peak, limit or 0.0) * OOM_MARGIN, _STEP_BYTES, _FLOOR_BYTES)
        because = "it was killed for lack of memory: a quarter more than its limit or its peak"
    else:
        wanted = _up(peak * MEMORY_MARGIN, _STEP_BYTES, _FLOOR_BYTES)
        because = "its peak and 15 %"
    return _judged(Sized(limit, typical, peak, wanted=wanted, because=because, samples=len(known)))


def cpu(values: Sequence[float | None], limit: float | None, held_back: float | None) -> Sized:
    """CPU in cores, a sample each; `held_back`: share of periods in which the quota did so, where it is too much."""
    known = [value for value in values if value is not None]
    typical, peak = percentile(known, 0.95), max(known, default=None)
    if typical is None or len(known) < LEAST_SAMPLES:
        return Sized(limit, typical, peak, samples=len(known), because=_too_few(known))
    # Use cannot show what was held back.
    wanted = max(typical * CPU_MARGIN, (limit or 0.0) * (1 + held_back) if held_back else 0.0)
    sized = Sized(limit, typical, peak, wanted=_up(wanted, _STEP_CORES, _FLOOR_CORES), samples=len(known),
                  because="the quota holds it back" if held_back else "its 95th percentile and 15 %")  # fmt: skip
    if limit is None:
        return _with(sized, Advice.KEEP, "no quota, so nothing holds it back")
    return _judged(sized) if held_back or limit >= (sized.wanted or 0.0) else _with(sized, Advice.KEEP, _FITS)


def _judged(sized: Sized) -> Sized:
    limit, wanted = sized.limit, sized.wanted
    assert wanted is not None
    if limit is None:
        return _with(sized, Advice.SET, sized.because)
    if wanted > limit:
        return _with(sized, Advice.RAISE, sized.because)
    return _with(sized, Advice.KEEP, _FITS)


def _with(sized: Sized, advice: Advice, because: str) -> Sized:
    return Sized(sized.limit, sized.typical, sized.peak, advice, sized.wanted, because, sized.samples)


def _too_few(known: Sequence[float]) -> str:
    return f"not enough data: {len(known)} of {LEAST_SAMPLES} samples"


def _up(value: float, step: float, floor: float) -> float:
    """To the next whole step, so that the advice stands still while the figures move."""
    return max(floor, round(ceil(value / step - 1e-9) * step, 6))
