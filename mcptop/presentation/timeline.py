"""A recording, or the last minutes, as one line: what happened when, and where in it one is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mcptop.model.event import Event
from mcptop.presentation import runs, time_axis
from mcptop.presentation.runs import Runs
from mcptop.presentation.when import Tape, clock

_LEAST_TRACK = 10


def line(tape: Tape, at: datetime, events: Sequence[Event], width: int) -> Runs:
    """`12:00:11 ━━━━━━●──↻────── 12:15:10`, exactly as wide as asked for."""
    left, right = f" {_moment(tape.first, tape)} ", f" {_moment(tape.last, tape)} "
    room = width - len(left) - len(right)
    if room < _LEAST_TRACK:
        return ((runs.fit(f" {clock(at)}", width), "head.strong"),)
    return ((left, "head.muted"), *_track(tape, at, events, room), (right, "head.muted"))


def place(tape: Tape, x: int, width: int) -> datetime | None:
    """The moment a click on the line means; None beside the track."""
    left, right = len(f" {_moment(tape.first, tape)} "), len(f" {_moment(tape.last, tape)} ")
    room = width - left - right
    if room < _LEAST_TRACK or not left <= x < left + room:
        return None
    return tape.first + (tape.last - tape.first) * ((x - left) / max(1, room - 1))


def _track(tape: Tape, at: datetime, events: Sequence[Event], room: int) -> Runs:
    here = _column(tape, at, room)
    cells = [("━", "head.accent") if cell < here else ("─", "head.dim") for cell in range(room)]
    for mark in sorted(time_axis.marks(events, tape.last.timestamp()), key=lambda mark: mark.rank):
        seconds = (tape.last - tape.first).total_seconds()
        if 0 <= mark.age_s <= seconds:
            where = room - 1 - round(mark.age_s / seconds * (room - 1)) if seconds else room - 1
            cells[where] = (mark.symbol, f"head.{mark.style}")
    cells[here] = ("●", "head.strong")
    return tuple(time_axis.merged(cells))


def _column(tape: Tape, at: datetime, room: int) -> int:
    whole = (tape.last - tape.first).total_seconds()
    share = (at - tape.first).total_seconds() / whole if whole > 0 else 1.0
    return min(room - 1, max(0, round(share * (room - 1))))


def _moment(at: datetime, tape: Tape) -> str:
    """With the day where the recording has several."""
    local = at.astimezone()
    one_day = tape.first.astimezone().date() == tape.last.astimezone().date()
    return f"{local:%H:%M:%S}" if one_day else f"{local:%m-%d %H:%M}"
