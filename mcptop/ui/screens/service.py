"""One row with the screen to itself: large charts and all facts."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from mcptop.model.frame import Frame
from mcptop.presentation import problems, rows
from mcptop.presentation.row import Row
from mcptop.ui.actions.selection import SelectionScreen
from mcptop.ui.diagnosis.whom import Whom, of_row
from mcptop.ui.widgets.lines import Lines
from mcptop.ui.widgets.panels import Detail, Footer, Header, Key

_FOOTER: tuple[Key, ...] = (
    ("Esc", "back", "screen.back"),
    ("d", "diagnose", "screen.diagnose"),
    ("+/-", "zoom", "app.zoom(1)"),
    ("Z", "pause", "app.pause"),
    ("?", "help", "app.help"),
    (":", "commands", "app.command_palette"),
    ("q", "quit", "app.quit"),
)
_ACT: Key = ("x", "actions", "screen.act")


class ServiceScreen(SelectionScreen):
    """A service or an instance, large."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,left,backspace", "back", "Back", id="service.back", tooltip="Back to the table"),
        Binding("d", "diagnose", "Diagnose", id="service.diagnose", tooltip="Diagnose it"),
        Binding("D", "app.last_report", "Last report", id="service.report", tooltip="What the last diagnosis came to"),
        Binding("y", "copy", "Copy", id="service.copy", tooltip="Copy the facts as text"),
    ]

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key
        self.header, self.detail, self.footer = Header(), Detail(), Footer()
        self.detail.full = True

    def compose(self) -> ComposeResult:
        """Header, charts, keys."""
        yield self.header
        yield self.detail
        yield self.footer

    def on_mount(self) -> None:
        """Draw what the table showed."""
        app = self.mcptop
        self.header.actions_on = app.actions.on
        self.footer.show([*_FOOTER[:2], _ACT, *_FOOTER[2:]] if app.actions.on else _FOOTER)
        self.show(app.frame)

    def show(self, frame: Frame) -> None:
        """Draw this frame; a row that is gone keeps its last picture."""
        app = self.mcptop
        self.header.short = self.app.size.height < 14
        services = rows.of_services(frame)
        self.header.problems, self.header.when = len(problems.of_frame(frame, services)), app.picture.when
        self.header.show(frame)
        self.detail.lens = app.picture.lens
        row = rows.find(services, self._key)
        if row is not None:
            self.detail.row = row
            self.detail.show(frame)

    def show_pause(self) -> None:
        """How long the picture has stood still."""
        self.header.when = self.mcptop.picture.when
        self.header.rebuild()

    def restyle(self) -> None:
        """The theme changed."""
        for panel in self.query(Lines):
            panel.restyle()

    def action_back(self) -> None:
        """To the table."""
        self.dismiss()

    def selected(self) -> Whom | None:
        """The one it shows."""
        return of_row(self.detail.row)

    def action_diagnose(self) -> None:
        """Choose a playbook."""
        self.mcptop.diagnose(self.selected())

    def action_copy(self) -> None:
        """The facts without the charts."""
        row = self.detail.row
        if isinstance(row, Row):
            from mcptop.presentation import detail, runs

            facts = detail.compose(row, self.detail.frame, 200, 6, self.detail.lens)
            self.mcptop.copy("\n".join(runs.text_of(line).rstrip(" ─") for line in facts), row.name)
