"""The panels around the table: header, banner, problems, detail, status and footer. They show, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mcptop.model.frame import EMPTY, Frame
from mcptop.presentation import detail, header, problems, runs
from mcptop.presentation.rows import Row
from mcptop.presentation.runs import Runs
from mcptop.ui.lines import Lines, look


class Panel(Lines):
    """A panel that depends on the frame."""

    frame: Frame = EMPTY

    def show(self, frame: Frame) -> None:
        """Draw this frame."""
        self.frame = frame
        self.rebuild()


class Header(Panel):
    """The machine, in one to three lines."""

    problems = 0
    paused_for: float | None = None
    short = False
    """One line only."""

    def lines(self, width: int) -> list[Runs]:
        """Title, and the meters where there is height for them."""
        title = header.title_line(self.frame, width, self.problems, self.paused_for)
        return [title] if self.short else [title, *header.meters(self.frame, width)]


class Banner(Panel):
    """What this machine does not let mcptop see; no line when it sees everything."""

    def lines(self, width: int) -> list[Runs]:
        """One line or none."""
        return [header.banner_line(self.frame, width)] if self.frame.banner else []


class Status(Panel):
    """How the sources did, and what that cost."""

    def lines(self, width: int) -> list[Runs]:
        """One line."""
        return [header.status_line(self.frame, width)]


class Problems(Lines):
    """The worst services, in plain words."""

    rows: Sequence[Row] = ()
    most = 3

    def show(self, rows: Sequence[Row]) -> None:
        """Draw these, worst first."""
        self.rows = rows
        self.rebuild()

    def lines(self, width: int) -> list[Runs]:
        """As many as there is room for."""
        return problems.lines(self.rows, width, self.most)


class Detail(Panel):
    """The selected row: facts and charts, made for the height the pane has."""

    row: Row | None = None
    window_s = 900.0
    full = False
    """Has the screen to itself: more charts."""

    def lines(self, width: int) -> list[Runs]:
        """As much as fits."""
        height = self.size.height
        if self.row is None or height < 1:
            return []
        compose = detail.compose_full if self.full else detail.compose
        return compose(self.row, self.frame, width, height, self.window_s)


Key = tuple[str, str, str]
"""Key, word, and the action a click on it runs."""


class Footer(Lines):
    """The keys that work now; each can be clicked."""

    keys: Sequence[Key] = ()

    def show(self, keys: Sequence[Key]) -> None:
        """Offer these keys."""
        self.keys = keys
        self.rebuild()

    def lines(self, width: int) -> list[Runs]:
        """One line; what does not fit is left out whole."""
        line: list[tuple[str, str]] = []
        for key, word, _ in self._fitting(width):
            line += [(f" {key} ", "key"), (f"{word} ", "head.muted")]
        return [(*line, (" " * (width - runs.width(line)), "head"))]

    def render_line(self, y: int) -> Strip:
        """The line with an action under each key."""
        width, styles = self.size.width, look(self)
        segments: list[Segment] = []
        for key, word, action in self._fitting(width):
            click = Style(meta={"@click": action})
            segments.append(Segment(f" {key} ", styles.get("key") + click))
            segments.append(Segment(f"{word} ", styles.get("head.muted") + click))
        return Strip(segments).extend_cell_length(width, styles.get("head"))

    def _fitting(self, width: int) -> list[Key]:
        kept: list[Key] = []
        for key in self.keys:
            width -= runs.cells(key[0]) + runs.cells(key[1]) + 3
            if width < 0:
                break
            kept.append(key)
        return kept
