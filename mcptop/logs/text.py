"""What a program wrote, made harmless and readable on one line; JSON folded to its message and its fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from mcptop.logs import levels
from mcptop.model.log import Level
from mcptop.units import long_size, printable

LONGEST = 8 << 10
"""Characters that are kept of a line."""
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
"""Terminals' sequences: CSI, then strings (OSC, DCS, ...) with all they hold, then short ones; unfinished ones too."""
_TAB = 4
_MESSAGES = ("message", "msg", "event", "log", "text", "error")
_LEVELS = ("level", "severity", "levelname", "log.level", "lvl", "levelno")
_TIMES = ("time", "timestamp", "ts", "@timestamp", "asctime", "datetime", "t")
_HEADLESS = frozenset((*_LEVELS, *_TIMES, "v"))
"""Fields that are shown elsewhere, or say nothing."""
_BARE = re.compile(r"[^\s\"=]+\Z")
_SHOWN = 200
"""Characters of a field."""


class Said(NamedTuple):
    """What a line says."""

    text: str
    level: Level | None
    raw: str | None
    """The JSON it was."""


def harmless(text: str) -> str:
    """One line without control characters, sequences of terminals, and characters that turn or hide others."""
    if "\x1b" in text or not text.isascii():
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        # As a terminal shows it: what comes behind covers what was there.
        text = next((part for part in reversed(text.split("\r")) if part), "")
    if "\t" in text:
        text = text.expandtabs(_TAB)
    return printable(text)


def said(line: bytes, lost: int = 0) -> Said:
    """A line without its end; `lost` bytes were cut off before."""
    if len(line) > LONGEST:
        line, lost = line[:LONGEST], lost + len(line) - LONGEST
    written = line.decode("utf-8", "replace")
    if not lost and (fields := _fields(line)) is not None:
        return Said(_folded(fields), _level(fields), harmless(written))
    text = harmless(written)
    return Said(f"{text}… {long_size(lost)} more" if lost else text, levels.of_text(text), None)


def pretty(raw: str) -> list[str]:
    """A JSON line as it is opened: a line a field, and texts of several lines as such."""
    try:
        text = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return [raw]
    return [harmless(part) for line in text.split("\n") for part in _unfolded(line)]


def _unfolded(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    first, *more = re.split(r"(?<!\\)\\n", line)
    return [first, *(indent + part for part in more)]


def _fields(line: bytes) -> Mapping[str, Any] | None:
    line = line.strip()
    if not (line.startswith(b"{") and line.endswith(b"}")):
        return None
    try:
        return msgspec.json.decode(line, type=dict[str, Any]) or None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _level(fields: Mapping[str, Any]) -> Level | None:
    for name in _LEVELS:
        if name in fields and (level := levels.of_value(name, fields[name])):
            return level
    nested = fields.get("log")
    return levels.of_value("level", nested.get("level")) if isinstance(nested, dict) else None


def _folded(fields: Mapping[str, Any]) -> str:
    """`message key=value ...`."""
    name = next((name for name in _MESSAGES if isinstance(fields.get(name), str) and fields[name]), None)
    parts = [] if name is None else [fields[name].strip()]
    parts += [f"{key}={_value(value)}" for key, value in fields.items() if key != name and key not in _HEADLESS]
    return harmless(" ".join(parts).replace("\n", " ⏎ "))[:LONGEST] or "{}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        text = value if _BARE.match(value) else json.dumps(value, ensure_ascii=False)
    else:
        text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
