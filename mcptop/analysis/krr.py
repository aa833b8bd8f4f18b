"""What the "simple" strategy of Robusta's Kubernetes Resource Recommender would recommend.

Its rules are those of robusta-dev/krr: robusta_krr/strategies/simple.py, core/runner.py and
core/models/severity_calculator. A CPU limit it never recommends.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import ceil

from mcptop.model.value import Value

LEAST_POINTS, LEAST_S = 100, 3 * 3600.0
MARGIN, OOM_MARGIN, CPU_SHARE = 1.15, 1.25, 0.95
FLOOR_CORES, FLOOR_BYTES = 0.01, 100_000_000
_MIB = 1 << 20


class Severity(StrEnum):
    """How far what there is is from what is recommended."""

    GOOD = "good"
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


class Proposal(Value, frozen=True):
    """A request, in cores or bytes; of memory it is the limit as well."""

    value: float
    has_floor: bool
    """The floor is larger than what was computed."""


def is_enough(points: int, seconds: float) -> bool:
    """Whether there is enough to say anything: a hundred points over three hours."""
    return points >= LEAST_POINTS and seconds >= LEAST_S


def cpu(p95_cores: Sequence[float]) -> Proposal:
    """By the 95th percentile of each replica: the largest of them."""
    return _with_floor(_up(max(p95_cores), 0.001), FLOOR_CORES)


def memory(peaks: Sequence[float], oom_limit: float = 0.0) -> Proposal:
    """By the peak of each replica, and the largest limit at which one was killed for lack of memory, in bytes."""
    return _with_floor(_up(max(max(peaks) * MARGIN, oom_limit * OOM_MARGIN), 1e6), FLOOR_BYTES)


def cpu_severity(current: float | None, recommended: float | None) -> Severity:
    """In cores; None: there is none."""
    return _severity(current, recommended, (0.5, 0.25, 0.1))


def memory_severity(current: float | None, recommended: float | None) -> Severity:
    """In bytes; None: there is none."""
    return _severity(current, recommended, (500.0 * _MIB, 250.0 * _MIB, 100.0 * _MIB))


def _severity(current: float | None, recommended: float | None, steps: tuple[float, float, float]) -> Severity:
    if current is None or recommended is None:
        return Severity.GOOD if current is recommended else Severity.WARNING
    apart = abs(current - recommended)
    levels = (Severity.CRITICAL, Severity.WARNING, Severity.OK)
    return next((level for level, step in zip(levels, steps, strict=True) if apart >= step), Severity.GOOD)


def _with_floor(value: float, floor: float) -> Proposal:
    return Proposal(max(value, floor), value < floor)


def _up(value: float, precision: float) -> float:
    return round(ceil(value / precision - 1e-9) * precision, 6)
