"""What a filter can ask for: the fields, called as the columns are, and how their values are written.

A field is a figure, compared as a number with its unit, or a word, compared as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from mcptop.presentation.figures import Figures, Number
from mcptop.presentation.flows import Flow
from mcptop.presentation.judgement import Level

_NUMBER = re.compile(r"([+-]?[0-9]{1,15}(?:\.[0-9]{0,9})?)([a-z%]*)(?:/([a-z]+))?")
_SPANS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {f"{letter}{ending}": 1024.0**power for power, letter in enumerate(("", "k", "m", "g", "t"))
          for ending in ("", "b", "ib")}  # fmt: skip


class Measure(Struct, frozen=True, eq=False):
    """What a figure is measured in."""

    says: str
    """How a value is written, for help and hints."""
    units: Mapping[str, float]
    """Unit -> how many of what the figure counts; "" is a number without a unit."""
    per_s: float = 0.0
    """Of a rate: the seconds a number without `/s`, `/min`, `/h` is meant for. 0: it is no rate."""
    near: float = 0.0
    """What counts as equal: figures are shown rounded."""


PERCENT = Measure("percent", {"": 0.01, "%": 0.01}, near=0.005)
CPU = Measure("percent of one core, or 1.5c", {"": 0.01, "%": 0.01, "c": 1.0, "core": 1.0, "cores": 1.0},
              near=0.005)  # fmt: skip
COUNT = Measure("a number, or 12k", {"": 1.0, "k": 1e3, "m": 1e6})
SIZE = Measure("bytes, or 500M", _BYTES)
SPAN = Measure("seconds, or 200ms, 5m, 2h, 3d", {"": 1.0, **_SPANS})
FLOW = Measure("bytes a second, or 1M/s, 5M/min", _BYTES, 1.0)
GROWTH = Measure("bytes an hour, or 10M/h, 1M/min", _BYTES, 3600.0)
RATE = Measure("a second, or 30/min", {"": 1.0, "k": 1e3, "m": 1e6}, 1.0)


class Field(Struct, frozen=True, eq=False):
    """One figure that a comparison can ask for."""

    value: Callable[[Figures, datetime | None], Number]
    """Of a row at the time of its frame; None where it is unknown."""
    measure: Measure


def _of(measure: Measure, value: Callable[[Figures], Number]) -> Field:
    return Field(lambda figures, at: value(figures), measure)


def _pools(measure: Measure, name: str) -> Field:
    return _of(measure, lambda f: _most(getattr(pool, name) for pool, _ in f.flow.pools))


def _queues(measure: Measure, name: str) -> Field:
    return _of(measure, lambda f: _most(getattr(queue, name) for queue, _ in f.flow.queues))


def _most(values: Iterable[Number]) -> Number:
    return max((value for value in values if value is not None), default=None)


def _in_use(flow: Flow) -> Number:
    return _most(pool.in_use for pool, _ in flow.pools)


def _up(figures: Figures, at: datetime | None) -> Number:
    started = figures.started_at
    return None if started is None or at is None else max(0.0, (at - started).total_seconds())


NUMBERS: dict[str, Field] = {
    "cpu": _of(CPU, lambda f: f.cores),
    "cpu%": _of(PERCENT, lambda f: f.cpu_ratio),
    "thr": _of(PERCENT, lambda f: f.throttled),
    "mem": _of(SIZE, lambda f: f.working_set),
    "mem%": _of(PERCENT, lambda f: f.memory_worst),
    "limit": _of(SIZE, lambda f: f.memory_limit),
    "anon": _of(SIZE, lambda f: f.anon),
    "trend": _of(GROWTH, lambda f: f.trend),
    "net": _of(FLOW, lambda f: f.network),
    "rx": _of(FLOW, lambda f: f.rx),
    "tx": _of(FLOW, lambda f: f.tx),
    "disk": _of(FLOW, lambda f: f.disk),
    "read": _of(FLOW, lambda f: f.read),
    "write": _of(FLOW, lambda f: f.write),
    "sock": _of(COUNT, lambda f: f.established),
    "closewait": _of(COUNT, lambda f: f.close_wait),
    "fd": _of(COUNT, lambda f: f.fds),
    "fd%": _of(PERCENT, lambda f: f.fds_ratio),
    "pids": _of(COUNT, lambda f: f.pids),
    "psi": _of(PERCENT, lambda f: _most((f.cpu_pressure, f.memory_pressure, f.io_pressure))),
    "restarts": _of(COUNT, lambda f: f.restarts),
    "oom": _of(COUNT, lambda f: f.oom_kills),
    "up": Field(_up, SPAN),
    "pool": _of(COUNT, lambda f: _in_use(f.flow)),
    "pool%": _of(PERCENT, lambda f: f.flow.fullest()),
    "idle": _pools(COUNT, "idle"),
    "waiting": _of(COUNT, lambda f: f.flow.waiting()),
    "wait": _of(SPAN, lambda f: f.flow.longest_wait()),
    "timeouts": _pools(RATE, "timeouts_per_s"),
    "longest": _pools(SPAN, "longest_s"),
    "idletx": _pools(COUNT, "idle_in_transaction"),
    "syn": _pools(COUNT, "connecting"),
    "queue": _of(COUNT, lambda f: f.flow.deepest()),
    "active": _queues(COUNT, "in_flight"),
    "oldest": _queues(SPAN, "oldest_age_s"),
    "in": _queues(RATE, "in_per_s"),
    "out": _queues(RATE, "out_per_s"),
    "growth": _queues(RATE, "growth_per_s"),
    "refused": _queues(RATE, "rejected_per_s"),
}
"""Figures; of several pools or queues of a row the largest counts."""
BEGIN = ("state", "health", "kind")
"""Words that `=` compares by their beginning, so that `healthy` is not `unhealthy`."""
CONTAIN = ("project", "service", "instance", "image", "host", "pool", "queue", "peer", "source")
"""Names that `=` finds a part of."""
WORDS = (*BEGIN, *CONTAIN)
LEVEL = "level"
LEVELS = {level.name.lower(): float(level) for level in Level}
NAMES = (*NUMBERS, *(word for word in WORDS if word not in NUMBERS), LEVEL)
"""Every field, once."""
SAME = {
    "memory": "mem", "memory%": "mem%", "%mem": "mem%", "%cpu": "cpu%", "throttled": "thr", "Δ/h": "trend",
    "δ/h": "trend", "sockets": "sock", "closew": "closewait", "fds": "fd", "files": "fd", "threads": "pids",
    "↻": "restarts", "age": "up", "uptime": "up", "inuse": "pool", "depth": "queue", "container": "instance",
    "ns": "project", "namespace": "project", "status": "state", "severity": "level", "timeout": "timeouts",
    "invain": "timeouts", "taken": "active",
}  # fmt: skip
"""Other names for them: the columns' own, and those of other tools."""
ALIASES = {("kind", "host"): "process", ("health", "no"): "none"}
"""Words for words: the machine's own are processes."""


def number(text: str, measure: Measure) -> float | None:
    """What a value such as `500m`, `80%`, `1.5h`, `10m/h` means for a figure; None if it is none of its kind."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    digits, unit, per = match.groups()
    scale = measure.units.get(unit)
    if scale is None or (per is not None and not measure.per_s):
        return None
    seconds = _SPANS.get(per) if per is not None else (measure.per_s or 1.0)
    return None if seconds is None else float(digits) * scale / seconds


def level(text: str) -> float | None:
    """A level by the beginning of its word: `warn`; None if there is none."""
    return next((rank for word, rank in LEVELS.items() if text and word.startswith(text)), None)
