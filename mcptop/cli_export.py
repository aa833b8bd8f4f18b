"""`mcptop export`: files for other systems, printed or written."""

from __future__ import annotations

import click

from mcptop.cli_alerts import prometheus_rules
from mcptop.cli_stack_files import compose, env, hpa, swarm


@click.group(commands=[prometheus_rules, env, compose, swarm, hpa])
def export() -> None:
    """Files for other systems, on stdout or with -o into a file."""
