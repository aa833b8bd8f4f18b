"""What a fleet of 500 services costs: a page of each of ten machines, scraped by a real Prometheus, read tick by tick.

python tests/bench/fleet.py [--services 500] [--foreign 100000]
"""

from __future__ import annotations

import argparse
import resource
import time
from contextlib import ExitStack
from pathlib import Path
from sys import path

path.insert(0, str(Path(__file__).parents[2]))

from mcptop.config import Settings
from mcptop.fleet import wanted
from mcptop.fleet.source import FleetSource
from mcptop.monitor import Monitor
from mcptop.server_settings import PrometheusServer, Secret
from mcptop.sources.prometheus import Prometheus as Client
from tests.prometheus import pages
from tests.prometheus.server import Prometheus, Scrape

_MACHINES = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--services", type=int, default=500)
    parser.add_argument("--foreign", type=int, default=100_000)
    asked = parser.parse_args()
    each = asked.services // _MACHINES
    with ExitStack() as ends:
        exporters = [
            ends.enter_context(pages.exporter(f"web{n}", services=tuple(f"api-{n}-{k}" for k in range(each))))
            for n in range(_MACHINES)
        ]
        foreign = ends.enter_context(pages.foreign(asked.foreign))
        scrapes = [Scrape(page.address, f"job{n}") for n, page in enumerate([*exporters, foreign])]
        server = ends.enter_context(Prometheus(scrapes, interval="5s"))
        server.until_up(60)
        time.sleep(11)
        _questions(server)
        _ticks(server)


def _questions(server: Prometheus) -> None:
    """All families in one question, or in several."""
    client = Client(PrometheusServer(url=Secret(server.url)))
    for parts in (1, 2, 4, 8, len(wanted.MCPTOP)):
        took = []
        for _ in range(5):
            began = time.perf_counter()
            count = sum(
                len(client.query(wanted.selector(wanted.MCPTOP[part::parts], None)).series) for part in range(parts)
            )
            took.append(time.perf_counter() - began)
        print(f"in {parts} questions: {sorted(took)[2] * 1000:.0f} ms, {count} series")
    client.close()


def _ticks(server: Prometheus) -> None:
    settings = Settings(interval=5.0, prometheus=PrometheusServer(url=Secret(server.url)))
    monitor = Monitor(FleetSource(settings, patient=True), 5.0)
    for number in range(8):
        began, cpu = time.perf_counter(), time.process_time()
        frame = monitor.step()
        took, used = time.perf_counter() - began, time.process_time() - cpu
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cost = f"{took * 1000:.0f} ms, CPU {used * 1000:.0f} ms, peak {memory:.0f} MiB"
        print(f"tick {number}: {cost}, {len(frame.services)} services")
        time.sleep(0.15 if number == 0 else 2.5)
    monitor.stop()


if __name__ == "__main__":
    main()
