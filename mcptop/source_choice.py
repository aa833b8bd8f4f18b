"""Where snapshots come from: this machine, or a Prometheus server that many machines' figures are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcptop.config import ConfigError, Settings

if TYPE_CHECKING:
    from mcptop.fleet.source import FleetSource
    from mcptop.live import LiveSource


def is_fleet(settings: Settings) -> bool:
    """Whether the settings name a Prometheus server."""
    return settings.prometheus.url is not None


def source_of(settings: Settings, patient: bool = True) -> LiveSource | FleetSource:
    """The source the settings name. `patient`: somebody waits for one look, and not for a screen."""
    if is_fleet(settings):
        from mcptop.fleet.source import FleetSource

        return FleetSource(settings, patient)
    from mcptop.live import LiveSource

    return LiveSource(settings)


def only_here(settings: Settings, command: str, instead: str) -> None:
    """Raise `ConfigError` where a command that needs the machine itself is asked of a Prometheus server."""
    if is_fleet(settings):
        raise ConfigError(f"{command} cannot look through Prometheus: {instead}, or add --prometheus ''")
