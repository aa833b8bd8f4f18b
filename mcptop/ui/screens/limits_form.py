"""Two lines for other limits, with the command they come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mcptop.actions import limits, words
from mcptop.actions.errors import ActionError
from mcptop.model.action import Action, ContainerFacts
from mcptop.presentation.runs import safe


class LimitsForm(ModalScreen[Action | None]):
    """Returns the action with its limits, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="limits.back", tooltip="Leave the limits as they are"),
        Binding("down", "app.focus_next", "Next", show=False, id="limits.next", tooltip="To the other line"),
        Binding("up", "app.focus_previous", "Previous", show=False, id="limits.previous", tooltip="Likewise"),
    ]

    def __init__(self, action: Action, known: Sequence[ContainerFacts]) -> None:
        """`known`: of each target, in their order."""
        super().__init__()
        self._action, self._known = action, known

    def compose(self) -> ComposeResult:
        """What is in force, the lines, what they come to."""
        with Vertical(id="box") as box:
            target = self._action.targets[0]
            count = len(self._action.targets)
            whom = safe(target.name, 60) if count == 1 else f"all {count} of {safe(target.service, 40)}"
            box.border_title = Content(f"update limits of {whom}")
            box.border_subtitle = "Enter goes on, and asks first · Esc back"
            yield Static(Content(words.in_force(self._known, self._action.targets)))
            for id, label, example in (("memory", "memory limit", "512m or 1.5g"), ("cpus", "cpus, in cores", "1.5")):
                yield Static(label, markup=False, classes="label")
                line = Input(id=f"limits-{id}", placeholder=f"such as {example}; empty: as it is", compact=True)
                line.cursor_blink = False
                yield line
            yield Static(id="limits-command")

    def on_mount(self) -> None:
        """Begin with the memory."""
        self.query_one("#limits-memory", Input).focus()

    def _chosen(self) -> Action:
        """Raises `ActionError`. Targets for which nothing changes are left out."""
        memory, cpus = (self.query_one(f"#limits-{id}", Input).value for id in ("memory", "cpus"))
        kept, problem = [], ActionError("")
        for target, facts in zip(self._action.targets, self._known, strict=True):
            try:
                kept.append((target, limits.limits(memory, cpus, facts)))
            except ActionError as error:
                problem = error
        if not kept:
            raise problem
        return replace(self._action, targets=tuple(t for t, _ in kept), limits=tuple(each for _, each in kept))

    @on(Input.Changed)
    def _show(self) -> None:
        line = self.query_one("#limits-command", Static)
        try:
            line.update(Content(words.example(self._chosen())))
        except ActionError as problem:
            line.update(Content.styled(str(problem), "$warning"))

    @on(Input.Submitted)
    def _done(self) -> None:
        try:
            self.dismiss(self._chosen())
        except ActionError as problem:
            self.query_one("#limits-command", Static).update(Content.styled(str(problem), "$warning"))
