"""The command line: parses, builds, hands over. What a command needs is imported when that command runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from mcptop import __version__
from mcptop.adapters.tables import AdapterError
from mcptop.cli_advice import recommend
from mcptop.cli_alerts import alerts
from mcptop.cli_checks import check_screen, doctor
from mcptop.cli_dashboard import allow_actions_option, dashboard
from mcptop.cli_demo import demo
from mcptop.cli_export import export
from mcptop.cli_exporter import exporter
from mcptop.cli_playbooks import budget_s, judge, playbooks
from mcptop.cli_recording import record, replay
from mcptop.cli_scale import scale
from mcptop.cli_screen import needs_terminal
from mcptop.cli_settings import rules_of, settings_of, with_settings, with_view
from mcptop.cli_sharing import handover, serve
from mcptop.config import ConfigError
from mcptop.exit_status import ExitStatus
from mcptop.model.playbook import Safety
from mcptop.source_choice import only_here, source_of
from mcptop.views.saved import ViewError


@click.group(
    commands=[
        alerts,
        demo,
        doctor,
        judge,
        playbooks,
        recommend,
        record,
        replay,
        handover,
        serve,
        export,
        exporter,
        scale,
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


@cli.command()
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


@cli.command()
@click.argument("playbook", required=False)
@click.option("--service", help="Whom: NAME or PROJECT/NAME. Without any: whoever shows the symptom most.")
@click.option("--container", help="Whom: a container's name, or the beginning of its id.")
@click.option("--pid", type=click.IntRange(min=1), help="Whom: a process of this host.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as one JSON document.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write the report there.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report there, in one file.")
@click.option("--bundle", type=click.Path(path_type=Path, dir_okay=False),
              help="Write all evidence there (tar.gz), secrets taken out; `mcptop judge` reads it.")  # fmt: skip
@click.option("--budget", "budget", metavar="TIME", help="Most it may take, such as 90s (default: the playbook's).")
@click.option("--safety", type=click.Choice([level.name.lower() for level in Safety]),
              help="Most that steps may do to the target (default: the playbook's, sampling at most).")  # fmt: skip
@click.option(
    "--script",
    type=click.Path(exists=True, dir_okay=False),
    help="Whom: this Python script, started for it and run again under profilers.",
)
@click.option("--allow-commands", is_flag=True, help="Let the playbook run commands of its own.")
@click.option("--from", "recording", type=click.Path(path_type=Path), metavar="FILE",
              help="Not this machine now, but what `mcptop record` wrote there.")  # fmt: skip
@click.option("--at", metavar="TIME", help="With --from: when, such as 12:04 (UTC) or -90s (default: its end).")
@with_settings
@click.pass_context
def diagnose(
    context: click.Context,
    /,
    playbook: str | None,
    service: str | None,
    container: str | None,
    pid: int | None,
    as_json: bool,
    markdown: Path | None,
    html: Path | None,
    bundle: Path | None,
    budget: str | None,
    safety: str | None,
    script: str | None,
    allow_commands: bool,
    recording: Path | None,
    at: str | None,
    **flags: Any,
) -> ExitStatus:
    """What is wrong, how sure, who it is, what to do. Without PLAYBOOK: which one to run on whom."""
    if sum(each is not None for each in (service, container, pid, script)) > 1:
        raise click.UsageError("--service, --container, --pid and --script exclude each other")
    if playbook is None and (service or container or pid or markdown or html or bundle or script):
        raise click.UsageError("without a PLAYBOOK all services are looked at: name one, or leave the options out")
    if recording is not None and (pid or script):
        raise click.UsageError("a recording knows no single process: --from goes with --service or --container")
    if at is not None and recording is None:
        raise click.UsageError("--at goes with --from")
    settings = settings_of(context, **flags)
    if recording is None:
        only_here(settings, "diagnose", "run it on the host of the service")
    from mcptop.headless import diagnose as command
    from mcptop.headless.past import Past
    from mcptop.headless.snapshot import guard_pipe
    from mcptop.playbook.diagnosis import Limits
    from mcptop.playbook.subjects import Wanted

    wall_s = budget_s(budget) if budget is not None else None
    past = Past(recording, at) if recording is not None else None
    if playbook is None:
        return guard_pipe(lambda: command.triaged(settings, wall_s or command.TRIAGE_S, as_json, past))
    limits = Limits(wall_s, Safety[safety.upper()] if safety else None, allow_commands, script)
    reports = command.Reports(as_json, markdown, html, bundle)
    wanted = Wanted(service, container, pid)
    return guard_pipe(lambda: command.run(settings, playbook, wanted, limits, reports, past))


def _fail(message: str, status: ExitStatus) -> ExitStatus:
    from mcptop.headless.pipe import fail

    return fail(message, status, as_json="--json" in sys.argv)


def _which(context: click.Context | None) -> str:
    """What to say of a command that is only a group of commands."""
    if context is None or not isinstance(context.command, click.Group):
        return "say what: --help shows it"
    names = ", ".join(context.command.list_commands(context))
    return f"`{context.command_path}` wants one of: {names} (`{context.command_path} --help`)"


def _run() -> int:
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
    status = _run()
    finish()
    sys.exit(status)
