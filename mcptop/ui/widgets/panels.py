"""The panels around the table, from the header down to the footer. They show, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mcptop.model.closeup import Closeup
from mcptop.model.frame import EMPTY, Frame
from mcptop.presentation import budgets, detail, flow_detail, header, limit_detail, runs, subject, tabs
from mcptop.presentation.closeups import detail as close_detail
from mcptop.presentation.closeups.listed import CloseRow
from mcptop.presentation.flow_rows import FlowRow
from mcptop.presentation.lens import Lens
from mcptop.presentation.limit_rows import LimitRow
from mcptop.presentation.row import Row
from mcptop.presentation.runs import Runs
from mcptop.presentation.tabs import Trouble
from mcptop.presentation.when import LIVE
from mcptop.ui.widgets.lines import Lines, keymap, look


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
    when = LIVE
    short = False
    """One line only."""
    actions_on = False

    def lines(self, width: int) -> list[Runs]:
        """Title, and the meters where there is height for them."""
        title = header.title_line(self.frame, width, self.problems, self.when, self.actions_on)
        return [title] if self.short else [title, *header.meters(self.frame, width)]


class Banner(Panel):
    """What this machine does not let mcptop see; no line when it sees everything."""

    def lines(self, width: int) -> list[Runs]:
        """One line or none."""
        return [header.banner_line(self.frame, width)] if self.frame.banner and self.frame.services else []


class SubjectLine(Lines):
    """Whom the table is about, where it is about one."""

    def __init__(self) -> None:
        super().__init__()
        self._row: Row | None = None
        self._right: Runs = ()

    def show(self, row: Row | None, right: Runs) -> None:
        """Draw this."""
        self._row, self._right = row, right
        self.rebuild()

    def lines(self, width: int) -> list[Runs]:
        """One line."""
        return [subject.line(self._row, self._right, width)]


class Status(Panel):
    """How the sources did, and what that cost."""

    def lines(self, width: int) -> list[Runs]:
        """One line."""
        return [header.status_line(self.frame, width)]


class Budgets(Panel):
    """Whether the pools of a server's clients fit into what it allows."""

    most = 2

    def lines(self, width: int) -> list[Runs]:
        """One line a server, as many as there is room for."""
        return budgets.lines(self.frame.budgets, width, self.most)


class Detail(Panel):
    """The selected row: facts and charts, made for the height the pane has."""

    row: Row | FlowRow | LimitRow | CloseRow | None = None
    closeup: Closeup | None = None
    """Which a `CloseRow` is of."""
    lens = Lens()
    full = False
    """Has the screen to itself: more charts."""

    def lines(self, width: int) -> list[Runs]:
        """As much as fits."""
        height = self.size.height
        if self.row is None or height < 1:
            return []
        if isinstance(self.row, CloseRow):
            return close_detail.compose(self.row, self.closeup, width, height) if self.closeup is not None else []
        if isinstance(self.row, FlowRow):
            return flow_detail.compose(self.row, self.frame, width, height, self.lens)
        if isinstance(self.row, LimitRow):
            return limit_detail.compose(self.row, width, height, self.lens)
        compose = detail.compose_full if self.full else detail.compose
        return compose(self.row, self.frame, width, height, self.lens)


Piece = tuple[Runs, str]
"""A part of a line, and the action a click on it runs."""


class Actions(Lines):
    """One line of pieces that can be clicked; what does not fit is left out whole."""

    def pieces(self, width: int) -> Sequence[Piece]:
        """What to offer, the most important first."""
        raise NotImplementedError

    def lines(self, width: int) -> list[Runs]:
        """One line."""
        line = [run for piece, _ in self._fitting(width) for run in piece]
        return [(*line, (" " * (width - runs.width(line)), "head"))]

    def render_line(self, y: int) -> Strip:
        """The line with an action under each piece."""
        width, styles = self.size.width, look(self)
        segments = [
            Segment(text, styles.get(style) + Style(meta={"@click": action}))
            for piece, action in self._fitting(width)
            for text, style in piece
        ]
        return Strip(segments).extend_cell_length(width, styles.get("head"))

    def _fitting(self, width: int) -> list[Piece]:
        kept: list[Piece] = []
        for piece in self.pieces(width):
            width -= runs.width(piece[0])
            if width < 0:
                break
            kept.append(piece)
        return kept


class TabLine(Actions):
    """The tabs, with a symbol where one of their rows needs somebody."""

    chosen = tabs.OVERVIEW.id
    trouble: Trouble = {}  # noqa: RUF012 - replaced, never changed

    def show(self, chosen: str, trouble: Trouble) -> None:
        """Mark this tab."""
        self.chosen, self.trouble = chosen, trouble
        self.rebuild()

    def pieces(self, width: int) -> Sequence[Piece]:
        """One piece a tab."""
        keys = keymap(self)
        return tabs.pieces(self.chosen, self.trouble, width, lambda tab: keys.first(tab.binding, tab.key))


Key = tuple[str, str, str]
"""Key, word, and the action a click on it runs."""


class Footer(Actions):
    """The keys that work now."""

    keys: Sequence[Key] = ()

    def show(self, keys: Sequence[Key]) -> None:
        """Offer these keys, by the names they have now."""
        if not self.is_attached:
            return  # its screen is not composed yet, or gone: nobody sees it
        focused = self.screen.focused
        listening = [*(focused.BINDINGS if focused is not None else ()), *self.screen.BINDINGS, *self.app.BINDINGS]
        self.keys = keymap(self).shown(keys, listening)
        self.rebuild()

    def pieces(self, width: int) -> Sequence[Piece]:
        """One piece a key."""
        return [(((f" {key} ", "key"), (f"{word} ", "head.muted")), action) for key, word, action in self.keys]
