"""A page is written several times faster than prometheus_client writes the same series, in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from tests.bench.crowded_frame import frame_of
from tests.bench.exporter import ours, theirs

from .examples import series


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def test_it_is_several_times_cheaper() -> None:
    given = frame_of(60)
    generate = theirs(given)
    assert series(ours(given).decode()) == series(generate().decode()), "the same series"
    pairs = [(cpu_seconds(generate), cpu_seconds(lambda: ours(given))) for _ in range(7)]  # in turns
    assert median(one / other for one, other in pairs) > 2.5
