"""Prometheus text 0.0.4 and OpenMetrics, read tolerantly: a line that makes no sense is counted and passed over.

Only wanted names are parsed; of all other lines nothing but the name is looked at, for a page may have 10 MB of which
ten lines matter. The types and units of the comments are not used: names are exact, and who wants one knows its unit.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from mcptop.model.page import Page, PageKind, Sample

MAX_SAMPLES = 50_000
MAX_LABELS = 64
MAX_LINE = 65_536
"""Characters; a longer line is a bad line."""
_MAX_COMMENTS = 3

_NAME = re.compile(r"[ \t]*([a-zA-Z_:][a-zA-Z0-9_:.]*)[ \t]*")
_QUOTED_NAME = re.compile(r'[ \t]*\{[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*(?:,|(?=\}))')
_LABEL = re.compile(
    r'[ \t]*(?:([a-zA-Z_][a-zA-Z0-9_.]*)|"([^"\\]*(?:\\.[^"\\]*)*)")[ \t]*=[ \t]*'
    r'"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*(?:,|(?=\}))'
)
_END_OF_LABELS = re.compile(r"[ \t]*\}[ \t]*")
_ESCAPE = re.compile(r'\\([\\n"])')
_FOREIGN = re.compile(r"[^a-zA-Z0-9_:]")
_METADATA = ("HELP", "TYPE", "UNIT", "EOF")


def normalised(name: str) -> str:
    """A name as Prometheus would have it: whatever may not stand in one becomes an underscore."""
    return _FOREIGN.sub("_", name)


def parse(data: bytes, wanted: Container[str] | None = None, max_samples: int = MAX_SAMPLES) -> Page:
    """Read a body. `wanted` holds normalised names; None wants all. Never raises, whatever the bytes are."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    start = text[:1024].lstrip()
    if not start and not text.strip():
        return Page(PageKind.EMPTY)
    if start.startswith("<"):
        return Page(PageKind.HTML)
    return _Reading(wanted, max_samples).page(text)


class _Reading:
    """One body being read."""

    def __init__(self, wanted: Container[str] | None, max_samples: int) -> None:
        self._wanted = wanted
        self._max_samples = max_samples
        self._samples: list[Sample] = []
        self._comments: list[str] = []
        self._bad = 0
        self._understood = False
        self._lines_of_text = False

    def page(self, text: str) -> Page:
        cut = False
        for line, name, end in self._candidates(text):
            if len(self._samples) == self._max_samples:
                cut = True
                break
            if (sample := _sample(line, name, end)) is None:
                self._bad += 1
                continue
            self._understood = True
            if self._wanted is None or sample.name in self._wanted:
                self._samples.append(sample)
        return Page(self._kind(), tuple(self._samples), tuple(self._comments), self._bad, cut)

    def _kind(self) -> PageKind:
        if self._understood:
            return PageKind.METRICS
        return PageKind.OTHER if self._lines_of_text else PageKind.COMMENTS

    def _candidates(self, text: str) -> Iterator[tuple[str, str, int]]:
        """Lines worth parsing, each with its normalised name and where that ends.

        Those are the wanted ones, and any others until one was understood: that makes it a page of metrics.
        """
        wanted, match = self._wanted, _NAME.match
        for line in text.split("\n"):
            if found := match(line):
                name = found[1]
                if "." in name:
                    name = normalised(name)
                self._lines_of_text = True
                if wanted is None or name in wanted or not self._understood:
                    yield line, name, found.end()
            elif line and not line.isspace():
                yield from self._unnamed(line)

    def _unnamed(self, line: str) -> Iterator[tuple[str, str, int]]:
        """A line that starts otherwise: a comment, a name in quotation marks, or nothing we know."""
        stripped = line.lstrip()
        if stripped.startswith("#"):
            if len(self._comments) < _MAX_COMMENTS and (words := stripped[1:200].split()) and words[0] not in _METADATA:
                self._comments.append(" ".join(words))
            return
        self._lines_of_text = True
        if len(line) <= MAX_LINE and (quoted := _QUOTED_NAME.match(line)):
            name = normalised(_unescaped(quoted[1]))
            if self._wanted is None or name in self._wanted or not self._understood:
                yield line, name, -quoted.end()
        else:
            self._bad += 1


def _sample(line: str, name: str, end: int) -> Sample | None:
    """The line's sample. `end` is where its name ends; negative: the name stood inside the braces."""
    if len(line) > MAX_LINE or not name:
        return None
    labels: dict[str, str] | None = {}
    position = abs(end)
    if end < 0 or line.startswith("{", position):
        labels, position = _labels(line, position if end < 0 else position + 1)
    elif line[position - 1] not in " \t":
        return None
    value = _value(line[position:])
    return None if labels is None or value is None else Sample(name, labels, value)


def _labels(line: str, position: int) -> tuple[dict[str, str] | None, int]:
    """The labels from `position` to the closing brace, and where that ends; None when they make no sense."""
    labels: dict[str, str] = {}
    while not (closed := _END_OF_LABELS.match(line, position)):
        if not (found := _LABEL.match(line, position)) or len(labels) == MAX_LABELS:
            return None, position
        plain, quoted, value = found.groups()
        key = normalised(_unescaped(plain if plain is not None else quoted))
        if not key or key in labels:
            return None, position
        labels[key] = _unescaped(value)
        position = found.end()
    return labels, closed.end()


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text) if "\\" in text else text


def _value(rest: str) -> float | None:
    """The number after the labels, if what follows it is at most a timestamp and an exemplar."""
    parts = rest.split("#", 1)[0].split()
    if not 1 <= len(parts) <= 2:
        return None
    numbers = [_number(part) for part in parts]
    return None if None in numbers else numbers[0]


def _number(text: str) -> float | None:
    # Python reads `1_000` and digits of other scripts; exporters write neither.
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text)
    except ValueError:
        return None
