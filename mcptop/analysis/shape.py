"""What shape a series has: its floors, how often it falls back, whether it changed in one jump."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = 6
_MOST_OF_THE_CHANGE = 0.6
_EXPLAINED = 0.8
_LESS_LEFT_OVER = 0.5


def floors(values: Sequence[float]) -> list[float]:
    """The lowest value of each of six blocks (fewer with fewer values), the oldest first."""
    count = min(_BLOCKS, len(values))
    edges = [number * len(values) // count for number in range(count + 1)]
    return [min(values[start:end]) for start, end in pairwise(edges)]


def falls_back(values: Sequence[float], least: float) -> int:
    """How often the series falls by that much or more, with a rise by as much between two falls. `least` is above 0."""
    falls, is_falling = 0, False
    peak = trough = values[0]
    for value in values:
        peak, trough = max(peak, value), min(trough, value)
        if is_falling and value - trough >= least:
            is_falling, peak = False, value
        elif not is_falling and peak - value >= least:
            is_falling, trough, falls = True, value, falls + 1
    return falls


def is_one_jump(values: Sequence[float], least: float) -> bool:
    """Whether two levels, at least that far apart, fit far better than a line, with most of the change in a tenth."""
    at, explained = _best_split(values)
    if explained < _EXPLAINED or 1 - explained > _LESS_LEFT_OVER * (1 - _explained_by_a_line(values)):
        return False
    change = _mean(values[at:]) - _mean(values[:at])
    width = max(1, len(values) // 10)
    jump = _mean(values[at : at + width]) - _mean(values[max(0, at - width) : at])
    return change != 0 and abs(change) >= least and jump / change >= _MOST_OF_THE_CHANGE


def _best_split(values: Sequence[float]) -> tuple[int, float]:
    """Where two levels fit best, and which part of the variance they explain (0 for a constant)."""
    count, mean = len(values), _mean(values)
    squares = sum((value - mean) * (value - mean) for value in values)
    best, at, so_far = 0.0, 1, 0.0
    for number, value in enumerate(values[:-1], start=1):
        so_far += value - mean
        gain = so_far * so_far * count / (number * (count - number))
        if gain > best:
            best, at = gain, number
    return at, (best / squares if squares > 0 else 0.0)


def _explained_by_a_line(values: Sequence[float]) -> float:
    """Which part of the variance a straight line explains; not called for a constant."""
    count, mean, middle = len(values), _mean(values), (len(values) - 1) / 2
    squares = sum((value - mean) * (value - mean) for value in values)
    together = sum((number - middle) * (value - mean) for number, value in enumerate(values))
    return together * together / (squares * count * (count * count - 1) / 12)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
