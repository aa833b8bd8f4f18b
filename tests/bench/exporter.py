"""How long a scrape of many services takes: written and sent over HTTP, beside prometheus_client in the same run.

usage: python tests/bench/exporter.py [--services 500] [--replicas 2] [--rounds 7]
"""

from __future__ import annotations

import argparse
import http.client
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from mcptop.exporter.answers import Answers
from mcptop.exporter.gate import Gate
from mcptop.exporter.pages import Pages
from mcptop.exporter.plan import Plan
from mcptop.exporter.server import Server
from mcptop.exposition import families, names
from mcptop.exposition.catalogue import BY_NAME, Type
from mcptop.exposition.families import Choice
from mcptop.exposition.row import Row
from mcptop.exposition.text import Form, page, written
from mcptop.model.frame import Frame
from mcptop.model.snapshot import Snapshot
from tests.bench.crowded_frame import frame_of

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
Given = tuple[Frame, Snapshot]


def rows_of(given: Given) -> Iterator[Iterator[Row]]:
    """One part after the other."""
    frame, snapshot = given
    known = names.of_services(frame.services)
    yield from families.machine(frame, known)
    for service in frame.services:
        yield families.rows_of(service, known[service.key], snapshot.readings, Choice().late)


def ours(given: Given) -> bytes:
    """The page, with nothing kept from the one before."""
    return page([written(rows) for rows in rows_of(given)], Form.PROMETHEUS)


class _Theirs(Collector):
    """The same series as families of prometheus_client. Its labels are ready, which is in its favour."""

    def __init__(self, given: Given) -> None:
        self._rows = [(dict(_LABEL.findall(row.labels)), row.figures) for part in rows_of(given) for row in part]

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        found: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for labels, figures in self._rows:
            values = list(labels.values())
            for name, value in figures:
                if value is None:
                    continue
                if name not in found:
                    family = BY_NAME[name]
                    kind = CounterMetricFamily if family.type is Type.COUNTER else GaugeMetricFamily
                    found[name] = kind(name, family.help, labels=list(labels))
                found[name].add_metric(values, value)
        yield from found.values()


def theirs(given: Given) -> Callable[[], bytes]:
    """`generate_latest` over a collector of its own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Theirs(given))
    return lambda: generate_latest(registry)


def milliseconds(work: Callable[[], object]) -> float:
    """Of one call."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


class Scraped:
    """A server on loopback, and a client that asks as Prometheus does."""

    def __init__(self) -> None:
        gate = Gate(True)
        self.pages = Pages("bench", Choice(), clock=lambda: 1.0)
        self._server = Server(Plan("127.0.0.1", 0, gate), Answers(self.pages, gate))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def show(self, given: Given) -> None:
        """A new frame."""
        self.pages.add(given[1])
        self.pages.show(given[0])

    def scrape(self, coding: str) -> int:
        """Bytes that came."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self._server.server_address[1]))
        connection.request("GET", "/metrics", headers={"Accept-Encoding": coding})
        body = connection.getresponse().read()
        connection.close()
        return len(body)

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--services", type=int, default=500)
    options.add_argument("--replicas", type=int, default=2)
    options.add_argument("--rounds", type=int, default=7)
    asked = options.parse_args()
    frames = [frame_of(asked.services, asked.replicas, tick) for tick in range(asked.rounds)]
    rows: dict[str, list[float]] = {}
    scraped = Scraped()
    for given in frames:  # in turns, so that both see the same machine
        rows.setdefault("prometheus_client: generate_latest", []).append(milliseconds(theirs(given)))
        rows.setdefault("mcptop: written", []).append(milliseconds(lambda given=given: ours(given)))
        for coding in ("gzip", "identity"):
            scraped.show((given[0], given[1]))
            scraped.pages._kept.clear()
            scraped.pages._made_of = None
            name = f"mcptop: every service changed, written and scraped, {coding}"
            rows.setdefault(name, []).append(milliseconds(lambda coding=coding: scraped.scrape(coding)))
        again = frame_again(given)
        scraped.show(again)
        rows.setdefault("mcptop: no service changed, written and scraped, gzip", []).append(
            milliseconds(lambda: scraped.scrape("gzip"))
        )
        rows.setdefault("mcptop: the same frame, scraped by another, gzip", []).append(
            milliseconds(lambda: scraped.scrape("gzip"))
        )
    sizes = scraped.scrape("identity"), scraped.scrape("gzip")
    scraped.close()
    lines = ours(frames[0]).count(b"\n")
    print(f"{asked.services} services x {asked.replicas}: {lines} lines, {sizes[0]:,} bytes, {sizes[1]:,} by gzip")
    base = median(rows["prometheus_client: generate_latest"])
    for name, found in rows.items():
        print(f"{name:62} median {median(found):7.1f} ms  least {min(found):7.1f} ms  1/{base / median(found):.1f}")


def frame_again(given: Given) -> Given:
    """The next tick, in which nothing changed."""
    from msgspec.structs import replace

    return replace(given[0], number=given[0].number + 1), given[1]


if __name__ == "__main__":
    main()
