"""What advice on a day costs: 86,400 samples of twenty services, read once through.

    python tests/bench/recommend_day.py [--services 20] [--ticks 86400] [--keep FILE]

Every figure of every container changes every second. Prints the time, and the memory the command took at most.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from mcptop.advice.recommend import recommended
from mcptop.headless.observing import recorded
from mcptop.recording.writer import Writer
from tests.bench.replay_day import MIB, day, resident


def written(path: Path, services: int, ticks: int) -> None:
    """A day in a file."""
    writer = Writer(path, 1.0, max_bytes=4 << 30, max_age_s=3 * 86400)
    for snapshot in day(services, ticks):
        writer.add(snapshot)
    print(f"written: {services} services, {ticks} samples, {writer.size / MIB:.0f} MiB")
    writer.close()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--services", type=int, default=20)
    parser.add_argument("--ticks", type=int, default=86_400)
    parser.add_argument("--keep", type=Path, help="Use this recording; make it first where it is not there.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "day.rec"
        if not path.exists():
            written(path, options.services, options.ticks)
        before, began = resident(), time.process_time()
        seen = recorded(path)
        took = time.process_time() - began
        found = recommended(seen.services, seen.budgets)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"read: {took:.1f} s CPU, {took / seen.looks * 1e3:.2f} ms a sample; {len(found)} services; "
              f"RSS {before:.0f} MiB before, {resident():.0f} MiB after, {most:.0f} MiB at most")  # fmt: skip


if __name__ == "__main__":
    main()
