"""What is checked before anything begins: the settings that only the dashboard knows, and the machine (`doctor`)."""

from __future__ import annotations

from typing import Any

import click

from mcptop.cli_settings import file, settings_of, with_settings
from mcptop.config import Settings, views_folder
from mcptop.exit_status import ExitStatus
from mcptop.source_choice import only_here
from mcptop.views import saved


def check_screen(settings: Settings) -> None:
    """Raise `ConfigError` or `ViewError` where the dashboard could not do as the settings say."""
    if settings.view is not None:
        saved.find(views_folder(), settings.view)
    if settings.notify.webhook_token_env:
        from mcptop.notices.office import office_of

        office_of(settings.notify)
    if settings.keymap or settings.keys:
        from mcptop.ui.listeners import keymap_of

        keymap_of(settings, f"{file()}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@with_settings
@click.pass_context
def doctor(context: click.Context, /, as_json: bool, **flags: Any) -> ExitStatus:
    """What this machine lets mcptop see, and how to close each gap."""
    settings = settings_of(context, **flags)
    only_here(settings, "doctor", "run it on the host")
    from mcptop.headless import doctor as command
    from mcptop.headless.snapshot import guard_pipe

    return guard_pipe(lambda: command.run(settings, as_json))
