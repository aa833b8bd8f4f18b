"""What the lines of a log say: how many of each known kind, the last error, what repeats. Pure."""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mcptop.units import plain

PATTERNS: dict[str, tuple[str, str]] = {
    "too_many_files": ("no descriptor left", r"\bEMFILE\b|Too many open files|Errno 24\b"),
    "pool_limit": ("a connection pool was used up", r"QueuePool limit of size"),
    "pool_timeout": (
        "waited in vain for a place in a pool",
        r"PoolTimeout|pool timed? ?out|connection pool (is )?(exhausted|full)|QueuePool limit.*timed out",
    ),
    "out_of_memory": (
        "memory ran out",
        r"\bMemoryError\b|\bOut of memory\b|OutOfMemory|oom[-_]kill|Cannot allocate memory|\bKilled\b",
    ),
    "no_space": ("a disk is full", r"\bENOSPC\b|No space left on device|Errno 28\b|[Dd]isk (is )?full\b"),
    "connection_refused": (
        "nobody listened",
        r"\bECONNREFUSED\b|[Cc]onnection refused|Connect call failed|Errno 111\b",
    ),
    "timeouts": ("waited too long", r"\w*Timeout(Error|Exception)?\b|[Tt]imed out\b|\bETIMEDOUT\b"),
    "database_locked": ("SQLite waits for a writer", r"database (table )?is locked"),
    "dns_failure": (
        "a name was not found",
        r"Name or service not known|Temporary failure in name resolution|nodename nor servname|getaddrinfo"
        r"|\bEAI_AGAIN\b|NXDOMAIN|Could not resolve host|no such host",
    ),
    "errors": (
        "said to be an error",
        r"\b(ERROR|CRITICAL|FATAL)\b|Traceback \(most recent call last\)|\bpanic: "
        r"|\b(?i:level|severity|levelname)[\"']?\s*[:=]\s*[\"']?(?i:error|critical|fatal)\b",
    ),
}
"""Name -> what a line of it means, and how it is recognised."""

_COMPILED = {name: re.compile(pattern) for name, (_, pattern) in PATTERNS.items()}
_TRACEBACK = "Traceback (most recent call last)"
_STAMP = re.compile(r"\[?(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?\s*(?:Z|[+-]\d\d:?\d\d)?\]?")
# What differs from one repetition to the next: numbers, addresses, identities.
_VARIES = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b|\d+")
_LONGEST = 4096


def said(lines: Sequence[str]) -> dict[str, Any]:
    """The facts of some lines."""
    lines = [line[:_LONGEST] for line in lines]
    masked = Counter(_masked(line) for line in lines if line.strip())
    text, most = masked.most_common(1)[0] if masked else (None, 0)
    return {
        "count": {name: sum(bool(pattern.search(line)) for line in lines) for name, pattern in _COMPILED.items()},
        "last_error": _last_error(lines),
        "repeated": most,
        "repeated_text": plain(text) if text is not None else None,
    }


def _masked(line: str) -> str:
    return _VARIES.sub("#", _STAMP.sub("", line[:400], count=1).strip())[:200]


def _last_error(lines: Sequence[str]) -> str | None:
    """The last line that any pattern knows; of a traceback the line that names the exception."""
    for at in range(len(lines) - 1, -1, -1):
        if any(pattern.search(lines[at]) for pattern in _COMPILED.values()):
            return plain((_exception(lines, at) if _TRACEBACK in lines[at] else lines[at]).strip())
    return None


def _exception(lines: Sequence[str], at: int) -> str:
    """The first line behind a traceback's frames, which are indented."""
    return next((line for line in lines[at + 1 :] if line.strip() and not line[0].isspace()), lines[at])


def recent(lines: Sequence[str], since_s: float) -> Sequence[str]:
    """The lines from the last `since_s` seconds before the last one, by the times they begin with.

    In whose time zone that is does not matter: they are compared with each other. Lines without a time belong to the
    one before; where there are none at all, every line counts.
    """
    last = next((stamp for line in reversed(lines) if (stamp := _stamp(line)) is not None), None)
    if last is None:
        return lines
    for at, line in enumerate(lines):
        stamp = _stamp(line)
        if stamp is not None and last - stamp <= since_s:
            return lines[at:]
    return lines


def _stamp(line: str) -> float | None:
    match = _STAMP.match(line)
    if match is None:
        return None
    try:
        # Not a moment, for want of a zone: seconds to compare with each other.
        return float(calendar.timegm(tuple(map(int, match.groups()))))
    except ValueError:
        return None
