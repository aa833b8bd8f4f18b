"""The command line: parses, builds, hands over. What a command needs is imported when that command runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mcptop import __version__
from mcptop.config import ConfigError, Settings, load, paths_exist
from mcptop.exit_status import ExitStatus

Command = TypeVar("Command", bound=Callable[..., Any])

_SETTINGS = (
    click.option("--config", "config", type=click.Path(path_type=Path), help="Configuration file (TOML)."),
    click.option("--interval", type=float, help="Seconds between samples (0.2 to 60; default 1)."),
    click.option("--host", "docker_host", help="Docker Engine to ask: unix://, tcp://, ssh://."),
    click.option("--api-only", is_flag=True, default=None, help="Do not read the kernel's files for containers."),
    click.option("--path-procfs", help="Another /proc: a recorded tree, or the host's mounted in a container."),
    click.option("--path-sysfs", help="Another /sys, likewise."),
)

_SCREEN_FIRST_S = 0.8


def _with_settings(command: Command) -> Command:
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


def _settings(context: click.Context, **flags: Any) -> Settings:
    """Flags may stand before the command or after it; after it they win."""
    given = {key: value for key, value in flags.items() if value is not None}
    given = {**(context.obj or {}), **given}
    path = given.pop("config", None)
    settings = load(path, os.environ, given)
    paths_exist(settings)
    return settings


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mcptop", message="%(prog)s %(version)s")
@_with_settings
@click.option("--theme", type=click.Choice(["dark", "light"]), help="Colours of the dashboard.")
@click.pass_context
def cli(context: click.Context, /, **flags: Any) -> ExitStatus | None:
    """top for a stack of services. Without a command: the dashboard on this machine."""
    if context.invoked_subcommand is not None:
        context.obj = {key: value for key, value in flags.items() if value is not None}
        return None
    return _dashboard(_settings(context, **flags))


def _dashboard(settings: Settings) -> ExitStatus:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the dashboard needs a terminal; in a pipe use `mcptop snapshot`")
    from mcptop.live import LiveSource
    from mcptop.monitor import Monitor

    # The first samples are taken while the screen's code is still being loaded; the engine's package, which takes as
    # long to load, comes after the first picture.
    monitor = Monitor(LiveSource(settings, hold_engine_s=_SCREEN_FIRST_S), settings.interval)
    monitor.begin()
    from mcptop.ui.app import McptopApp

    app = McptopApp(monitor, theme=settings.theme, no_color=bool(os.environ.get("NO_COLOR")))
    app.run()
    return ExitStatus.OK if app.return_code in (None, 0) else ExitStatus.INTERNAL_ERROR


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document (with --watch: one a line).")
@click.option("--csv", "as_csv", is_flag=True, help="One row an instance.")
@click.option("--watch", is_flag=True, help="Go on until stopped; JSON lines unless --csv.")
@click.option("--count", type=click.IntRange(min=1), help="With --watch: stop after so many.")
@click.option("--service", help="Only this service: NAME or PROJECT/NAME.")
@_with_settings
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
    settings = _settings(context, **flags)
    from mcptop.headless import snapshot as command
    from mcptop.live import LiveSource

    form = command.Format.CSV if as_csv else command.Format.JSON if as_json or watch else command.Format.TABLE
    source = LiveSource(settings)
    if watch:
        return command.guard_pipe(lambda: command.watch(source, settings.interval, form, service, count))
    return command.guard_pipe(lambda: command.once(source, settings.interval, form, service))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@_with_settings
@click.pass_context
def doctor(context: click.Context, /, as_json: bool, **flags: Any) -> ExitStatus:
    """What this machine lets mcptop see, and how to close each gap."""
    settings = _settings(context, **flags)
    from mcptop.headless import doctor as command
    from mcptop.headless.snapshot import guard_pipe

    return guard_pipe(lambda: command.run(settings, as_json))


def _fail(message: str, status: ExitStatus) -> ExitStatus:
    print(f"mcptop: {message}", file=sys.stderr)
    if "--json" in sys.argv:
        import msgspec

        error = {"schema": "mcptop.error/1", "error": message, "exit_status": int(status)}
        sys.stdout.buffer.write(msgspec.json.encode(error) + b"\n")
    return status


def _run() -> int:
    try:
        status = cli.main(standalone_mode=False, prog_name="mcptop")
    except click.ClickException as error:
        return _fail(error.format_message(), ExitStatus.USAGE)
    except ConfigError as error:
        return _fail(str(error), ExitStatus.USAGE)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:
        from mcptop.headless.snapshot import UnknownService

        if isinstance(error, UnknownService):
            return _fail(str(error), ExitStatus.USAGE)
        if os.environ.get("MCPTOP_DEBUG"):
            raise
        hint = "set MCPTOP_DEBUG=1 for the traceback"
        return _fail(f"internal error: {type(error).__name__}: {error} ({hint})", ExitStatus.INTERNAL_ERROR)
    return int(status or 0)


def main() -> None:
    """Entry point of the `mcptop` program."""
    sys.exit(_run())
