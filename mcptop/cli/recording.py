"""The commands of the black box: `record` and `replay`."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from mcptop.cli.screen import check_screen, needs_terminal, show
from mcptop.cli.settings import rules_of, settings_of, with_settings, with_view
from mcptop.exit_status import ExitStatus

_FILE = click.Path(path_type=Path)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_LEAST_SIZE = 1 << 20


def size_of(text: str, option: str) -> int:
    """`200MiB`, `1G` or a number of bytes. Raises `click.UsageError`."""
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,3})?) ?([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if found is None:
        raise click.UsageError(f"{option} {text}: expected a size such as 200MiB")
    size = int(float(found[1]) * _UNITS[found[2].upper()])
    if size < _LEAST_SIZE:
        raise click.UsageError(f"{option} {text}: at least 1MiB")
    return size


def seconds_of(text: str, option: str, least: float) -> float:
    """`90s`, `24h`. Raises `click.UsageError`."""
    from mcptop.playbook.load import seconds

    try:
        found = seconds(text)
    except ValueError as error:
        raise click.UsageError(f"{option} {error}") from None
    if found < least:
        raise click.UsageError(f"{option} {text}: at least {least:g}s")
    return found


@click.command()
@click.argument("file", type=_FILE)
@click.option("--max-size", default="200MiB", show_default=True, help="When it is larger the oldest half goes.")
@click.option("--max-age", default="24h", show_default=True, help="When it goes back further the oldest half goes.")
@click.option("--duration", metavar="TIME", help="End after so long, such as 10m (default: Ctrl+C ends it).")
@click.option("--append", is_flag=True, help="Go on with the recording that is there; begin one where there is none.")
@click.option("--force", is_flag=True, help="Begin anew, whatever is there.")
@with_settings
@click.pass_context
def record(
    context: click.Context,
    /,
    file: Path,
    max_size: str,
    max_age: str,
    duration: str | None,
    append: bool,
    force: bool,
    **flags: Any,
) -> ExitStatus:
    """The black box: everything the dashboard would show, into FILE (and FILE.1, the older half)."""
    if append and force:
        raise click.UsageError("--append and --force exclude each other")
    settings = settings_of(context, **flags)
    size, age_s = size_of(max_size, "--max-size"), seconds_of(max_age, "--max-age", 60)
    end_s = None if duration is None else seconds_of(duration, "--duration", 1)
    from mcptop.headless import record as command
    from mcptop.recording.parts import Existing
    from mcptop.recording.writer import Writer
    from mcptop.source_choice import source_of

    existing = Existing.APPEND if append else Existing.REPLACE if force else Existing.REFUSE
    writer = Writer(file, settings.interval, max_bytes=size, max_age_s=age_s, existing=existing)
    return command.run(source_of(settings), writer, file, settings.interval, end_s, rules_of(settings))


@click.command()
@click.argument("file", type=_FILE)
@click.option("--at", metavar="TIME", help="From there: 2026-01-31T12:00:00Z, 12:00 (local), -90s before its end, +5m.")
@click.option("--json", "as_json", is_flag=True, help="That moment (without --at the last) as one JSON document.")
@click.option("--service", help="With --json: only this service, NAME or PROJECT/NAME.")
@click.option("--info", is_flag=True, help="What is in it, and what is missing; with --json as one document.")
@with_view
@with_settings
@click.pass_context
def replay(
    context: click.Context, /, file: Path, at: str | None, as_json: bool, service: str | None, info: bool, **flags: Any
) -> ExitStatus:
    """A recording in the dashboard, as it was."""
    if info and (at is not None or service is not None):
        raise click.UsageError("--info is about the whole recording: leave --at and --service out")
    if service is not None and not as_json:
        raise click.UsageError("--service goes with --json")
    from mcptop.headless import replay as command
    from mcptop.headless.pipe import guard_pipe

    if info:
        return guard_pipe(lambda: command.info(file, as_json))
    if as_json:
        rules = rules_of(settings_of(context, **flags))
        return guard_pipe(lambda: command.moment(file, at, service, rules))
    settings = settings_of(context, **flags)
    needs_terminal("in a pipe use `mcptop replay FILE --at TIME --json`, or --info")
    check_screen(settings)
    from mcptop.headless.replayed_diagnosis import ReplayedDiagnoses
    from mcptop.playback import Playback
    from mcptop.player import Player
    from mcptop.recording.reader import Reader

    with closing(Reader(file)) as reader:
        player = Player(
            Playback(reader, rules_of(settings)), index=command.index_of(reader, at) if at is not None else 0
        )
        diagnoses = ReplayedDiagnoses(player, Playback(reader))
        try:
            return show(player, settings, diagnosis=diagnoses.make)
        finally:
            diagnoses.stop()
            player.stop()
