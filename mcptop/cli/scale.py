"""`mcptop scale`: parses, builds, hands over."""

from __future__ import annotations

from typing import Any

import click

from mcptop.cli.settings import settings_of, with_settings
from mcptop.exit_status import ExitStatus
from mcptop.source_choice import only_here


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("service")
@click.argument("replicas", type=int, required=False)
@click.option("--auto", is_flag=True, help="As many as one look at its CPU and its queue asks for.")
@click.option("--min", "least", type=click.IntRange(0), help="With --auto: never fewer (default 1).")
@click.option("--max", "most", type=click.IntRange(1), help="With --auto: never more (default 10).")
@click.option("--allow-actions", is_flag=True, help="Do it; without, say what would be done.")
@click.option("--over-budget", is_flag=True, help="Even where a database does not give so many connections.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(1, 3600), default=60.0, show_default=True,
              help="Seconds to wait until all replicas run.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@with_settings
@click.pass_context
def scale(
    context: click.Context,
    /,
    service: str,
    replicas: int | None,
    auto: bool,
    least: int | None,
    most: int | None,
    allow_actions: bool,
    over_budget: bool,
    timeout_s: float,
    as_json: bool,
    **flags: Any,
) -> ExitStatus:
    """Another number of replicas for a Swarm service: a dry run without --allow-actions."""
    if (replicas is None) is not auto:
        raise click.UsageError("say how many replicas, or --auto: `mcptop scale web 3`, `mcptop scale web --auto`")
    if not auto and (least is not None or most is not None):
        raise click.UsageError("--min and --max go with --auto")
    least, most = 1 if least is None else least, 10 if most is None else most
    if least > most:
        raise click.UsageError(f"--min {least} is more than --max {most}")
    settings = settings_of(context, **flags)
    only_here(settings, "scale", "a manager of the Swarm is asked")
    from mcptop.headless import scale as command

    order = command.Order(service, replicas, least, most, timeout_s, allow_actions, over_budget, as_json)
    return command.guarded(settings, order)
