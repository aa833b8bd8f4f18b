"""Numbers with units as one writes them in TOML: `90%`, `2 MiB/min`, `5m`. Pure."""

from __future__ import annotations

import re

_SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
          "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}  # fmt: skip
_TIMES = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SCALES: dict[str, dict[str, float]] = {
    "ratio": {"%": 0.01, "": 1.0},
    "bytes": {**_SIZES, "": 1.0},
    "seconds": {**_TIMES, "": 1.0},
}
_PLAIN: dict[str, float] = {"": 1.0}
_EXAMPLES = {
    "ratio": "0.9 or `90%`",
    "bytes": "`200 MiB`",
    "bytes/s": "`2 MiB/min`",
    "ratio/s": "`1%/h`",
    "seconds": "`90s`, `5m` or a number of seconds",
}
_MOST_BARE_RATIO = 1.5
"""A pool may be over its size, a quota be passed for a moment; more without a `%` was meant as percent."""
_QUANTITY = re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*([%a-zA-Z]*)(?:\s*/\s*(ms|s|min|m|h|d))?")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|min|h|d)")


def quantity(given: float | str, unit: str) -> float:
    """In the base unit: ratio (0..1), bytes, seconds, each also `/s`. Raises ValueError: what was expected."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError(f"expected {_example(unit)}, got `{given}`")
    found = float(given) if isinstance(given, int | float) else _read(given.strip(), unit)
    is_percent = unit == "ratio" and found > _MOST_BARE_RATIO and "%" not in str(given)
    if found != found or abs(found) == float("inf") or is_percent:
        raise ValueError(f"expected {_example(unit)}, got `{given}`")
    return found


def duration(given: float | str) -> float:
    """Seconds, not negative. Raises ValueError."""
    found = quantity(given, "seconds")
    if found < 0:
        raise ValueError(f"expected {_example('seconds')}, got `{given}`")
    return found


def written(seconds: float) -> str:
    """A duration as Prometheus and these files write it: `1h30m`, `5m`, `50ms`."""
    rest, text = round(seconds * 1000), ""
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        if number := rest // size:
            text, rest = f"{text}{number}{unit}", rest % size
    return text or "0s"


def _read(text: str, unit: str) -> float:
    base, _, per = unit.partition("/")
    scales = _SCALES.get(base, _PLAIN)
    if base == "seconds" and not per and _PART.match(text) and "".join(m[0] for m in _PART.finditer(text)) == text:
        return sum(float(number) * _TIMES[name] for number, name in _PART.findall(text))
    found = _QUANTITY.fullmatch(text)
    if found is None or found[2] not in scales or (found[3] is not None and not per):
        raise ValueError(f"expected {_example(unit)}, got `{text}`")
    return float(found[1]) * scales[found[2]] / (_TIMES[found[3]] if found[3] else 1.0)


def _example(unit: str) -> str:
    if unit not in _EXAMPLES:
        return "a number of cores" if unit == "cores" else "a number"
    noun = {"seconds": "time", "bytes": "size", "bytes/s": "rate", "ratio/s": "rate"}.get(unit, unit)
    return f"a {noun} such as {_EXAMPLES[unit]}"
