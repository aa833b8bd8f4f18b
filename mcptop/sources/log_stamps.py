"""The time a line of a log begins with."""

from __future__ import annotations

import re
from datetime import datetime

_LEADING = re.compile(rb"[\[\"]?(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?")


def nanoseconds(stamp: bytes) -> int | None:
    """Unix nanoseconds of a time as the engine writes it (RFC 3339, UTC or with an offset); None for anything else."""
    match = _LEADING.fullmatch(stamp)
    if match is None or match[8] is None:
        return None
    seconds = _seconds(match)
    return None if seconds is None else seconds * 10**9 + int((match[7] or b"").ljust(9, b"0"))


def leading(line: bytes) -> float | None:
    """Unix seconds of the time in front of a line; without a zone it is taken for local. None without one."""
    match = _LEADING.match(line)
    seconds = None if match is None else _seconds(match)
    return None if match is None or seconds is None else seconds + float(b"0." + (match[7] or b"0"))


def _seconds(match: re.Match[bytes]) -> int | None:
    text = b"%b-%b-%bT%b:%b:%b" % match.groups()[:6]
    try:
        return int(datetime.fromisoformat((text + (match[8] or b"")).decode()).timestamp())
    except (ValueError, OverflowError, OSError):
        return None
