"""What a look at 10,000 connections in one network namespace costs a tick: `python tests/bench/sockets.py`.

A child enters a namespace of its own and opens the connections there; the real collector looks at it as a container's.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from types import SimpleNamespace

from mcptop.collectors.base import SLOW_TICKS, Tick
from mcptop.collectors.sockets import SocketCollector
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources.address_book import AddressBook
from mcptop.sources.procfs import Roots

BOUND_MS = 50.0
LOOKS = 20
_CHILD = """
import ctypes, fcntl, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x40000000) == 0, "needs root"
up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(up, 0x8914, struct.pack("16sH22x", b"lo", 0x1 | 0x40))
server = socket.create_server(("127.0.0.1", 0), backlog=4096)
held = []
for _ in range(int(sys.argv[1]) // 2):
    held += [socket.create_connection(server.getsockname()), server.accept()[0]]
print("ready", flush=True)
sys.stdin.read()
"""


def main() -> int:
    """Exit status 0 when the dearest look stays under the bound."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print("sockets   median ms   max ms   requests under way known")
    worst = [measure(amount) for amount in (100, 4000, 10_000)][-1]
    print(f"{'within' if worst < BOUND_MS else 'OVER'} the bound of {BOUND_MS:.0f} ms for a whole tick")
    return 0 if worst < BOUND_MS else 3


def measure(amount: int) -> float:
    """The dearest of several looks, in milliseconds."""
    words = [sys.executable, "-c", _CHILD, str(amount)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        table = SimpleNamespace(version=1, containers=lambda: {"it": [SimpleNamespace(pid=child.pid)]})
        collector = SocketCollector(Roots(), table, AddressBook())  # type: ignore[arg-type]
        target = Target(id="it", name="it", kind=Kind.CONTAINER, project=None, service="it")
        times = []
        for look in range(LOOKS):
            # Far enough apart that each is due.
            tick = Tick(1 + look * SLOW_TICKS * 4, time.monotonic(), (target,))
            began = time.perf_counter()
            found = collector.collect(tick)
            times.append((time.perf_counter() - began) * 1000)
        collector.close()
        child.kill()
    assert found.sockets["it"].established == amount, found.sockets
    known = found.flows["it"].pools[0].in_use is not None
    print(f"{amount:7}   {statistics.median(times):9.1f}   {max(times):6.1f}   {'yes' if known else 'no'}")
    return max(times)


if __name__ == "__main__":
    sys.exit(main())
