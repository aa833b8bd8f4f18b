"""Lines of logs as lines of the screen: time, who, how bad, what; wrapped or cut, with what was searched for marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from rich.cells import cell_len, chop_cells

from mcptop.model.log import Entry, Level, What
from mcptop.model.value import Value
from mcptop.presentation import runs
from mcptop.presentation.runs import Run, Runs
from mcptop.units import duration

TAGS = 6
_TAG_WIDTH = 12
MOST_ROWS = 8
"""Of one wrapped line; the rest of it shows when it is opened."""
_LETTERS = {Level.DEBUG: "D", Level.INFO: "I", Level.WARNING: "W", Level.ERROR: "E", Level.FATAL: "F"}
_LETTER_STYLES = {Level.DEBUG: "dim", Level.INFO: "ok", Level.WARNING: "warning.strong",
                  Level.ERROR: "critical.strong", Level.FATAL: "critical.strong"}  # fmt: skip
_TEXT_STYLES = {Level.DEBUG: "muted", Level.WARNING: "warning", Level.ERROR: "critical", Level.FATAL: "critical"}
_FOLDED_GAP = 2


NO_TAGS: Mapping[str, Run] = MappingProxyType({})


class Times(StrEnum):
    """How the time of a line is shown."""

    CLOCK = "clock"
    AGO = "ago"
    OFF = "off"


class Look(Value, frozen=True):
    """How lines are drawn."""

    times: Times = Times.CLOCK
    now: float = 0.0
    """Unix seconds, for how long ago a line is."""
    tags: Mapping[str, Run] = NO_TAGS
    """Instance -> its short name and the style of it; empty where there is one only."""
    words: str = ""
    """What is searched for, as in `logs.view.Wanted`."""
    wrap: bool = False


def tags(names: Sequence[tuple[str, str]]) -> dict[str, Run]:
    """Tags for instances, by id and name: what is left of a name without what all have in common."""
    if len(names) < 2:
        return {}
    shared = _in_common([name for _, name in names])
    short = [runs.safe(name)[shared:] or runs.safe(name) for _, name in names]
    width = min(_TAG_WIDTH, max(map(runs.cells, short)))
    return {
        id: (runs.fit(text, width, "right") + " ", f"tag.{number % TAGS}")
        for number, ((id, _), text) in enumerate(zip(names, short, strict=True))
    }


def _in_common(names: Sequence[str]) -> int:
    """How long a beginning all share, up to a border of words: of `api-10` and `api-11` no more than `api-`."""
    first, last = min(names), max(names)
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    # A bracket opens what differs: of `api[10]` and `api[11]` that is `[10]`.
    return max(*(first.rfind(border, 0, same) + 1 for border in "-_./"), first.rfind("[", 0, same))


def rows(entry: Entry, look: Look, width: int, is_old: bool = False) -> list[Runs]:
    """The lines of the screen that one line takes at this width; those of an earlier run are dim."""
    if entry.what is not What.LINE:
        return [runs.clip(_note(entry, look), width)]
    front = _front(entry, look, is_old)
    text = _marked(entry.text, "dim" if is_old else _TEXT_STYLES.get(entry.level or Level.INFO, "text"), look.words)
    indent = runs.width(front) + (_FOLDED_GAP if entry.head != entry.number else 0)
    front = (*front, (" " * (indent - runs.width(front)), "text"))
    room = max(8, width - indent)
    if not look.wrap:
        return [(*front, *runs.clip(text, room))]
    parts = wrapped(text, room)
    if len(parts) > MOST_ROWS:
        parts = [*parts[: MOST_ROWS - 1], (("… Enter shows the whole line", "dim"),)]
    return [(*front, *parts[0]), *(((" " * indent, "text"), *part) for part in parts[1:])]


def whole(entry: Entry) -> str:
    """A line as text, for a file or the clipboard: its time, to the millisecond and with its zone, and what it says."""
    if entry.what is What.SKIPPED:
        return f"{_stamp(entry.at)} {_skipped(entry)}"
    if entry.what is not What.LINE:
        return f"{_stamp(entry.at)} -- {entry.text} --"
    return f"{_stamp(entry.at)} {entry.raw if entry.raw is not None else entry.text}"


def wrapped(line: Runs, room: int) -> list[Runs]:
    """The line in parts of at most `room` cells; at least one."""
    parts: list[Runs] = []
    part: list[Run] = []
    left = room
    for text, style in line:
        for piece in _pieces(text, left, room):
            taken = runs.cells(piece)
            if taken > left:
                parts.append(tuple(part))
                part, left = [], room
            part.append((piece, style))
            left -= taken
    return [*parts, tuple(part)]


def _pieces(text: str, first: int, room: int) -> list[str]:
    """A text cut so that its first piece fits into what is left of a line."""
    if runs.cells(text) <= first:
        return [text]
    if text.isascii():
        cuts = [0, *range(first, len(text), room), len(text)]
        return [text[a:b] for a, b in pairwise(cuts) if a < b]
    head, taken = "", 0
    for letter in text:
        taken += cell_len(letter)
        if taken > first:
            break
        head += letter
    return [piece for piece in (head, *chop_cells(text[len(head) :], room)) if piece]


def _front(entry: Entry, look: Look, is_old: bool) -> Runs:
    letter: Run = (" ", "text")
    if entry.level is not None and entry.head == entry.number:
        letter = (_LETTERS[entry.level], "dim" if is_old else _LETTER_STYLES[entry.level])
    return (*_when(entry, look), *_tag(entry, look), letter, (" ", "text"))


def _when(entry: Entry, look: Look) -> Runs:
    match look.times:
        case Times.CLOCK:
            return ((f"{datetime.fromtimestamp(entry.at).astimezone():%H:%M:%S} ", "dim"),)
        case Times.AGO:
            return ((f"{duration(max(0.0, look.now - entry.at)):>7} ", "dim"),)
    return ()


def _tag(entry: Entry, look: Look) -> Runs:
    return (look.tags[entry.instance],) if entry.instance in look.tags else ()


def _note(entry: Entry, look: Look) -> Runs:
    if entry.what is What.SKIPPED:
        return (*_when(entry, look), *_tag(entry, look), (_skipped(entry), "muted"))
    style = "warning.strong" if entry.what is What.START else "warning"
    return (*_when(entry, look), *_tag(entry, look), (f"── {entry.text} ──", style))


def _skipped(entry: Entry) -> str:
    if not entry.count:
        return "… lines skipped, too many to count …"
    return f"… {entry.count:,} line{'' if entry.count == 1 else 's'} skipped …"


def _marked(text: str, style: str, words: str) -> Runs:
    """The text with every hit of the words in a style of its own."""
    if not words:
        return ((text, style),)
    # The lower-case form of some letters is longer than they are: then places would not fit.
    lower = text.lower() if words == words.lower() else text
    where = lower if len(lower) == len(text) else text
    found: list[Run] = []
    at = 0
    while (hit := where.find(words, at)) >= 0:
        found += [(text[at:hit], style), (text[hit : hit + len(words)], "hit")]
        at = hit + len(words)
    return tuple(run for run in (*found, (text[at:], style)) if run[0])


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="milliseconds")
