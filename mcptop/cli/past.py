"""What the commands share that look at a recording instead of now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mcptop.headless.past import Past

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--from", "recording", type=click.Path(path_type=Path), metavar="FILE",
                 help="Not this machine now, but what `mcptop record` wrote there."),
    click.option("--at", metavar="TIME", help="With --from: when, such as 12:04 (UTC) or -90s (default: its end)."),
)  # fmt: skip


def with_past(command: Command) -> Command:
    """Give a command these flags: `recording` and `at`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def past_of(context: click.Context, recording: Path | None, at: str | None, flags: Mapping[str, Any]) -> Past | None:
    """Which moment they mean; None: now. Raises `click.UsageError`."""
    if recording is None:
        if at is not None:
            raise click.UsageError("--at goes with --from")
        return None
    one_source(context, recording, flags)
    from mcptop.headless.past import Past

    return Past(recording, at)


def one_source(context: click.Context, recording: Path | None, flags: Mapping[str, Any]) -> None:
    """Raise `click.UsageError` where a recording and a server are both named: one of them would be ignored."""
    named = flags.get("prometheus") or (context.obj or {}).get("prometheus")
    if recording is not None and named is not None:
        raise click.UsageError("--from and --prometheus exclude each other: leave one out")
