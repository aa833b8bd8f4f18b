"""Of one exporter that was scraped at several addresses: the one that stands for it in the last days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Protocol

from mcptop.fleet import past_queries
from mcptop.fleet.exporters import key_of
from mcptop.fleet.hosts import Hosts
from mcptop.fleet.names import text
from mcptop.sources.prometheus_answer import Answer


class Asks(Protocol):
    """A Prometheus client. Raises `PrometheusError`."""

    def query(self, expr: str, at: float | None = None) -> Answer:
        """The figures at a moment."""


class PastHosts:
    """Learns part after part of the time."""

    def __init__(self) -> None:
        self._hosts = Hosts()

    def learn(self, client: Asks, match: str | None, start: float, end: float) -> None:
        """Who told of which machine in that time; of machines told at several addresses, what was started when."""
        told: dict[str, str] = {}
        for series in client.query(past_queries.of_hosts(match, end - start), end).series:
            if host := text(series.labels, "host"):
                told.setdefault(text(series.labels, "instance"), host)
        marks: dict[str, set[Hashable]] = {}
        if max(Counter(told.values()).values(), default=0) > 1:
            for series in client.query(past_queries.of_starts(match, end - start), end).series:
                marks.setdefault(text(series.labels, "instance"), set()).add((key_of(series.labels), series.value))
        for instance in sorted(told):
            self._hosts.learn(("", instance), told[instance], marks.get(instance, ()))

    def first(self, instance: str) -> str:
        """The instance that stands for this one's machine: itself where nothing is known of it."""
        return self._hosts.beside(("", instance))[0][1]
