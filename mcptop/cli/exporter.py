"""`mcptop exporter`: the figures over HTTP, for Prometheus."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from mcptop.cli.settings import rules_of, settings_of, with_settings
from mcptop.exit_status import ExitStatus
from mcptop.source_choice import only_here

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option(
    "--listen", default="127.0.0.1:9477", show_default=True, metavar="ADDRESS:PORT", help="Port 0: a free one."
)
@click.option("--token-file", type=_FILE, help="Who asks must know what is in it (or in MCPTOP_EXPORTER_TOKEN).")
@click.option("--tls-cert", type=_FILE, help="Serve HTTPS with this certificate (PEM).")
@click.option("--tls-key", type=_FILE, help="Its key (PEM), where it is not in the same file.")
@click.option("--allow-unauthenticated", is_flag=True, help="Listen beyond this machine without a token.")
@click.option("--processes", is_flag=True, help="Also host processes of no project.")
@click.option("--max-series", type=click.IntRange(min=100), default=100_000, show_default=True, help="Most on a page.")
@with_settings
@click.pass_context
def exporter(
    context: click.Context,
    /,
    listen: str,
    token_file: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    allow_unauthenticated: bool,
    processes: bool,
    max_series: int,
    **flags: Any,
) -> ExitStatus:
    """The figures of every service for Prometheus, over HTTP on this machine until stopped."""
    settings = settings_of(context, **flags)
    only_here(settings, "exporter", "it tells Prometheus of this machine")
    from mcptop.exporter import command
    from mcptop.exporter.plan import TOKEN_VARIABLE, PlanError, plan
    from mcptop.exporter.server import ListenError

    try:
        planned = plan(listen, token_file, (tls_cert, tls_key), allow_unauthenticated, os.environ)
        os.environ.pop(TOKEN_VARIABLE, None)  # nothing that is started from here needs it
        return command.run(settings, rules_of(settings), planned, processes, max_series)
    except (PlanError, ListenError) as problem:
        raise click.UsageError(str(problem)) from None
