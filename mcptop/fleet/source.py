"""The services of many machines as snapshots, from a Prometheus server: to the monitor a source like any other."""

from __future__ import annotations

import msgspec

from mcptop.config import Settings
from mcptop.fleet.asking import Asker
from mcptop.fleet.collector import DownCollector, PrometheusCollector
from mcptop.fleet.sight import Fleet, banner_of
from mcptop.model.snapshot import Snapshot
from mcptop.sampler import Sampler
from mcptop.sources.prometheus import Prometheus

_QUESTIONS = 8
"""Of a first look, which may each take as long as one may."""


class FleetSource:
    """Samples a Prometheus server. Raises `PrometheusError` where the settings cannot be right."""

    def __init__(self, settings: Settings, patient: bool = False) -> None:
        """`patient`: the first look may take as long as all its questions may, as nobody looks at a screen."""
        server = settings.prometheus
        self._client = Prometheus(server)
        self.place = self._client.place
        patience_s = server.timeout * _QUESTIONS if patient else max(2.0, 0.8 * settings.interval)
        self._prometheus = PrometheusCollector(Asker(self._client, server.match), settings.interval, patience_s)
        self._sampler = Sampler([self._prometheus, DownCollector(self._prometheus)])

    def wait_for_engine(self, timeout_s: float) -> None:
        """There is no engine to wait for."""

    rates_come = False
    """What has no rate at the second look has none until its next scrape: not worth waiting for."""

    @property
    def settled(self) -> bool:
        """Whether the next sample would say no more than the last one."""
        return self._prometheus.settled

    def sample(self) -> Snapshot:
        """One look; what could not be renewed has its age."""
        looked = self._sampler.sample()
        fleet = self._prometheus.fleet
        several = len(fleet.hosts) > 1
        return msgspec.structs.replace(
            looked,
            host=fleet.hosts[0] if len(fleet.hosts) == 1 else None,
            hosts=fleet.hosts if several else (),
            targets=fleet.targets,
            readings=dict(fleet.readings),
            sockets=dict(fleet.sockets),
            files=dict(fleet.files),
            flows=dict(fleet.flows),
            stale=_stale(fleet, looked.monotonic),
            engine=f"prometheus {self.place}",
            banner=banner_of(fleet),
        )

    def close(self) -> None:
        """End the threads and connections."""
        self._sampler.close()
        self._client.close()


def _stale(fleet: Fleet, now: float) -> dict[str, float]:
    return {
        key: reading.read_at for key, reading in fleet.readings.items() if now - reading.read_at > fleet.late_s[key]
    }
