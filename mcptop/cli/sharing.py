"""The commands that hand the dashboard over: to a colleague as a report, to a browser as it is."""

from __future__ import annotations

from typing import Any

import click

from mcptop.cli.settings import rules_of, settings_of, with_settings
from mcptop.exit_status import ExitStatus
from mcptop.source_choice import only_here


@click.command()
@with_settings
@click.pass_context
def handover(context: click.Context, /, **flags: Any) -> ExitStatus:
    """One look as an incident report: Markdown and HTML in the current folder, without secrets."""
    settings = settings_of(context, **flags)
    from mcptop.headless import handover as command
    from mcptop.headless.snapshot import guard_pipe

    rules = rules_of(settings)
    return guard_pipe(lambda: command.run(settings, rules))


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8477, show_default=True, help="0: a free one.")
@click.option(
    "--visitors", type=click.IntRange(1, 64), default=4, show_default=True, help="Most at a time; each is a process."
)
@with_settings
@click.pass_context
def serve(context: click.Context, /, port: int, visitors: int, **flags: Any) -> ExitStatus:
    """The dashboard in a browser of this machine, read-only."""
    assert context.parent is not None
    given = {**(context.obj or {}), **{key: value for key, value in flags.items() if value is not None}}
    if given.pop("allow_actions", None):
        raise click.UsageError("serve is read-only: leave --allow-actions out, or act in a terminal")
    # A mistake in them is said here, not to every visitor.
    only_here(settings_of(context, **flags), "serve", "serve it on a host")
    try:
        from mcptop.serve import command
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("textual_serve", "aiohttp", "aiohttp_jinja2"):
            raise
        raise click.UsageError("serve needs a package that is not here: pip install 'mcptop[serve]'") from None
    return command.run(command.arguments(context.parent.command.params, given), port, visitors)
