"""`mcptop diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mcptop.cli.past import past_of, with_past
from mcptop.cli.settings import rules_of, settings_of, with_settings
from mcptop.exit_status import ExitStatus
from mcptop.model.playbook import Safety
from mcptop.source_choice import only_here


@click.command()
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
@with_past
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
    past = past_of(context, recording, at, flags)
    if past is not None and (pid or script):
        raise click.UsageError("a recording knows no single process: --from goes with --service or --container")
    settings = settings_of(context, **flags)
    if past is None:
        only_here(settings, "diagnose", "run it on the host of the service")
    from mcptop.headless import diagnose as command
    from mcptop.headless.snapshot import guard_pipe
    from mcptop.playbook.diagnosis import Limits
    from mcptop.playbook.subjects import Wanted

    wall_s = _budget_s(budget) if budget is not None else None
    if playbook is None:
        rules = rules_of(settings)
        return guard_pipe(lambda: command.triaged(settings, wall_s or command.TRIAGE_S, as_json, past, rules))
    limits = Limits(wall_s, Safety[safety.upper()] if safety else None, allow_commands, script)
    reports = command.Reports(as_json, markdown, html, bundle)
    wanted = Wanted(service, container, pid)
    return guard_pipe(lambda: command.run(settings, playbook, wanted, limits, reports, past))


def _budget_s(text: str) -> float:
    """`--budget` in seconds. Raises `click.UsageError`."""
    from mcptop.playbook.load import seconds

    try:
        found = seconds(text)
    except ValueError as error:
        raise click.UsageError(f"--budget {error}") from None
    if not 5 <= found <= 3600:
        raise click.UsageError(f"--budget {text}: expected 5s to 1h")
    return found
