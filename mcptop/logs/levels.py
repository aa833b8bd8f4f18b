"""How bad a line says it is, in the forms that programs commonly use."""

from __future__ import annotations

import re

from mcptop.model.log import Level

_WORDS: dict[str, Level] = {
    **dict.fromkeys(("trace", "debug", "dbg", "fine", "verbose"), Level.DEBUG),
    **dict.fromkeys(("info", "inf", "information", "notice", "log", "success"), Level.INFO),
    **dict.fromkeys(("warn", "warning", "wrn"), Level.WARNING),
    **dict.fromkeys(("error", "err", "severe", "eror"), Level.ERROR),
    **dict.fromkeys(
        ("fatal", "critical", "crit", "panic", "alert", "emerg", "emergency", "ftl", "dpanic"), Level.FATAL
    ),
}
_LETTERS = {"D": Level.DEBUG, "I": Level.INFO, "W": Level.WARNING, "E": Level.ERROR, "F": Level.FATAL}
_REDIS = {".": Level.DEBUG, "-": Level.DEBUG, "*": Level.INFO, "#": Level.WARNING}
_SYSLOG = (*(Level.FATAL,) * 3, Level.ERROR, Level.WARNING, Level.INFO, Level.INFO, Level.DEBUG)

_LOOKED_AT = 200
"""Characters: what comes later is what the line is about."""
_LOGFMT = re.compile(r"\b(?:level|lvl|severity|levelname|log\.level)=[\"']?([A-Za-z]+)")
_BRACKETS = re.compile(r"[\[<(]\s*([A-Za-z]{3,11})\s*[\])>]")
_CAPITALS = re.compile(
    r"\b(TRACE|DEBUG\d?|INFO|NOTICE|LOG|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL|PANIC)\b(?=[\s:|\]\-,)]|$)"
)
_IN_FRONT = re.compile(r"(?:npm )?(debug|info|warn|warning|error|err|fatal|critical|panic)\b ?[:!]", re.IGNORECASE)
_GLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d|([DIWEF]), \[\d{4}-")
_OF_REDIS = re.compile(r"\d+:[XCSM] \d\d \w{3} \d{4} [\d:.]+ ([.\-*#]) ")
_CRASH = re.compile(
    r"Traceback \(most recent call last\)|Exception in thread|Unhandled exception|thread '.*' panicked at"
)


def of_text(text: str) -> Level | None:
    """The level a line of text gives itself."""
    text = text[:_LOOKED_AT]
    if match := _OF_REDIS.match(text):
        return _REDIS[match[1]]
    if match := _GLOG.match(text):
        return _LETTERS[match[1] or match[2]]
    if match := _IN_FRONT.match(text):
        return _WORDS[match[1].lower()]
    if (match := _LOGFMT.search(text)) and (level := _WORDS.get(match[1].lower())):
        return level
    return _written(text) or (Level.ERROR if _CRASH.search(text) else None)


def _written(text: str) -> Level | None:
    """By a word in brackets or in capitals, whichever comes first."""
    capitals = _CAPITALS.search(text)
    for match in _BRACKETS.finditer(text):
        if capitals is not None and capitals.start() < match.start():
            break
        if level := _WORDS.get(match[1].lower()):
            return level
    return None if capitals is None else _WORDS[capitals[1].lower().rstrip("0123456789")]


def of_value(key: str, value: object) -> Level | None:
    """The level in a field of a JSON line: a word, a number of bunyan or pino, of Python (`levelno`), of syslog."""
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower()[:20])
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    if 0 <= value < len(_SYSLOG):
        return _SYSLOG[value]
    tens = value // 10 if key == "levelno" else value // 10 - 1
    return (Level.DEBUG, Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR, Level.FATAL)[max(0, min(5, tens))]
