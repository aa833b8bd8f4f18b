"""`mcptop serve`: what each visitor's dashboard is started with, and the server's run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import click

from mcptop.exit_status import ExitStatus
from mcptop.serve.server import LocalServer, ServeError


def run(dashboard: Iterable[str], port: int, most: int) -> ExitStatus:
    """Serve until stopped; `dashboard` are the arguments of every visitor's. `port` 0 is a free one.

    Raises `click.UsageError`.
    """
    argv = (sys.executable, "-m", "mcptop", *dashboard)
    try:
        asyncio.run(LocalServer(argv, port, most).until_stopped())
    except ServeError as problem:
        raise click.UsageError(str(problem)) from None
    return ExitStatus.OK


def arguments(options: Iterable[click.Parameter], given: Mapping[str, Any]) -> list[str]:
    """The given values of these options as a command line has them."""
    found: list[str] = []
    for option in options:
        value = given.get(option.name or "")
        if value is None or not isinstance(option, click.Option):
            continue
        if option.is_flag:
            found += [option.opts[0] if value else option.secondary_opts[0]]
        else:
            for each in value if option.multiple and not isinstance(value, str) else (value,):
                found += [option.opts[0], str(each)]
    return found
