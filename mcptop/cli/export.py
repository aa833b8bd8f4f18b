"""`mcptop export`: files for other systems, printed or written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from mcptop.cli.settings import rules_of, settings_of, with_settings
from mcptop.cli.stack_files import OUTPUT, compose, env, given, hpa, swarm
from mcptop.exit_status import ExitStatus

_UID = re.compile(r"[A-Za-z0-9_-]+")


def _uid(context: click.Context, option: click.Parameter, value: str) -> str:
    from mcptop.export.grafana import LONGEST_UID

    if not _UID.fullmatch(value) or len(value) > LONGEST_UID:
        raise click.BadParameter(
            f"expected at most {LONGEST_UID} letters, digits, `-` and `_`: Grafana takes no others"
        )
    return value


@click.command()
@OUTPUT
@click.option("--uid", default="mcptop", show_default=True, callback=_uid, help="By which Grafana knows it again.")
@click.option("--title", default="mcptop", show_default=True, help="What it is called.")
@with_settings
@click.pass_context
def grafana(context: click.Context, /, output: Path | None, uid: str, title: str, **flags: Any) -> ExitStatus:
    """A Grafana dashboard over what `mcptop exporter` exports, with the thresholds of the rules in force."""
    rules = rules_of(settings_of(context, **flags))
    from mcptop.export import grafana as file

    return given(file.text(rules, uid, title), output)


@click.command("prometheus-rules")
@OUTPUT
@click.option("--runbook-url", metavar="URL", help="Where your runbooks are; {rule} in it is the rule's id.")
@with_settings
@click.pass_context
def prometheus_rules(
    context: click.Context, /, output: Path | None, runbook_url: str | None, **flags: Any
) -> ExitStatus:
    """The rules in force as alerting rules for Prometheus, over the metrics of `mcptop exporter`."""
    if runbook_url is not None and not runbook_url.startswith(("https://", "http://")):
        raise click.UsageError("--runbook-url: expected an address that begins with https:// or http://")
    in_force = rules_of(settings_of(context, **flags))
    from mcptop.export import prometheus_rules as file

    return given(file.text(in_force, runbook_url), output)


@click.group(commands=[prometheus_rules, env, compose, swarm, hpa, grafana])
def export() -> None:
    """Files for other systems, on stdout or with -o into a file."""
