"""A fleet as the program looks at it: the source and the monitor, stepped by the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcptop.config import Settings
from mcptop.fleet.source import FleetSource
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance
from mcptop.model.snapshot import Snapshot
from mcptop.monitor import Monitor
from mcptop.server_settings import PrometheusServer, Secret

from .server import until


class Looking:
    """On the server at `url`. A context manager."""

    def __init__(self, url: str, interval: float = 1.0, **server: Any) -> None:
        self.settings = Settings(interval=interval, prometheus=PrometheusServer(url=Secret(url), **server))
        self.source = FleetSource(self.settings, patient=True)
        self.monitor = Monitor(_Kept(self.source, self._keep), interval)
        self.snapshots: list[Snapshot] = []

    def _keep(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    def frame(self) -> Frame:
        """The next one."""
        return self.monitor.step()

    def settled(self) -> Frame:
        """The second one: it has rates."""
        self.frame()
        return self.frame()

    def until(self, check: Callable[[Frame], None]) -> Frame:
        """The first frame to which `check` has no objection."""

        def look() -> Frame:
            frame = self.frame()
            check(frame)
            return frame

        return until(look, 30)

    def __enter__(self) -> Looking:
        return self

    def __exit__(self, *_: object) -> None:
        self.monitor.stop()


class _Kept:
    """A source whose snapshots are kept too."""

    def __init__(self, source: FleetSource, keep: Callable[[Snapshot], None]) -> None:
        self._source, self._keep = source, keep

    def sample(self) -> Snapshot:
        snapshot = self._source.sample()
        self._keep(snapshot)
        return snapshot

    def close(self) -> None:
        self._source.close()


def service(frame: Frame, name: str) -> Service:
    """The only one of that name."""
    found = [one for one in frame.services if one.name == name]
    assert len(found) == 1, [(one.project, one.name, one.kind) for one in frame.services]
    return found[0]


def instance(frame: Frame, name: str) -> Instance:
    """The only one of that name."""
    found = [one for every in frame.services for one in every.instances if one.name == name]
    assert len(found) == 1, [one.name for every in frame.services for one in every.instances]
    return found[0]


def source_says(frame: Frame, name: str) -> tuple[str, str]:
    """Status and message of a source."""
    report = next(each for each in frame.sources if each.name == name)
    return report.status.value, report.message
