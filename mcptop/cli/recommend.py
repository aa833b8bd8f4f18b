"""`mcptop recommend`: limits, reservations and replicas by what was observed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcptop.cli.past import one_source
from mcptop.cli.recording import seconds_of
from mcptop.cli.settings import settings_of, with_settings
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.source_choice import is_fleet

if TYPE_CHECKING:
    from mcptop.headless.observing import Seen

_LIVE, _BACK = "60s", "8d"
_FARTHEST_S = 400 * 86_400.0
_DAYS_OR_HOURS = re.compile(r"(\d{1,4}(?:\.\d{1,3})?) ?([dh])")


@click.command()
@click.option("--service", help="Only this service: NAME or PROJECT/NAME.")
@click.option("--project", help="Only the services of this project.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--env", "as_env", is_flag=True, help="Lines for an .env file, with the guide's variables.")
@click.option("--compose", "as_compose", is_flag=True, help="An override for a Compose file.")
@click.option("--explain", is_flag=True, help="With the arithmetic, and what other rules say.")
@click.option("--from", "recording", type=click.Path(path_type=Path), metavar="FILE",
              help="What `mcptop record` wrote there.")  # fmt: skip
@click.option(
    "--for",
    "duration",
    metavar="TIME",
    help="Look at this machine for so long (default: 60s); with --prometheus so far back (default: 8d).",
)
@with_settings
@click.pass_context
def recommend(
    context: click.Context,
    /,
    service: str | None,
    project: str | None,
    as_json: bool,
    as_env: bool,
    as_compose: bool,
    explain: bool,
    recording: Path | None,
    duration: str | None,
    **flags: Any,
) -> ExitStatus:
    """Which limits, reservations and replicas what was observed calls for, and why."""
    if as_json + as_env + as_compose > 1:
        raise click.UsageError("--json, --env and --compose exclude each other")
    if explain and (as_json or as_env or as_compose):
        raise click.UsageError("--explain is for people: --json has the arithmetic, the files have the rule")
    if recording is not None and duration is not None:
        raise click.UsageError("--for is for this machine or a Prometheus: leave it out with --from")
    one_source(context, recording, flags)
    from mcptop.headless.pipe import guard_pipe
    from mcptop.headless.recommend import Form, SeveralProjects, tell

    form = Form.JSON if as_json else Form.ENV if as_env else Form.COMPOSE if as_compose else Form.TEXT
    settings = settings_of(context, **flags)
    seen = _looked(settings, recording, duration)
    try:
        return guard_pipe(lambda: tell(_of(seen, project), form, service, explain))
    except SeveralProjects as problem:
        raise click.UsageError(str(problem)) from None


def _looked(settings: Settings, recording: Path | None, duration: str | None) -> Seen:
    from mcptop.headless import observing

    if recording is not None:
        return observing.recorded(recording)
    if is_fleet(settings):
        return observing.asked(settings.prometheus, _back(duration or _BACK))
    if _DAYS_OR_HOURS.fullmatch((duration or "").strip()):
        raise click.UsageError(
            f"--for {duration} is of a Prometheus (--prometheus URL); of this machine record so long with "
            "`mcptop record FILE`, and ask with --from FILE"
        )
    seconds = seconds_of(duration or _LIVE, "--for", 1)
    from mcptop.live import LiveSource

    return observing.live(LiveSource(settings), settings.interval, seconds)


def _back(text: str) -> float:
    """How far back, in seconds: days and hours too. Raises `click.UsageError`."""
    found = _DAYS_OR_HOURS.fullmatch(text.strip())
    if found is None:
        return seconds_of(text, "--for", 60)
    seconds = float(found[1]) * (86_400 if found[2] == "d" else 3600)
    if not 60 <= seconds <= _FARTHEST_S:
        raise click.UsageError(f"--for {text}: expected at least 60s and at most 400d")
    return seconds


def _of(seen: Seen, project: str | None) -> Seen:
    """Raises `click.UsageError` for a project that is not there."""
    if project is None:
        return seen
    from msgspec.structs import replace

    from mcptop.units import nearest, plain

    found = tuple(one for one in seen.services if one.project == project)
    if not found:
        names = sorted({one.project for one in seen.services if one.project})
        raise click.UsageError(f"--project {plain(project)}: no such project; {nearest(project, names)}")
    return replace(seen, services=found)
