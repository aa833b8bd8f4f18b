"""`mcptop doctor`: what this machine lets mcptop see, and the command that closes each gap."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from rich.text import Text

from mcptop import __version__
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.headless import report
from mcptop.sources.machine import Check, State, checks

_SYMBOLS = {State.OK: ("●", "green"), State.GAP: ("▲", "yellow"), State.OPTIONAL: ("○", "dim")}


class DoctorDocument(Struct, frozen=True, tag_field="schema", tag="mcptop.doctor/1"):
    """`mcptop doctor --json`."""

    version: str
    status: str
    """`ok`, or `gaps` when something mcptop uses is missing."""
    checks: tuple[Check, ...]


def run(settings: Settings, as_json: bool) -> ExitStatus:
    """Print what was found; WARNING when there are gaps."""
    found = tuple(checks(settings))
    status = ExitStatus.WARNING if any(check.state is State.GAP for check in found) else ExitStatus.OK
    if as_json:
        report.print_json(DoctorDocument(__version__, "gaps" if status else "ok", found))
    else:
        _print(found)
    return status


def _print(found: Iterable[Check]) -> None:
    console = report.console()
    for check in found:
        symbol, colour = _SYMBOLS[check.state]
        console.print(Text.assemble((symbol, colour), f" {check.name:<20} ", (check.says, "" if check.fix else "dim")))
        if check.fix:
            console.print(Text.assemble(" " * 23, ("→ ", colour), check.fix))
