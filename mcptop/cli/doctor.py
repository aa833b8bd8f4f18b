"""`mcptop doctor`."""

from __future__ import annotations

from typing import Any

import click

from mcptop.cli.settings import settings_of, with_settings
from mcptop.exit_status import ExitStatus
from mcptop.source_choice import only_here


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
