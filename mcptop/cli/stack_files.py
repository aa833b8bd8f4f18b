"""`mcptop export env|compose|swarm|hpa`: the guide's profiles, deploy sections and autoscaler as files, corrected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mcptop.exit_status import ExitStatus

Command = TypeVar("Command", bound=Callable[..., Any])

_PROFILE = click.Choice(["dev", "small", "large"])
OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                       help="Write it there instead of printing it; a file that is there is not replaced.")  # fmt: skip


def _profile(default: str) -> Callable[[Command], Command]:
    return click.option("--profile", type=_PROFILE, default=default, show_default=True, help="Of the guide's three.")


@click.command()
@_profile("dev")
@OUTPUT
def env(profile: str, output: Path | None) -> ExitStatus:
    """The limits of a profile as an .env file."""
    from mcptop.export import profiles

    return given(profiles.env(profile), output)


@click.command()
@_profile("small")
@OUTPUT
def compose(profile: str, output: Path | None) -> ExitStatus:
    """Limits and reservations for a Compose file, as an override."""
    from mcptop.export import profiles

    return given(profiles.compose(profile), output)


@click.command()
@_profile("small")
@OUTPUT
def swarm(profile: str, output: Path | None) -> ExitStatus:
    """Replicas, updates, limits and reservations for a stack of Docker Swarm."""
    from mcptop.export import profiles

    return given(profiles.swarm(profile), output)


@click.command()
@click.option("--service", default="mcp-api", show_default=True, help="Name of its Deployment.")
@click.option("--min", "least", type=click.IntRange(min=1), default=2, show_default=True, help="Replicas at least.")
@click.option("--max", "most", type=click.IntRange(min=1), default=10, show_default=True, help="Replicas at most.")
@click.option("--cpu-target", type=click.IntRange(1, 1000), default=70, show_default=True,
              help="Percent of the request.")  # fmt: skip
@click.option("--memory-target", type=click.IntRange(1, 1000), help="Percent of the request; not for Python services.")
@click.option(
    "--queue-target", type=click.IntRange(min=1), help="Waiting entries for each replica, as a second metric."
)
@click.option("--queue-metric", metavar="NAME", help="Its external metric (default: mcptop_queue_depth).")
@OUTPUT
def hpa(
    service: str,
    least: int,
    most: int,
    cpu_target: int,
    memory_target: int | None,
    queue_target: int | None,
    queue_metric: str | None,
    output: Path | None,
) -> ExitStatus:
    """A HorizontalPodAutoscaler of Kubernetes."""
    from mcptop.export import hpa as file

    if queue_metric is not None and queue_target is None:
        raise click.UsageError("--queue-metric goes with --queue-target")
    wanted = file.Wanted(service, least, most, cpu_target, memory_target, queue_target,
                         queue_metric or file.QUEUE_METRIC)  # fmt: skip
    try:
        return given(file.text(wanted), output)
    except file.HpaError as error:
        raise click.UsageError(str(error)) from None


def given(text: str, output: Path | None) -> ExitStatus:
    """Print it, or write it to a file that is not there yet. Raises `click.UsageError`."""
    if output is None:
        from mcptop.headless.pipe import put

        put(text)
        return ExitStatus.OK
    from mcptop.units import plain

    is_ours = False
    try:
        with open(output, "x", encoding="utf-8") as file:
            is_ours = True
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{plain(str(output))}: is there already; remove it, or name another file") from None
    except OSError as error:
        if is_ours:  # half of it would be taken for the whole
            output.unlink(missing_ok=True)
        raise click.UsageError(f"{plain(str(output))}: cannot be written: {error.strerror}") from None
    return ExitStatus.OK
