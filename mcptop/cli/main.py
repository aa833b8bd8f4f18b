"""The command line: parses, builds, hands over. What a command needs is imported when that command runs."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from mcptop import __version__
from mcptop.adapters.tables import AdapterError
from mcptop.cli.alerts import alerts
from mcptop.cli.dashboard import allow_actions_option, dashboard
from mcptop.cli.demo import demo
from mcptop.cli.diagnose import diagnose
from mcptop.cli.doctor import doctor
from mcptop.cli.export import export
from mcptop.cli.exporter import exporter
from mcptop.cli.playbooks import judge, playbooks
from mcptop.cli.recommend import recommend
from mcptop.cli.recording import record, replay
from mcptop.cli.scale import scale
from mcptop.cli.screen import check_screen, needs_terminal
from mcptop.cli.settings import settings_of, with_settings, with_view
from mcptop.cli.sharing import handover, serve
from mcptop.cli.snapshot import snapshot
from mcptop.config import ConfigError
from mcptop.exit_status import ExitStatus
from mcptop.views.saved import ViewError


@click.group(
    commands=[
        alerts,
        demo,
        diagnose,
        doctor,
        export,
        exporter,
        handover,
        judge,
        playbooks,
        recommend,
        record,
        replay,
        scale,
        serve,
        snapshot,
    ],
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="mcptop", message="%(prog)s %(version)s")
@with_settings
@click.option("--theme", type=click.Choice(["dark", "light"]), help="Colours of the dashboard.")
@with_view
@allow_actions_option
@click.pass_context
def cli(context: click.Context, /, allow_actions: bool, **flags: Any) -> ExitStatus | None:
    """top for a stack of services. Without a command: the dashboard on this machine."""
    if context.invoked_subcommand is not None:
        if allow_actions:
            raise click.UsageError(
                "--allow-actions is for the dashboard: `mcptop`, or after `mcptop demo` or `mcptop scale`"
            )
        context.obj = {key: value for key, value in flags.items() if value is not None}
        return None
    settings = settings_of(context, **flags)
    needs_terminal("in a pipe use `mcptop snapshot`")
    check_screen(settings)
    return dashboard(settings, allow_actions)


def _fail(message: str, status: ExitStatus) -> ExitStatus:
    from mcptop.headless.pipe import fail

    return fail(message, status, as_json="--json" in sys.argv)


def _which(context: click.Context | None) -> str:
    """What to say of a command that is only a group of commands."""
    if context is None or not isinstance(context.command, click.Group):
        return "say what: --help shows it"
    names = ", ".join(context.command.list_commands(context))
    return f"`{context.command_path}` wants one of: {names} (`{context.command_path} --help`)"


def run() -> int:
    """What the command line says, carried out; every failure is one line. The exit code."""
    try:
        status = cli.main(standalone_mode=False, prog_name="mcptop")
    except click.exceptions.NoArgsIsHelpError as error:
        return _fail(_which(error.ctx), ExitStatus.USAGE)
    except click.ClickException as error:
        return _fail(error.format_message(), ExitStatus.USAGE)
    except (ConfigError, AdapterError, ViewError) as error:
        return _fail(str(error), ExitStatus.USAGE)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:
        from mcptop.headless.mistakes import status_of

        if (status := status_of(error)) is not None:
            return _fail(str(error), status)
        if os.environ.get("MCPTOP_DEBUG"):
            raise
        hint = "set MCPTOP_DEBUG=1 for the traceback"
        return _fail(f"internal error: {type(error).__name__}: {error} ({hint})", ExitStatus.INTERNAL_ERROR)
    return int(status or 0)


def main() -> None:
    """Entry point of the `mcptop` program."""
    from mcptop.headless.pipe import any_letters, finish

    any_letters()
    status = run()
    finish()
    sys.exit(status)
