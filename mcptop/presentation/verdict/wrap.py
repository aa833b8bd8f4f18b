"""Sentences of styled runs broken into lines, with a hanging indent; what belongs together stays together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mcptop.presentation import runs
from mcptop.presentation.runs import Run, Runs
from mcptop.verdicts.words import Piece

_GLUE = "\u00a0"
"""A space at which no line ends. Texts have none: what is not printable is a space there."""


def glued(text: str) -> str:
    """The text as one word."""
    return text.replace(" ", _GLUE)


def styled(pieces: Sequence[Piece], styles: dict[str, str], room: int) -> Runs:
    """A sentence as runs. Commands and figures are one word where they fit on a line; commands stand a little apart."""
    found: list[Run] = []
    for at, (text, role) in enumerate(pieces):
        after = pieces[at + 1] if at + 1 < len(pieces) else Piece("", "text")
        whole = glued(text) if role in ("command", "figure") and runs.cells(text) <= room else text
        if role == "command" and after.text.startswith(" "):
            whole += _GLUE
        elif after.role == "command" and text.endswith(" "):
            whole = f"{text[:-1]}{_GLUE} "
        found.append((whole, styles[role]))
    return tuple(found)


def wrap(line: Iterable[Run], room: int) -> list[Runs]:
    """The line in as many as it takes; only a word longer than `room` is broken."""
    room = max(1, room)
    lines: list[list[Run]] = [[]]
    taken = 0
    for word in _words(line):
        for part in _broken(word, room):
            size = runs.width(part)
            if taken and taken + 1 + size > room:
                lines.append([])
                taken = 0
            if taken:
                lines[-1].append((" ", part[0][1] if part[0][1] == lines[-1][-1][1] else "text"))
                taken += 1
            lines[-1] += part
            taken += size
    return [_joined(each) for each in lines]


def hanging(first: Runs, line: Iterable[Run], room: int, base: str = "text", extra: int = 0) -> list[Runs]:
    """The line wrapped behind `first`, and its other lines indented to where it began (and `extra`)."""
    indent = runs.width(first)
    found = wrap(line, room - indent - extra)
    return [(*first, *found[0]), *(((" " * (indent + extra), base), *each) for each in found[1:])]


def _words(line: Iterable[Run]) -> Iterator[list[Run]]:
    """Runs without a space between them are one word."""
    word: list[Run] = []
    for text, style in line:
        first, *others = text.split(" ")
        if first:
            word.append((first, style))
        for other in others:
            if word:
                yield word
            word = [(other, style)] if other else []
    if word:
        yield word


def _broken(word: Sequence[Run], room: int) -> Iterator[list[Run]]:
    if runs.width(word) <= room:
        yield list(word)
        return
    left, line = room, list[Run]()
    for text, style in word:
        for character in text:
            size = runs.cells(character)
            if size > left and line:
                yield line
                left, line = room, []
            line.append((character, style))
            left -= size
    yield line


def _joined(line: Sequence[Run]) -> Runs:
    """Neighbours of one style are one run; no line ends with spaces."""
    found: list[Run] = []
    for at, (text, style) in enumerate(line):
        text = text.rstrip(_GLUE) if at == len(line) - 1 else text
        text = text.replace(_GLUE, " ")
        if found and found[-1][1] == style:
            found[-1] = (found[-1][0] + text, style)
        else:
            found.append((text, style))
    return tuple(found)
