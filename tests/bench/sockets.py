"""What a look at 10,000 connections in one network namespace costs a tick: `python tests/bench/sockets.py`.

A child enters a namespace of its own and opens the connections there. The real collector looks at it as at a
container alone in its namespace, and as at one of two who share it: then each descriptor's link is read besides.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

from mcptop.collectors.base import Tick
from mcptop.collectors.sockets import SocketCollector
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources.address_book import AddressBook
from mcptop.sources.procfs import Roots

BOUND_MS = 50.0
TICKS = 200
_CHILD = """
import ctypes, fcntl, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x40000000) == 0, "needs root"
up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(up, 0x8914, struct.pack("16sH22x", b"lo", 0x1 | 0x40))
if not (neighbour := os.fork()):
    sys.exit(sys.stdin.read())
server = socket.create_server(("127.0.0.1", 0), backlog=4096)
held = []
for _ in range(int(sys.argv[1]) // 2):
    held += [socket.create_connection(server.getsockname()), server.accept()[0]]
print(neighbour, flush=True)
sys.stdin.read()
"""


def main() -> int:
    """Exit status 0 when the dearest tick stays under the bound."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print("sockets   shared   first ms   mean ms   dearest ms   requests under way known")
    worst = max(measure(amount, shared) for amount in (100, 4000, 10_000) for shared in (False, True))
    print(f"{'within' if worst < BOUND_MS else 'OVER'} the bound of {BOUND_MS:.0f} ms for a whole tick")
    return 0 if worst < BOUND_MS else 3


def measure(amount: int, shared: bool) -> float:
    """The dearest of the ticks after the first, in milliseconds."""
    words = [sys.executable, "-c", _CHILD, str(amount)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        pids = {"it": child.pid, "neighbour": int(child.stdout.readline())}
        members = {name: [SimpleNamespace(pid=pid)] for name, pid in pids.items() if shared or name == "it"}
        table: Any = SimpleNamespace(version=1, containers=lambda: members, named=frozenset(), trees={})
        collector = SocketCollector(Roots(), table, AddressBook())
        target = Target(id="it", name="it", kind=Kind.CONTAINER, project=None, service="it")
        times = []
        for number in range(1, TICKS + 1):
            began = time.perf_counter()
            found = collector.collect(Tick(number, time.monotonic(), (target,)))
            times.append((time.perf_counter() - began) * 1000)
        collector.close()
        child.communicate()
    assert found.sockets["it"].established == amount, found.sockets
    known = "yes" if found.flows["it"].pools[0].in_use is not None else "no"
    says = "yes" if shared else "no"
    first, *later = times
    print(f"{amount:7}   {says:6}   {first:8.1f}   {statistics.mean(later):7.2f}   {max(later):10.1f}   {known}")
    return max(later)


if __name__ == "__main__":
    sys.exit(main())
