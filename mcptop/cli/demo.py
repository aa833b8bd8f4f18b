"""`mcptop demo`: the demo stack, and the dashboard on it."""

from __future__ import annotations

from typing import Any

import click

from mcptop.cli.dashboard import allow_actions_option, dashboard
from mcptop.cli.screen import check_screen, needs_terminal
from mcptop.cli.settings import settings_of, with_settings, with_view
from mcptop.exit_status import ExitStatus


@click.command()
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME[:KEY=VALUE,...]", help="Switch a fault on; may be repeated."
)
@click.option("--list-faults", is_flag=True, help="Show what can be switched on, and end.")
@click.option(
    "--profile", type=click.Choice(["dev", "small", "large"]), default="dev", show_default=True, help="Limits."
)
@click.option("--headless", is_flag=True, help="Without the dashboard, until Ctrl+C.")
@click.option("--port", type=click.IntRange(1, 65535), help="Of mcp-api (default: a free one; with --docker 4000).")
@click.option("--docker", is_flag=True, help="As containers, with limits and health checks.")
@click.option("--base-image", help="With --docker: the image with Python 3.11 or newer to build on.")
@click.option(
    "--wheels", type=click.Path(exists=True, file_okay=False), help="With --docker: wheels to build from, offline."
)
@click.option("--keep-image", is_flag=True, help="With --docker: leave the built image for the next time.")
@click.option("--json", "as_json", is_flag=True, help="With --list-faults or --headless: one JSON document.")
@with_view
@allow_actions_option
@with_settings
@click.pass_context
def demo(
    context: click.Context,
    /,
    faults: tuple[str, ...],
    list_faults: bool,
    profile: str,
    headless: bool,
    port: int | None,
    docker: bool,
    base_image: str | None,
    wheels: str | None,
    keep_image: bool,
    as_json: bool,
    allow_actions: bool,
    **flags: Any,
) -> ExitStatus:
    """A small MCP stack with faults on a switch, and the dashboard on it."""
    from mcptop.demo import DemoError, command

    if list_faults:
        return command.list_faults(as_json)
    if as_json and not headless:
        raise click.UsageError("--json goes with --list-faults or --headless")
    if not docker and (base_image or wheels or keep_image):
        raise click.UsageError("--base-image, --wheels and --keep-image go with --docker")
    if allow_actions and headless:
        raise click.UsageError("--allow-actions is for the dashboard: not with --headless")
    settings = settings_of(context, **flags)
    if not headless:
        needs_terminal("in a pipe use `mcptop demo --headless`")
        check_screen(settings)
    try:
        asked = command.asked(faults, docker)
        where = command.in_docker(port, base_image, wheels, keep_image) if docker else None
        with command.start(profile, asked, port, where) as running:
            if headless:
                return command.run_headless(running, asked, as_json)
            return dashboard(settings, allow_actions, running)
    except DemoError as problem:
        raise click.ClickException(str(problem)) from None
