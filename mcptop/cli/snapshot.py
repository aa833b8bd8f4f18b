"""`mcptop snapshot`."""

from __future__ import annotations

from typing import Any

import click

from mcptop.cli.settings import rules_of, settings_of, with_settings
from mcptop.exit_status import ExitStatus
from mcptop.source_choice import source_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document (with --watch: one a line).")
@click.option("--csv", "as_csv", is_flag=True, help="One row an instance.")
@click.option("--watch", is_flag=True, help="Go on until stopped; JSON lines unless --csv.")
@click.option("--count", type=click.IntRange(min=1), help="With --watch: stop after so many.")
@click.option("--service", help="Only this service: NAME or PROJECT/NAME.")
@with_settings
@click.pass_context
def snapshot(
    context: click.Context,
    /,
    as_json: bool,
    as_csv: bool,
    watch: bool,
    count: int | None,
    service: str | None,
    **flags: Any,
) -> ExitStatus:
    """One look at every service: a table, JSON or CSV."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    if count and not watch:
        raise click.UsageError("--count goes with --watch")
    settings = settings_of(context, **flags)
    from mcptop.headless import snapshot as command

    form = command.Format.CSV if as_csv else command.Format.JSON if as_json or watch else command.Format.TABLE
    rules, source = rules_of(settings), source_of(settings)
    if watch:
        return command.guard_pipe(lambda: command.watch(source, settings.interval, form, service, count, rules))
    return command.guard_pipe(lambda: command.once(source, settings.interval, form, service, rules))
