"""The main screen: header, problems, the table of the chosen tab, detail of the selected row.

Owns what the reader asked for (tab, sort, filter, folds); the frame belongs to the app.
"""

from __future__ import annotations

from typing import Any

from textual import events, on
from textual.app import ComposeResult

from mcptop.logs.source import LogSource
from mcptop.model.frame import Frame
from mcptop.presentation import nothing, problems, rows, sheet, tabs
from mcptop.presentation.flows import Shown
from mcptop.presentation.problems import Trouble
from mcptop.presentation.scene import Scene, Sizes
from mcptop.presentation.sheet import Moment
from mcptop.presentation.tabs import TABS, Tab
from mcptop.ui.diagnosis.whom import Whom, of_trouble
from mcptop.ui.keys.bindings import DASHBOARD_KEYS, OF_TABLES, Now, footer
from mcptop.ui.moments import walking
from mcptop.ui.one_service import OneService
from mcptop.ui.widgets import layout
from mcptop.ui.widgets.lines import Lines
from mcptop.ui.widgets.panels import Banner, Budgets, Footer, Header, Status, TabLine
from mcptop.ui.widgets.problems import Problems
from mcptop.ui.widgets.table import SheetTable
from mcptop.ui.widgets.timeline import Timeline


class Dashboard(OneService):
    """Every service at a glance."""

    BINDINGS = DASHBOARD_KEYS

    def __init__(self, logs: LogSource | None = None, elsewhere: str = "") -> None:
        """`logs` makes who follows a log; a recording has none, nor has a fleet: `elsewhere` says why."""
        super().__init__(logs, elsewhere)
        self.header, self.timeline, self.banner, self.problems = Header(), Timeline(), Banner(), Problems()
        self.tab_line, self.budgets = TabLine(), Budgets()
        self.status, self.footer = Status(), Footer()
        self._mounted = False
        self._shown: Shown = {}
        self._sizes: dict[str, Sizes] = {}

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        yield self.header
        yield self.timeline
        yield self.banner
        yield self.problems
        yield self.tab_line
        yield self.subject
        for id, table in self.tables.items():
            table.display = id == self.tab.id
            yield table
        self.logs.display = False
        yield self.logs
        yield self.budgets
        yield self.detail
        self.filter_line.display = False
        yield self.filter_line
        yield self.status
        yield self.footer

    def on_mount(self) -> None:
        """The keys go to the table."""
        self._mounted = True
        self._divide()
        self.pane.focus()
        self.header.actions_on = self.mcptop.actions.on
        if self.mcptop.first_filter:
            self.set_filter(self.mcptop.first_filter)
        if self.mcptop.first_view:
            self.action_view(self.mcptop.first_view, self.mcptop.first_filter)
        self.show(self.mcptop.frame)

    def on_resize(self, event: events.Resize) -> None:
        """Panels come and go with the size."""
        self._divide()

    def on_screen_resume(self) -> None:
        """While another screen was in front nothing was drawn here."""
        self.show(self.mcptop.frame)

    def show(self, frame: Frame) -> None:
        """Draw this frame."""
        if not self._mounted:
            return
        self.services = rows.of_services(frame, self._shown)
        troubled = problems.of_frame(frame, self.services)
        self.header.problems, self.header.when = len(troubled), self.mcptop.picture.when
        self.header.show(frame)
        self.timeline.show(self.mcptop.picture.when.tape, frame, self.mcptop.picture.newest)
        self.banner.show(frame)
        self.problems.show(troubled, frame.at)
        if self.focused is self.problems and not troubled:
            self.set_focus(self.pane)
        self.status.show(frame)
        self._show_rows()
        self.show_keys()

    def show_keys(self) -> None:
        """The footer for the present state."""
        app, problems = self.mcptop, self.problems
        seen = problems.can_be_entered, bool(app.diagnoses.reports), app.actions.on, self.focused is problems
        past = app.picture.past
        time = past.tape is not None, past.is_recording
        about = self.tab.is_log, *time, self.tab.aspect
        now = Now(app.picture.when.stands_still, bool(self.filter), self.tab.is_tree, *seen, *about)
        self.footer.show(footer(now))

    def show_pause(self) -> None:
        """How long the picture has stood still."""
        app = self.mcptop
        self.header.when = app.picture.when
        self.header.rebuild()
        self.timeline.show(app.picture.when.tape, app.frame, app.picture.newest)
        self.show_keys()

    def restyle(self) -> None:
        """The theme changed."""
        for panel in self.query(Lines):
            panel.restyle()
        for table in self.tables.values():
            table.restyle()
        self.logs.restyle()

    def redraw(self) -> None:
        """The table of the present frame, once more, and the keys."""
        self._show_rows()
        self.show_keys()

    def _show_rows(self) -> None:
        frame = self.mcptop.frame
        if frame.number == 0:
            return
        self.tab_line.show(self.tab.id, tabs.trouble(self.services))
        self.budgets.show(frame)
        one, closely = self.show_one(frame), self.mcptop.closely
        if self.tab.is_log:
            return
        view = self.view(frame.at)
        moment = Moment(frame.at, frame.series, self.as_tree, frame.host.cpus if frame.host else 1)
        scene = Scene(frame, self.services, one, closely.closeup, closely.reveal, self._sizes)
        self.table.is_filtered, self.table.why = bool(self.filter), "" if self.tab.of_one else nothing.why(frame)
        self.table.show(self.tab.build(scene, view), moment, self.sort, self.descending)
        self.show_detail()

    def _divide(self) -> None:
        size = self.app.size
        share = layout.heights(size.width, size.height)
        self.header.short, self.problems.most = share.short_header, share.problems
        self.problems.display = share.problems > 0
        self.subject.display = self.tab.of_one
        self.detail.display = share.detail > 0 and self.tab.has_detail
        self.detail.styles.height = share.detail
        self.tab_line.display = share.tabs
        self.budgets.most = share.budgets
        self._show_budgets()
        self.status.display, self.footer.display = share.status, share.footer

    def _show_budgets(self) -> None:
        self.budgets.display = self.tab.id == "pools" and self.budgets.most > 0

    @on(SheetTable.Moved)
    def _cursor_moved(self) -> None:
        self.follow_cursor()
        self.show_detail()

    @on(SheetTable.Folded)
    def _fold(self, event: SheetTable.Folded) -> None:
        self.folds = self.folds.turned(event.row.key, not event.folded)
        self._show_rows()

    @on(SheetTable.Sorted)
    def _sort_by_click(self, event: SheetTable.Sorted) -> None:
        self.action_sort(event.column)

    @on(SheetTable.Opened)
    def _open(self) -> None:
        row = self.table.selected
        if row is None or row.opens is None:
            return
        from mcptop.ui.screens.service import ServiceScreen

        self.app.push_screen(ServiceScreen(row.opens))

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _focus_moved(self) -> None:
        self.show_keys()

    @on(Timeline.Clicked)
    def _go_to(self, event: Timeline.Clicked) -> None:
        walking.to_time(self.mcptop, event.at)

    @on(Problems.Chosen)
    def _diagnose_problem(self, event: Problems.Chosen) -> None:
        self._diagnose(event.trouble)

    def action_problems(self) -> None:
        """To the problems, and back to the table."""
        if self.focused is self.problems:
            self.set_focus(self.pane)
        elif self.problems.can_be_entered:
            self.set_focus(self.problems)
        else:
            self.app.notify("no problem is shown; d diagnoses the selected row", markup=False, timeout=4)

    def selected(self) -> Whom | None:
        """Whom the selected problem is about, else whom the tab or its row."""
        trouble = self.problems.selected
        return of_trouble(trouble) if trouble is not None else super().selected()

    def acted_on(self) -> Whom | None:
        """Likewise; of processes the selected one."""
        return self.selected() if self.problems.selected is not None else super().acted_on()

    def action_diagnose(self) -> None:
        """Choose a playbook for the selected problem, or for the selected row."""
        if (trouble := self.problems.selected) is not None:
            self._diagnose(trouble)
        else:
            self.mcptop.diagnose(self.selected())

    def _diagnose(self, trouble: Trouble) -> None:
        """Choose a playbook for it; what no playbook can look into is explained."""
        whom = of_trouble(trouble)
        if whom is not None:
            self.mcptop.diagnose(whom)
        else:
            says = f"{trouble.text}. What to do: {trouble.do}"
            self.app.notify(says, severity="warning", markup=False, timeout=12)

    def action_open(self) -> None:
        """Open the selected row."""
        self.table.action_open()

    def action_tab(self, id: str) -> None:
        """Show the table of another tab; each keeps its order and its cursor."""
        chosen: Tab[Any] = next(tab for tab in TABS if tab.id == id)
        if chosen is self.tab:
            return
        had_focus = self.focused is self.pane
        self.choose_shown()
        self.pane.display = False
        if self.tab.is_log:
            self.logs.leave()
        if chosen.of_one is not self.tab.of_one:
            # What leaves out services would leave out most of what one of them has.
            self._lines[self.tab.of_one] = self.filter_line.value
            self.set_filter(self._lines.get(chosen.of_one, ""))
        self.tab = chosen
        self.pane.display = True
        if had_focus:
            self.set_focus(self.pane)
        self._divide()
        self._show_rows()
        self.point_at_selection()
        self.show_detail()
        self.show_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A log has no rows: nothing to sort, filter, fold or copy but its own lines."""
        return not (self.tab.is_log and action in OF_TABLES)

    def action_copy(self) -> None:
        """The selected row as text, through the terminal's clipboard."""
        row = self.table.selected
        if row is not None:
            moment = Moment(self.mcptop.frame.at, self.mcptop.frame.series)
            self.mcptop.copy(sheet.text_of(row, self.table.sheet, moment), row.name)
