"""The page for a service that has `prometheus_client` already: a collector for its registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from mcptop.instrument.page import Table

if TYPE_CHECKING:
    from prometheus_client import Metric


class PageCollector:
    """What `registry.register` takes. Reads when it is collected. Raises ImportError without `prometheus_client`."""

    def __init__(self, tables: Callable[[], Iterable[Table]]) -> None:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        self._tables = tables
        self._gauge = GaugeMetricFamily
        self._counter = CounterMetricFamily

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there will be is not known yet, and a registry that asks is not kept waiting."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """One family a metric."""
        for table in self._tables():
            family = (self._counter if table.figure.counts else self._gauge)(
                table.name, table.figure.says, labels=table.labels
            )
            for values, value in table.rows.items():
                family.add_metric(values, value)
            yield family
