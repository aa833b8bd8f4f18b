"""The dashboard for whoever gives it frames."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from mcptop.cli.settings import file, rules_of
from mcptop.config import Settings, views_folder
from mcptop.exit_status import ExitStatus
from mcptop.serve import visit
from mcptop.views import saved

if TYPE_CHECKING:
    from mcptop.demo.command import Running
    from mcptop.ui.diagnosis.running import Make
    from mcptop.ui.messages import FrameSource
    from mcptop.ui.reach import Reach


ELSEWHERE = "Prometheus has figures only: processes, files, settings, logs and actions are on the host itself"


def needs_terminal(instead: str) -> None:
    """Raise `click.UsageError` where there is none."""
    # Textual draws on stderr; for a browser on whatever `mcptop serve` gave it.
    if not visit.is_visit() and not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"the dashboard needs a terminal; {instead}")


def check_screen(settings: Settings) -> None:
    """Raise `ConfigError` or `ViewError` where the dashboard could not do as the settings say."""
    if settings.view is not None:
        saved.find(views_folder(), settings.view)
    if settings.notify.webhook_token_env:
        from mcptop.notices.office import office_of

        office_of(settings.notify, file=f"{file()}")
    if settings.keymap or settings.keys:
        from mcptop.ui.keys.listeners import keymap_of

        keymap_of(settings, f"{file()}")


def show_fleet(settings: Settings) -> ExitStatus:
    """The dashboard on a Prometheus server, until the reader leaves."""
    from mcptop.history import KEPT_S
    from mcptop.monitor import Monitor
    from mcptop.recording.ring import Ring
    from mcptop.source_choice import source_of

    visit.end_with_server()
    ring = Ring(settings.interval, KEPT_S)
    source = source_of(settings, patient=False)
    monitor = Monitor(source, settings.interval, ring, rules=rules_of(settings))
    monitor.begin()
    from mcptop.ui.reach import Reach

    reach = Reach(in_browser=visit.is_visit(), past=ring.log, elsewhere=ELSEWHERE)
    return show(monitor, settings, reach=reach)


def show(
    source: FrameSource,
    settings: Settings,
    demo: Running | None = None,
    diagnosis: Make | None = None,
    reach: Reach | None = None,
) -> ExitStatus:
    """Until the reader leaves."""
    from mcptop.ui.app import McptopApp
    from mcptop.ui.reach import NO_REACH

    no_color = bool(os.environ.get("NO_COLOR"))
    app = McptopApp(
        source, settings, theme=settings.theme, no_color=no_color, diagnosis=diagnosis, reach=reach or NO_REACH
    )
    if demo is not None:
        app.attach(demo.switches(), demo.project)
        demo.on_news = app.tell
    app.run(mouse=settings.mouse)
    return ExitStatus.OK if app.return_code in (None, 0) else ExitStatus.INTERNAL_ERROR
