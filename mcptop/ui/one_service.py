"""The part of the dashboard that is about one service: which one, its tabs, and what is done to it."""

from __future__ import annotations

from textual.widget import Widget

from mcptop.logs.source import LogSource
from mcptop.model.closeup import Aspect
from mcptop.model.frame import Frame
from mcptop.presentation.closeups import masks
from mcptop.presentation.closeups.inspection import FactRow
from mcptop.presentation.closeups.processes import ProcessRow
from mcptop.presentation.event_rows import EVENTS
from mcptop.presentation.row import Row
from mcptop.presentation.sheet import Listed
from mcptop.presentation.subject import look
from mcptop.ui.arranging import Arranging
from mcptop.ui.diagnosis.whom import Whom, of_process, of_row
from mcptop.ui.logs.pane import LogPane
from mcptop.ui.widgets.panels import Detail, SubjectLine


class OneService(Arranging):
    """There is one selection for all tabs: it moves with the cursor, and each tab begins where it is."""

    def __init__(self, logs: LogSource | None = None, elsewhere: str = "") -> None:
        """`logs` makes who follows a log; a recording has none, nor has a fleet: `elsewhere` says why."""
        super().__init__()
        self._elsewhere = elsewhere
        self.logs = LogPane(logs, elsewhere, id="logs-pane")
        self.subject, self.detail = SubjectLine(), Detail()
        self.services: list[Row] = []

    @property
    def pane(self) -> Widget:
        """What the chosen tab shows."""
        return self.logs if self.tab.is_log else self.table

    def show_one(self, frame: Frame) -> Row | None:
        """Draw what is about the one service; its row, where the tab is about one."""
        closely = self.mcptop.closely
        one = self._shown_one()
        closely.want(self.tab.aspect, one)
        if self.tab.is_log:
            self.subject.show(one, ())
            self.logs.turn_to(of_row(one), frame)
        else:
            self.subject.show(one, look(closely.closeup, closely.can_look, self._elsewhere))
        return one

    def show_closeup(self) -> None:
        """Somebody looked at the service this tab is about."""
        self.redraw()

    def show_detail(self) -> None:
        """The selected row in full."""
        if not self.tab.has_detail:
            return
        self.detail.row, self.detail.closeup = self.table.selected, self.mcptop.closely.closeup
        if isinstance(row := self.detail.row, ProcessRow):
            self.mcptop.closely.threads_of(row.identity)
        self.detail.lens = self.mcptop.picture.lens
        self.detail.show(self.mcptop.frame)

    def selected(self) -> Whom | None:
        """Whom the tab is about, else whom the selected row."""
        return of_row(self._shown_one() if self.tab.of_one else self.table.selected)

    def acted_on(self) -> Whom | None:
        """A process, where one is selected."""
        one, row = self._shown_one(), self.table.selected
        if isinstance(row, ProcessRow) and one is not None and one.service is not None:
            return of_process(row, one.service)
        return self.selected()

    def _shown_one(self) -> Row | None:
        """The row of the service a tab is about."""
        return self.mcptop.closely.row(self.services) if self.tab.of_one else None

    def follow_cursor(self) -> None:
        """The reader moved it: the selection goes along."""
        if not self.tab.of_one:
            self.mcptop.closely.turn_to(self.table.selected)

    def choose_shown(self) -> None:
        """Before another tab is shown: who is selected is who can be seen, where the selection cannot."""
        closely = self.mcptop.closely
        if not self.tab.of_one and not (closely.key and any(map(self._is_selected, self.table.rows))):
            closely.turn_to(self.table.selected)

    def point_at_selection(self) -> None:
        """The cursor of a tab that was just shown, where it has a row of the selected one.

        What happened last stands at the top, whoever it happened to.
        """
        if not self.tab.of_one and self.tab.sheet is not EVENTS and self.mcptop.closely.key:
            self.table.point_at(self._is_selected)

    def _is_selected(self, row: Listed) -> bool:
        return self.mcptop.closely.is_of(row)

    def action_subject(self, by: int) -> None:
        """The next service, on a tab that shows one."""
        if self.tab.of_one:
            self.mcptop.closely.step(self.services, by)
            self.redraw()

    def action_reveal(self, everything: bool) -> None:
        """Show a masked value of the Inspect tab, or all of them; secrets only when asked for twice."""
        closely, row = self.mcptop.closely, self.table.selected
        if self.tab.aspect is not Aspect.INSPECT:
            self.app.notify("nothing is masked here; tab 0 has the environment", markup=False, timeout=3)
        elif everything:
            closely.reveal = closely.reveal.more()
        elif isinstance(row, FactRow):
            closely.reveal = closely.reveal.one(masks.key_of(row.fact))
        self.redraw()
