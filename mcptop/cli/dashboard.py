"""The dashboard on this machine, or on a fleet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from mcptop.cli.screen import show, show_fleet
from mcptop.cli.settings import rules_of
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.serve import visit
from mcptop.source_choice import is_fleet

if TYPE_CHECKING:
    from mcptop.demo.command import Running

# A flag only: a file or variable that turns on destructive keys would be a trap.
allow_actions_option = click.option(
    "--allow-actions", is_flag=True, help="Offer to stop, restart, signal, limit, enter."
)
_SCREEN_FIRST_S = 0.8


def dashboard(settings: Settings, allow_actions: bool, demo: Running | None = None) -> ExitStatus:
    """Until the reader leaves."""
    if is_fleet(settings) and demo is None:
        if allow_actions:
            raise click.UsageError("--allow-actions is for the machine itself: not with --prometheus")
        return show_fleet(settings)
    from mcptop.history import KEPT_S
    from mcptop.live import LiveSource
    from mcptop.monitor import Monitor
    from mcptop.recording.ring import Ring

    visit.end_with_server()
    # The first samples are taken while the screen's code is still being loaded; the engine's package, which takes as
    # long to load, comes after the first picture.
    source = LiveSource(settings, hold_engine_s=_SCREEN_FIRST_S)
    ring = Ring(settings.interval, KEPT_S)
    monitor = Monitor(source, settings.interval, ring, rules=rules_of(settings))
    monitor.begin()
    from mcptop.closeup.looker import Looker
    from mcptop.logs import source as log_source
    from mcptop.ui.actions import acting
    from mcptop.ui.reach import Reach

    reach = Reach(
        looks=lambda tell: Looker(source.world, tell),
        logs=log_source.live(settings),
        in_browser=visit.is_visit(),
        past=ring.log,
        performer=lambda: acting.performer(settings),
        allow_actions=allow_actions,
    )
    try:
        return show(monitor, settings, demo, reach=reach)
    finally:
        if os.environ.get("MCPTOP_DEBUG"):
            for traceback in monitor.defects.tracebacks:
                click.echo(traceback, err=True)
