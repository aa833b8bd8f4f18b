"""The screen as it was: coloured boxes and texts, read out of a terminal's SVG and nothing else of it taken over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from xml.etree import ElementTree

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len

CELL, LINE = 12.2, 24.4
"""Width and height of a terminal's cell in the picture's units."""
_SVG = "{http://www.w3.org/2000/svg}"
_STYLE = re.compile(r"\.([\w-]+) \{([^}]*)\}")
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_DARK = 110
"""Mean of red, green and blue below which a ground is dark."""


class Box(Struct, frozen=True):
    """A ground that is not the screen's."""

    x: float
    y: float
    width: float
    colour: str


class Words(Struct, frozen=True):
    """A text in one colour."""

    x: float
    y: float
    width: float
    text: str
    colour: str
    bold: bool = False

    @property
    def column(self) -> int:
        """Its first cell."""
        return round(self.x / CELL)


class Picture(Struct, frozen=True, eq=False):
    """A screen, in its own units."""

    width: float
    height: float
    ground: str
    boxes: tuple[Box, ...]
    words: tuple[Words, ...]
    """Line by line, each from the left."""

    @property
    def is_dark(self) -> bool:
        """Whether it would cost a page of ink."""
        return sum(bytes.fromhex(self.ground[1:])) < 3 * _DARK

    @property
    def lines(self) -> list[str]:
        """Its text; empty lines are left out."""
        return [line_of(list(words)).rstrip() for _, words in groupby(self.words, lambda each: each.y)]


def read(svg: str) -> Picture | None:
    """The picture in Textual's export of a screen; None where it cannot be read."""
    try:
        root = ElementTree.fromstring(svg)
        looks = dict(_looks("".join(each.text or "" for each in root.iter(f"{_SVG}style"))))
        screen = root.findall(f"{_SVG}g")[-1]
        boxes = _joined(_boxes(screen))
        words = tuple(sorted(_words(screen, looks), key=lambda each: (each.y, each.x)))
        ground = max(boxes, key=lambda box: sum(b.width for b in boxes if b.colour == box.colour)).colour
    except (ElementTree.ParseError, ValueError, IndexError, KeyError):
        return None
    width = max(box.x + box.width for box in boxes)
    height = max(box.y for box in boxes) + LINE
    return Picture(width, height, ground, tuple(box for box in boxes if box.colour != ground), words)


def line_of(words: Sequence[Words]) -> str:
    """The text of one line, each word in its cell."""
    line = ""
    for each in words:
        line += " " * (each.column - cell_len(line)) + each.text
    return line


def rewritten(picture: Picture, line: Callable[[str], str], part: Callable[[str], str]) -> Picture:
    """The picture with another text wherever `line` says so of a whole line, or `part` of one colour's text."""
    found: list[Words] = []
    for _, group in groupby(picture.words, lambda each: each.y):
        words = list(group)
        before = line_of(words)
        if (after := line(before)) != before:
            words = [Words(0.0, words[0].y, CELL * cell_len(after), after, words[0].colour)]
        found += [_with_text(each, part(each.text)) for each in words]
    return replace(picture, words=tuple(found))


def _with_text(words: Words, text: str) -> Words:
    return words if text == words.text else replace(words, text=text, width=CELL * cell_len(text))


def _looks(sheet: str) -> Iterator[tuple[str, tuple[str, bool]]]:
    for name, rules in _STYLE.findall(sheet):
        if colour := re.search(r"fill: ([^;]+)", rules):
            yield name, (_colour(colour[1].strip()), "font-weight: bold" in rules)


def _colour(text: str) -> str:
    if not _COLOUR.fullmatch(text):
        raise ValueError(f"not a colour: {text}")
    return text


def _boxes(screen: ElementTree.Element) -> Iterator[Box]:
    for each in screen.iter(f"{_SVG}rect"):
        yield Box(float(each.attrib["x"]), float(each.attrib["y"]), float(each.attrib["width"]),
                  _colour(each.attrib["fill"]))  # fmt: skip


def _joined(boxes: Iterator[Box]) -> list[Box]:
    """Neighbours of one colour are one box."""
    found: list[Box] = []
    for box in sorted(boxes, key=lambda each: (each.y, each.x)):
        last = found[-1] if found else None
        if last and (last.y, last.colour) == (box.y, box.colour) and abs(last.x + last.width - box.x) < 0.1:
            found[-1] = replace(last, width=round(last.width + box.width, 1))
        else:
            found.append(box)
    return found


def _words(screen: ElementTree.Element, looks: dict[str, tuple[str, bool]]) -> Iterator[Words]:
    for each in screen.iter(f"{_SVG}text"):
        text = (each.text or "").replace("\xa0", " ")
        colour, bold = looks[each.attrib["class"]]
        if text.strip():
            yield Words(float(each.attrib["x"]), float(each.attrib["y"]), float(each.attrib["textLength"]), text,
                        colour, bold)  # fmt: skip
