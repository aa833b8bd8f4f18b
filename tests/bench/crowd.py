"""What a crowd costs: 500 services of containers and 2,000 host processes that all change with every second.

    python tests/bench/crowd.py [--seconds 30] [--keys 150]

The dashboard runs in a terminal of its own (200x50), on its real monitor; only the kernel is scripted. Printed are
its share of a core, and the time from a key to the redraw that shows it, at each 50th and 95th percentile.
"""

from __future__ import annotations

import argparse
import os
import pty
import random
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from fcntl import ioctl
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from mcptop.model.frame import SourceReport, Status
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.snapshot import Counters, HostReading, Reading, Snapshot, Target, Traffic
from mcptop.model.value import Kind

SERVICES, PROCESSES = 500, 2000
COLUMNS, ROWS = 200, 50
MIB = 1 << 20
LIMITS_MS, SHARE = 50.0, 0.05
_CURSOR = "▌".encode()
_SETTLE_S = 6.0


class Crowd:
    """A machine on which nothing stands still."""

    def __init__(self) -> None:
        started = datetime.now(UTC)
        containers = (
            Target(f"c{n:04}", f"p{n % 10}-svc{n:03}-1", Kind.CONTAINER, f"p{n % 10}", f"svc{n:03}", 1000 + n,
                   image="registry.example/svc:1", started_at=started, restarts=0)
            for n in range(SERVICES)
        )  # fmt: skip
        processes = (
            Target(f"{5000 + n}-1", f"prog{n % 200:03}[{5000 + n}]", Kind.PROCESS, None, f"prog{n % 200:03}", 5000 + n,
                   started_at=started)
            for n in range(PROCESSES)
        )  # fmt: skip
        self._targets = (*containers, *processes)
        self._second = 0

    def sample(self) -> Snapshot:
        """The next second."""
        self._second += 1
        now = time.monotonic()
        readings = {target.id: self._reading(n, target, now) for n, target in enumerate(self._targets)}
        files = {target.id: FileDescriptors(20 + (n + self._second) % 50, 1024, 0.02)
                 for n, target in enumerate(self._targets)}  # fmt: skip
        sockets = {target.id: Sockets(established=(n + self._second) % 40) for n, target in enumerate(self._targets)}
        host = HostReading(now, "crowd", 8, self._second * 300, self._second * 800, 64 << 30, 20 << 30)
        source = SourceReport("crowd", Status.OK, "", 0.001)
        return Snapshot(datetime.now(UTC), now, host, self._targets, readings, sockets, files, (source,), {}, "crowd 1")

    def _reading(self, n: int, target: Target, now: float) -> Reading:
        used = (100 + n % 300 + (n * 7 + self._second) % 50) * MIB
        moved = self._second * (1000 + n) + (n * self._second) % 977
        share = 0.02 + (n * 13 + self._second * 7) % 50 / 1000
        if target.kind is Kind.PROCESS:
            return Reading(now, cpu_usage_s=now * share, memory_usage_bytes=used, memory_inactive_file_bytes=0,
                           memory_anon_bytes=used, threads=4)  # fmt: skip
        traffic = Counters(now, (Traffic("eth0", moved, moved * 2),))
        return Reading(now, cpu_usage_s=now * share, cpu_limit_cores=1.0, cpu_periods=self._second * 10,
                       cpu_throttled_periods=self._second, memory_usage_bytes=used, memory_inactive_file_bytes=MIB,
                       memory_anon_bytes=used - 10 * MIB, memory_file_bytes=9 * MIB, memory_limit_bytes=512 * MIB,
                       oom_kills=0, pids=9, threads=9, network=traffic, disk=traffic)  # fmt: skip

    def close(self) -> None:
        """Nothing is held."""


def dashboard() -> None:
    """The child: the dashboard on the crowd."""
    from mcptop.history import KEPT_S
    from mcptop.monitor import Monitor
    from mcptop.recording.ring import Ring
    from mcptop.ui.app import McptopApp
    from mcptop.ui.reach import Reach

    ring = Ring(1.0, KEPT_S)
    McptopApp(Monitor(Crowd(), 1.0, ring), reach=Reach(past=ring.log)).run()


class Terminal:
    """The dashboard on a terminal of its own."""

    def __init__(self) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execv(sys.executable, [sys.executable, __file__, "--child"])
        ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def read_for(self, seconds: float) -> Iterator[bytes]:
        """What is drawn in that time, as it comes."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._fd], [], [], left)[0]:
                try:
                    yield os.read(self._fd, 1 << 16)
                except OSError:  # it has ended
                    return

    def redraw_ms(self, key: bytes) -> float | None:
        """From a key that moves the cursor to the line that shows it there; None when it did not come in 2 s."""
        began = time.monotonic()
        os.write(self._fd, key)
        for drawn in self.read_for(2.0):
            if _CURSOR in drawn:
                return (time.monotonic() - began) * 1000
        return None

    def close(self) -> None:
        """Leave as a closed terminal would."""
        os.kill(self.pid, signal.SIGTERM)
        for _ in self.read_for(1.0):
            pass
        os.close(self._fd)
        os.waitpid(self.pid, 0)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, all its threads."""
    return time.clock_gettime((~pid << 3) | 2)


def percentile(values: list[float], share: float) -> float:
    """By the nearest rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> int:
    """Measure and print; 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--keys", type=int, default=150)
    parser.add_argument("--child", action="store_true")
    asked = parser.parse_args()
    if asked.child:
        dashboard()
        return 0
    terminal = Terminal()
    try:
        for _ in terminal.read_for(_SETTLE_S):
            pass
        used, began = cpu_s(terminal.pid), time.monotonic()
        for _ in terminal.read_for(asked.seconds):
            pass
        share = (cpu_s(terminal.pid) - used) / (time.monotonic() - began)
        taken = []
        for number in range(asked.keys):
            for _ in terminal.read_for(random.uniform(0.05, 0.3)):
                pass
            taken.append(terminal.redraw_ms(b"j" if number % 40 < 20 else b"k"))
    finally:
        terminal.close()
    known = [each for each in taken if each is not None]
    p50, p95 = percentile(known, 0.5), percentile(known, 0.95)
    print(f"CPU {share:.1%} of a core (promised {SHARE:.0%})")
    print(f"key to redraw: p50 {p50:.1f} ms, p95 {p95:.1f} ms (promised {LIMITS_MS:.0f} ms), "
          f"{len(taken) - len(known)} of {len(taken)} keys without an answer")  # fmt: skip
    return 0 if share <= SHARE and p95 <= LIMITS_MS and len(known) == len(taken) else 1


if __name__ == "__main__":
    sys.exit(main())
