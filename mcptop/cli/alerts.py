"""`mcptop alerts` with its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mcptop.cli.past import past_of, with_past
from mcptop.cli.settings import file, rules_of, settings_of, with_settings
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.source_choice import source_of

_FILE = click.Path(path_type=Path, dir_okay=False)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document (with --watch: one a line).")
@click.option("--watch", is_flag=True, help="A line each time one begins, changes or ends, until stopped.")
@click.option("--service", help="Only those of this service: NAME or PROJECT/NAME.")
@click.option("--severity", type=click.Choice(["warning", "critical"]), help="At least that bad.")
@click.option("--over", metavar="TIME", help="Look for so long, such as 5m: a level has to last before it fires.")
@with_past
@with_settings
@click.pass_context
def alerts(
    context: click.Context,
    /,
    as_json: bool,
    watch: bool,
    service: str | None,
    severity: str | None,
    over: str | None,
    recording: Path | None,
    at: str | None,
    **flags: Any,
) -> ExitStatus | None:
    """What is wrong, worst first; exit code 3: something critical, 4: a warning, 0: nothing."""
    if context.invoked_subcommand is not None:
        given = {key: value for key, value in flags.items() if value is not None}
        context.obj = {**(context.obj or {}), **given}
        return None
    past = past_of(context, recording, at, flags)
    if past is not None and (watch or over is not None):
        raise click.UsageError("--from is one moment: leave --watch and --over out")
    if watch and over is not None:
        raise click.UsageError("--watch looks until it is stopped: leave --over out")
    settings = settings_of(context, **flags)
    rules = rules_of(settings)
    from mcptop.headless import alerts as command
    from mcptop.headless.pipe import guard_pipe
    from mcptop.model.playbook import Severity

    wanted = command.Wanted(service, Severity(severity) if severity else None)
    if past is not None:
        return guard_pipe(lambda: command.of_past(past, rules, wanted, as_json))
    if watch:
        return _watch(settings, wanted, as_json)
    over_s = _seconds(over) if over is not None else 0.0
    return guard_pipe(lambda: command.once(source_of(settings), settings.interval, rules, wanted, as_json, over_s))


def _watch(settings: Settings, wanted: Any, as_json: bool) -> ExitStatus:
    from mcptop.headless import alert_watch
    from mcptop.headless.pipe import guard_pipe
    from mcptop.notices.office import office_of

    rules, office = rules_of(settings), office_of(settings.notify, _terminal(settings), file=f"{file()}")
    source = source_of(settings)
    return guard_pipe(lambda: alert_watch.watch(source, settings.interval, rules, wanted, as_json, office))


def _terminal(settings: Settings) -> Any:
    """stderr, where that is a terminal: stdout may be a file of JSON lines."""
    import sys

    from mcptop.notices.terminal import Spoken

    def write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    return Spoken(settings.notify, write) if sys.stderr.isatty() else None


def _seconds(text: str) -> float:
    from mcptop.alerts.quantities import duration

    try:
        return duration(text)
    except ValueError as error:
        raise click.UsageError(f"--over: {error}") from None


@alerts.command()
@_JSON
@with_settings
@click.pass_context
def rules(context: click.Context, /, as_json: bool, **flags: Any) -> ExitStatus:
    """The rules in force, and where each figure comes from."""
    in_force = rules_of(settings_of(context, **flags))
    from mcptop.headless import alert_rules
    from mcptop.headless.pipe import guard_pipe

    where = str(file())
    return guard_pipe(lambda: alert_rules.show(in_force, where, as_json))


@alerts.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--metrics", "pages", multiple=True, type=_FILE, metavar="FILE",
              help="A page of metrics that is exported too, as an exporter serves it; may be repeated.")  # fmt: skip
@click.option("--prometheus", metavar="URL", help="All metrics that this server has are exported too.")
@_JSON
@click.pass_context
def lint(
    context: click.Context, /, files: tuple[Path, ...], pages: tuple[Path, ...], prometheus: str | None, as_json: bool
) -> ExitStatus:
    """Name each rule in FILES of Prometheus that never fires, or always: a metric nobody exports, or no PromQL."""
    try:
        import promql_parser  # noqa: F401
    except ModuleNotFoundError:
        raise click.UsageError("lint needs a package that is not here: pip install 'mcptop[rules]'") from None
    from mcptop.headless import alert_rules
    from mcptop.headless.pipe import guard_pipe

    server = None if prometheus is None else settings_of(context, prometheus=prometheus).prometheus
    return guard_pipe(lambda: alert_rules.lint(files, pages, server, as_json))
