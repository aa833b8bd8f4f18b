"""What a diagnosis costs its target: throughput and p99 of a service while it is diagnosed, beside its own without.

    python tests/bench/diagnosis_cost.py [--threads 150] [--rounds 6] [--playbook slow-service]

The target answers requests on an event loop as fast as one caller asks, with many idle threads beside it. Windows with
and without a diagnosis take turns; what is shown are medians of the ratios of neighbours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from score import Watcher

from mcptop.playbook.subjects import Wanted

_TARGET = """
import asyncio, json, os, sys, threading, time
for _ in range(int(sys.argv[1])):
    threading.Thread(target=threading.Event().wait, daemon=True).start()

async def handle(reader, writer):
    while await reader.readline():
        total = sum(number * number for number in range(4000))
        writer.write(b"%d\\n" % total)
    writer.close()

async def ask(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        began = time.perf_counter()
        writer.write(b"?\\n")
        await reader.readline()
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(0.0005)

async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    asyncio.create_task(ask(server.sockets[0].getsockname()[1]))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        seconds = time.perf_counter() - since[0]
        ordered = sorted(taken)
        print(json.dumps([len(ordered) / seconds, ordered[int(len(ordered) * 0.99)]]), flush=True)
        taken.clear()
        since[0] = time.perf_counter()
    os._exit(0)

taken, since = [], [time.perf_counter()]
asyncio.run(main())
"""


def window(target: subprocess.Popen[str]) -> tuple[float, float]:
    """Requests a second and p99 in seconds since the last call."""
    assert target.stdin
    assert target.stdout
    target.stdin.write("\n")
    target.stdin.flush()
    throughput, p99 = json.loads(target.stdout.readline())
    return throughput, p99


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--playbook", default="slow-service")
    arguments = parser.parse_args()
    target = subprocess.Popen([sys.executable, "-c", _TARGET, str(arguments.threads)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    watcher = Watcher()
    throughput, p99 = [], []
    try:
        time.sleep(5.0)
        window(target)
        for number in range(arguments.rounds):
            began = time.monotonic()
            watcher.diagnose(arguments.playbook, Wanted(pid=target.pid))
            during = window(target)
            time.sleep(time.monotonic() - began)
            alone = window(target)
            throughput.append(during[0] / alone[0])
            p99.append(during[1] / alone[1])
            print(f"round {number + 1}: throughput x {throughput[-1]:.3f}, p99 x {p99[-1]:.3f}", flush=True)
        state = Path(f"/proc/{target.pid}/stat").read_text().rpartition(")")[2].split()[0]
    finally:
        watcher.close()
        assert target.stdin
        target.stdin.close()
        target.wait(10)
    print(f"{arguments.playbook}, {arguments.threads} threads: throughput {statistics.median(throughput) - 1:+.1%}, "
          f"p99 {statistics.median(p99) - 1:+.1%}, left in state {state}")  # fmt: skip


if __name__ == "__main__":
    main()
