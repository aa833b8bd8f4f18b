"""A moment as people write it: a time of day, a date with one, or a step from where one stands."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

HOW = "12:04, 12:04:30, -5m, +30s, or 2026-01-31 12:04"
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_STEP = re.compile(r"([+-]) ?(?:(\d{1,5})d)? ?(?:(\d{1,6})h)? ?(?:(\d{1,7})m)? ?(?:(\d{1,9})s)?")


def moment(text: str, back_from: datetime, on_from: datetime, last: datetime) -> datetime | None:
    """`-5m` before `back_from`, `+5m` after `on_from`, a time of day (the last one not after `last`), or an ISO time.

    What has no zone is local time, as everything on the screen is. None: it is none of these.
    """
    text = text.strip()
    try:
        if (step := _STEP.fullmatch(text)) is not None and any(step.groups()[1:]):
            days, hours, minutes, seconds = (int(part or 0) for part in step.groups()[1:])
            by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
            return on_from + by if step[1] == "+" else back_from - by
        if (clock := _CLOCK.fullmatch(text)) is not None:
            return _of_day(clock, last)
        found = datetime.fromisoformat(text)
        return _whole_second(found if found.tzinfo else found.astimezone()) if ":" in text else None
    except (ValueError, OverflowError):
        return None


def _of_day(clock: re.Match[str], last: datetime) -> datetime:
    hour, minute, second = (int(part or 0) for part in clock.groups())
    local = last.astimezone()
    found = _whole_second(local.replace(hour=hour, minute=minute, second=second, microsecond=0))
    return found if found.replace(microsecond=0) <= local else found - timedelta(days=1)


def _whole_second(at: datetime) -> datetime:
    """To the end of the second that was named: its sample is taken somewhere within it."""
    return at if at.microsecond else at.replace(microsecond=999_999)
