"""One limit or reservation: what it is, what it should be, by which rule, and what spoke for something else."""

from __future__ import annotations

from enum import StrEnum
from math import ceil

from mcptop.advice.observed import Observed
from mcptop.analysis import krr
from mcptop.model.value import Value

MEMORY_STEP, CPU_STEP = 64 << 20, 0.05
"""Advice is rounded up to these, so that it stands still while the figures move."""
LOWER_S, LOWER_COVERAGE = 24 * 3600.0, 0.8


class Advice(StrEnum):
    """What to do with it."""

    UNKNOWN = "unknown"
    """Too little was seen."""
    KEEP = "keep"
    LOWER = "lower"
    SET = "set"
    """There is none."""
    RAISE = "raise"


class Sized(Value, frozen=True):
    """In bytes or cores."""

    current: float | None = None
    """None: there is none, or nobody says."""
    wanted: float | None = None
    """What fits; None where too little was seen, or nothing is needed."""
    advice: Advice = Advice.UNKNOWN
    because: str = ""
    """Why, in one line."""
    rule: str = ""
    """The arithmetic in one line."""
    rejected: str = ""
    """What another rule says, and why it does not count."""
    floor: str = ""
    """Which floor won, where one did: then the figure says nothing about the service."""
    missing: str = ""
    """What is missing for saying more."""
    steps: tuple[str, ...] = ()
    """The arithmetic, a line each."""
    is_acute: bool = False
    """It was killed, or held back badly: this cannot wait."""
    typical: float | None = None
    """The 95th percentile of the replica that uses most."""
    peak: float | None = None
    samples: int = 0


class Confidence(StrEnum):
    """How much the advice rests on."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def confidence(seen: Observed) -> Confidence:
    """By days: less than one, less than a week, more. Where half of the looks are missing, one less."""
    level = 2 if seen.days >= 7 else 1 if seen.days >= 1 else 0
    return list(Confidence)[max(0, level - (seen.coverage < 0.5))]


def up(value: float, step: float) -> float:
    """To the next whole step, one at least."""
    return max(step, round(ceil(value / step - 1e-9) * step, 6))


def mib(value: float | None) -> str:
    """Bytes in whole MiB."""
    return "-" if value is None else f"{value / (1 << 20):.0f} MiB"


def cores(value: float | None) -> str:
    """Cores to the hundredth; tiny ones to the thousandth, where that says more."""
    if value is None:
        return "-"
    return f"{value:.2f}" if value >= 0.095 or abs(value * 100 - round(value * 100)) < 1e-6 else f"{value:.3f}"


def hours(seconds: float) -> str:
    """How long was looked: 41 min, 2.5 h, 26 h, 8.0 days."""
    if seconds < 3600:
        return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h".replace(".0 h", " h")
    return f"{seconds / 86400:.1f} days"


def missing(seen: Observed) -> str:
    """What it takes to say more, by KRR's measure; empty: there is enough."""
    if seen.samples < krr.LEAST_POINTS:
        return f"not enough data: {seen.samples} of {krr.LEAST_POINTS} samples"
    if seen.seconds < krr.LEAST_S:
        return f"not enough data: {hours(seen.seconds)} observed, {hours(krr.LEAST_S)} needed"
    return ""


def why_not_lower(seen: Observed) -> str:
    """What forbids to make anything tighter, or to set a limit where there is none; empty: nothing does.

    What was not seen yet may come tonight, or to the replica that nobody sees.
    """
    if seen.seconds < LOWER_S:
        return f"nothing is lowered or set on {hours(seen.seconds)}: it takes 24 h"
    if seen.coverage < LOWER_COVERAGE:
        return f"nothing is lowered or set on {seen.coverage:.0%} of the looks"
    if not any(replica.was_busy for replica in seen.replicas):
        return "nothing is lowered or set before a busy period was seen"
    if any(seen.last_at - change.at < LOWER_S for replica in seen.running for change in replica.changes):
        return "nothing is lowered or set within 24 h of another limit"
    unseen = sum(replica.memory is None and replica.cpu is None for replica in seen.running)
    if unseen:
        return f"nothing is lowered or set while {unseen} of {len(seen.running)} replicas have no figures"
    return ""
