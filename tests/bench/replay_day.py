"""What a day costs: 86,400 samples of a small stack written, opened, played from end to end, and jumped in.

    python tests/bench/replay_day.py [--services 20] [--ticks 86400]

Every container changes every second. Prints CPU time a sample and what stays in memory.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from mcptop.history import KEPT_S
from mcptop.model.frame import SourceReport, Status
from mcptop.model.host import Pressure
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.snapshot import Counters, Reading, Snapshot, Target, Traffic
from mcptop.model.value import Kind
from mcptop.playback import Playback
from mcptop.recording.reader import Reader
from mcptop.recording.ring import Ring
from mcptop.recording.writer import Writer

MIB = 1 << 20
MIDNIGHT = datetime(2026, 1, 31, tzinfo=UTC)


def resident() -> float:
    """MiB of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / MIB


def day(services: int, count: int, processes: int = 0) -> Iterator[Snapshot]:
    """A stack in which every figure of every service is another one each second."""
    random = Random(1)
    names = [f"{number:064x}" for number in range(services)]
    trees = [f"{number}-{number * 100}" for number in range(1, processes + 1)]
    targets = tuple(Target(name, f"s{at}-1", Kind.CONTAINER, "shop", f"s{at}", 100 + at, restarts=0)
                    for at, name in enumerate(names))  # fmt: skip
    targets += tuple(Target(tree, f"p{at}", Kind.PROCESS, None, f"p{at}", 9000 + at) for at, tree in enumerate(trees))
    cpu = dict.fromkeys((*names, *trees), 0.0)
    files = {name: FileDescriptors(10, 1024, 0.01) for name in names}
    for number in range(count):
        now = 1000.0 + number
        for name in cpu:
            cpu[name] += random.random()
        readings = {name: _container(now, number, cpu[name], random) for name in names}
        readings |= {tree: Reading(now, now - 1, cpu[tree], memory_usage_bytes=random.randrange(1 << 28), pids=1)
                     for tree in trees}  # fmt: skip
        sources = tuple(SourceReport(f"source {each}", Status.OK, "", random.random()) for each in range(10))
        sockets = {name: Sockets(random.randrange(50)) for name in names}
        at = MIDNIGHT + timedelta(seconds=number)
        yield Snapshot(at, now, None, targets, readings, sockets, files, sources, {})


def _container(now: float, number: int, cpu: float, random: Random) -> Reading:
    return Reading(
        now, now - 1, cpu, 0.5, 10 * number, 3 * number, random.randrange(1 << 28), MIB, random.randrange(1 << 28), MIB,
        memory_limit_bytes=1 << 28, oom_kills=0, pids=5, threads=5,
        network=Counters(now, (Traffic("eth0", number * random.randrange(9000), number * 500),)),
        disk=Counters(now - now % 5, (Traffic("sda", 0, 0),)), cpu_pressure=Pressure(round(random.random(), 2), 0.0),
        memory_pressure=Pressure(0.0, 0.0), io_pressure=Pressure(0.0, 0.0),
    )  # fmt: skip


def memory(services: int, processes: int) -> None:
    """The ring: what a tick costs, and how much of it there is after a quarter of an hour."""
    ring, count, used = Ring(1.0, KEPT_S), int(KEPT_S) + 60, 0.0
    for snapshot in day(services, count, processes):
        began = time.process_time()
        ring.add(snapshot)
        used += time.process_time() - began
    share, size = used / count, ring.size / MIB
    print(f"ring, {services} containers, {processes} processes: {share * 1e3:.2f} ms a tick ({share:.3%} of a core), "
          f"{size:.1f} MiB for {ring.reach_s:.0f} s")  # fmt: skip


def file(services: int, count: int) -> None:
    """A file: written, opened, played, jumped in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.rec"
        writer, used = Writer(path, 1.0, max_bytes=4 << 30, max_age_s=3 * 86400), 0.0
        for snapshot in day(services, count):
            began = time.process_time()
            writer.add(snapshot)
            used += time.process_time() - began
        writer.close()
        print(f"write, {services} containers: {used / count * 1e3:.2f} ms a sample, {writer.size / MIB:.0f} MiB in all")
        before, began = resident(), time.process_time()
        reader = Reader(path)
        print(f"open: {time.process_time() - began:.2f} s, {resident() - before:.1f} MiB")
        playback, began, seen = Playback(reader), time.process_time(), []
        for index in range(count):
            playback.frame(index)
            if index % (count // 8) == count // 8 - 1:
                seen.append(resident())
        took = time.process_time() - began
        print(f"play: {took / count * 1e3:.2f} ms a frame; RSS {', '.join(f'{each:.0f}' for each in seen)} MiB")
        for share in (0.9, 0.1, 0.5):
            began = time.process_time()
            playback.frame(int(count * share))
            print(f"jump to {share:.0%}: {time.process_time() - began:.2f} s, RSS {resident():.0f} MiB")
        reader.close()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--services", type=int, default=20)
    parser.add_argument("--ticks", type=int, default=86_400)
    options = parser.parse_args()
    memory(100, 0)
    memory(500, 2000)
    file(options.services, options.ticks)


if __name__ == "__main__":
    main()
