"""`mcptop export`: files for other systems, printed or written."""

from __future__ import annotations

import click


@click.group(commands=[])
def export() -> None:
    """Files for other systems, on stdout or with -o into a file."""
