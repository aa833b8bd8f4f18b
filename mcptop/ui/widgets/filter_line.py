"""The line a filter is typed in: it completes names of fields, and says what it read otherwise than it looks."""

from __future__ import annotations

from rich.highlighter import Highlighter
from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip
from textual.suggester import Suggester
from textual.widgets import Input

from mcptop.presentation import filter, runs
from mcptop.presentation.filter import Filter

_HINT = "filter: words and comparisons, such as  api cpu>50 mem%>80 !state=running service=ui|service=db"
_LONGEST = 500


class _Fields(Suggester):
    """Completes the name of a field."""

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line with it, or None."""
        return filter.completion(value)


class _Dimmed(Highlighter):
    """Parts that are only text, though they look like comparisons, stand back."""

    def highlight(self, text: Text) -> None:
        """Mark them."""
        for note in filter.parse(text.plain).notes:
            text.stylize("dim italic", note.start, note.end)


class FilterLine(Input):
    """Any text is a filter; notes about it stand at the end of the line."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id, placeholder=_HINT, compact=True, select_on_focus=False, max_length=_LONGEST,
            suggester=_Fields(), highlighter=_Dimmed(),
        )  # fmt: skip
        self.cursor_blink = False
        self._read = filter.NOTHING

    @property
    def filter(self) -> Filter:
        """What is typed, read."""
        if self._read.text != self.value:
            self._read = filter.parse(self.value)
        return self._read

    def validate_value(self, value: str) -> str:
        """A terminal cannot be sent half characters, and a line has no control characters."""
        return "".join(letter if letter.isprintable() else " " for letter in value)

    def render_line(self, y: int) -> Strip:
        """What is typed, and the first note where there is room for all of it."""
        strip = super().render_line(y)
        if y or not self.filter.notes:
            return strip
        width = self.scrollable_content_region.width
        says = runs.safe(self.filter.notes[0].says)
        room = width - runs.cells(says) - 2
        if self.content_width > room:
            return strip
        style = self.get_component_rich_style("input--placeholder")
        return Strip([*strip.crop(0, room), Segment(f"  {says}", style)]).extend_cell_length(width)
