"""The demo without a fault: a steady load for minutes, no error, no growth.

Run: python tests/bench/demo_steady.py [--minutes 10] [--per-minute 1000]
Looks at the processes and at the load generator's own counts from outside. The first half is warm-up and not judged:
the response cache keeps answers for five minutes, so it grows until then, and pools open what bursts need.
Exit code 0 when all held, 3 when something did not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path

from mcptop.analysis.trend import slope

sys.path.append(str(Path(__file__).parents[1] / "demo"))
from evidence import Metrics
from stack import Demo

EVERY_S = 5.0
MIB = 1024 * 1024
MOST_MIB_PER_HOUR = 12.0
"""Of anonymous memory: what a service may seem to grow by in so short a time without being called growing."""
KINDS = ("anon", "fds", "threads")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--per-minute", type=float, default=1000.0)
    given = parser.parse_args()
    demo = Demo(LOAD_PER_MINUTE=str(given.per_minute))
    try:
        series = watch(demo, given.minutes * 60)
        metrics = demo.metrics("load")
    finally:
        demo.close()
    growing = judge(series)
    failed = answers(metrics, given.minutes)
    print("kept" if not growing and not failed else f"NOT kept: growing {growing or '-'}, failed {failed}")
    return 3 if growing or failed else 0


def watch(demo: Demo, seconds: float) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """(Service, kind) -> (seconds, value), without the warm-up."""
    series = defaultdict(list)
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        for service in demo.services:
            seen = demo.look(service)
            for kind in KINDS:
                if now > seconds / 2:
                    series[service, kind].append((now, float(getattr(seen, kind))))
        time.sleep(EVERY_S)
    return series


def judge(series: dict[tuple[str, str], list[tuple[float, float]]]) -> list[str]:
    """Print the table; the names of those that grow."""
    print(f"{'service':<14}{'anon, MiB':>16}{'growth, MiB/h':>16}{'fds':>12}{'threads':>12}")
    growing = []
    for service in dict.fromkeys(service for service, _ in series):
        points = series[service, "anon"]
        per_hour = (slope([at for at, _ in points], [value for _, value in points]) or 0.0) * 3600 / MIB
        first, last = points[0][1] / MIB, points[-1][1] / MIB
        counts = [f"{int(series[service, kind][0][1])} - {int(series[service, kind][-1][1])}" for kind in KINDS[1:]]
        print(f"{service:<14}{f'{first:.1f} - {last:.1f}':>16}{per_hour:>16.1f}{counts[0]:>12}{counts[1]:>12}")
        if per_hour > MOST_MIB_PER_HOUR:
            growing.append(service)
    return growing


def answers(metrics: Metrics, minutes: float) -> int:
    """Print what became of the requests; how many failed."""
    by_status = metrics.by("mcp_requests_total", "status")
    total, good = sum(by_status.values()), by_status.get("200", 0) + by_status.get("202", 0)
    mean = metrics.get("mcp_request_duration_seconds_sum") / max(1, metrics.get("mcp_request_duration_seconds_count"))
    print(f"{total:.0f} requests, {total / minutes:.0f} a minute, {mean * 1000:.0f} ms each; by status {by_status}")
    return int(total - good)


if __name__ == "__main__":
    sys.exit(main())
