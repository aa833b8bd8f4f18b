"""A widget made of lines of styled runs, which repaints only the lines that changed.

Knows how to turn runs into strips; knows nothing of what the lines say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from mcptop.presentation import runs
from mcptop.presentation.runs import Run, Runs
from mcptop.ui.theme import Styles

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp
    from mcptop.ui.keys.keymap import Keymap


def strip_of(line: Iterable[Run], width: int, styles: Styles, selected: bool = False) -> Strip:
    """The line as a strip of exactly `width` cells; neighbours of one style are one segment."""
    segments: list[Segment] = []
    text, name = "", "text"
    for part, style in line:
        if style == name:
            text += part
            continue
        if text:
            segments.append(Segment(text, styles.get(name, selected)))
        text, name = part, style
    if text:
        segments.append(Segment(text, styles.get(name, selected)))
    # Measuring wide characters is dear, so it is done once, on the merged segments.
    taken = sum(runs.cells(segment.text) for segment in segments)
    if taken < width:
        segments.append(Segment(" " * (width - taken), styles.get("text", selected)))
    strip = Strip(segments, max(taken, width))
    return strip if taken <= width else strip.crop(0, width)


class Lines(Widget):
    """A panel as high as its lines. What they are, its subclass says in `lines`."""

    DEFAULT_CSS = "Lines { height: auto; }"
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Runs] = []
        self._strips: dict[int, Strip] = {}

    def lines(self, width: int) -> list[Runs]:
        """What to show at this width."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Ask for the lines again and repaint those that differ; nothing happens to a hidden panel."""
        if not self.display:
            return
        width = self.size.width or self.app.size.width
        old, self._lines = self._lines, self.lines(width)
        if len(old) != len(self._lines):
            self._strips.clear()
            self.refresh(layout=True)
            return
        for y, (before, now) in enumerate(zip(old, self._lines, strict=True)):
            if before != now:
                self._strips.pop(y, None)
                self.refresh(Region(0, y, width, 1))

    def restyle(self) -> None:
        """Paint everything again, in the colours the app has now."""
        self._strips.clear()
        self.refresh()

    def on_resize(self) -> None:
        """Lines are made for a width."""
        self._strips.clear()
        self.rebuild()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One cell a line."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """One line, from the cache where it did not change."""
        strip = self._strips.get(y)
        width = self.size.width
        if strip is None or strip.cell_length != width:
            line = self._lines[y] if y < len(self._lines) else ()
            strip = self._strips[y] = strip_of(line, width, look(self), self.is_selected(y))
        return strip

    def is_selected(self, y: int) -> bool:
        """Whether a line is drawn as the selected one."""
        return False


def look(widget: Widget) -> Styles:
    """The styles of the app a widget stands in."""
    return cast("McptopApp", widget.app).look


def keymap(widget: Widget) -> Keymap:
    """The keys of the app a widget stands in."""
    return cast("McptopApp", widget.app).keymap
