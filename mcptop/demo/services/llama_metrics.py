"""The counters and gauges llama.cpp's server publishes, under its names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry


class Slots(Protocol):
    """What is computed, and what waits."""

    @property
    def busy(self) -> int:
        """Slots that compute."""

    @property
    def deferred(self) -> int:
        """Requests that wait for a slot."""


class LlamaMetrics(Collector):
    """The counters llama.cpp's server publishes."""

    def __init__(self, slots: Slots, registry: CollectorRegistry) -> None:
        self._slots = slots
        self._prompt = Counter("llamacpp:prompt_tokens", "Prompt tokens processed", registry=registry)
        self._predicted = Counter("llamacpp:tokens_predicted", "Tokens generated", registry=registry)
        self._seconds = Counter("llamacpp:tokens_predicted_seconds", "Time spent generating", registry=registry)
        self._decodes = 0
        self._busy_sum = 0
        self.waits = 0
        """Requests that had to wait for a slot."""
        self.wait_s = 0.0
        registry.register(self)

    def decode_begins(self, busy: int, waited_s: float) -> None:
        """A request got a slot; so many are busy now."""
        self._decodes += 1
        self._busy_sum += busy
        self.waits += waited_s > 0.001
        self.wait_s += waited_s

    def decoded(self, prompt_tokens: int, tokens: int, seconds: float) -> None:
        """A request is done."""
        self._prompt.inc(prompt_tokens)
        self._predicted.inc(tokens)
        self._seconds.inc(seconds)

    def collect(self) -> Iterator[Metric]:
        """What is read when somebody asks."""
        yield CounterMetricFamily("llamacpp:n_decode", "Calls of the decoder", value=self._decodes)
        for name, says, value in (
            ("requests_processing", "Requests being computed", self._slots.busy),
            ("requests_deferred", "Requests that wait for a slot", self._slots.deferred),
            (
                "n_busy_slots_per_decode",
                "Busy slots in a call, average since the start",
                self._busy_sum / max(1, self._decodes),
            ),
        ):
            yield GaugeMetricFamily(f"llamacpp:{name}", says, value=value)
