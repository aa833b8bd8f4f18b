"""Which version of a program of this machine was run, for the provenance of what it said."""

from __future__ import annotations

import re
from functools import lru_cache

from mcptop.sources import command

_TIMEOUT_S = 5.0
_VERSION = re.compile(r"\d+\.\d+[\w.+-]*")


@lru_cache(maxsize=32)
def version(program: str, option: str = "--version") -> str | None:
    """The first number with a point in what it says of itself; None where it says none. Asked once."""
    try:
        done = command.run([program, option], _TIMEOUT_S)
    except (command.NotFound, OSError):
        return None
    found = _VERSION.search((done.output + b"\n" + done.complaint).decode("utf-8", "replace"))
    return found[0] if found else None
