"""Screens on which somebody is selected whom one can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from mcptop.ui.actions import acting
from mcptop.ui.diagnosis.whom import Whom
from mcptop.ui.keys.bindings import ACTION_KEYS

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp


class SelectionScreen(Screen[None]):
    """Has the keys of the actions."""

    BINDINGS = ACTION_KEYS

    @property
    def mcptop(self) -> McptopApp:
        """The app, by its type."""
        return cast("McptopApp", self.app)

    def selected(self) -> Whom | None:
        """Who is selected; None for a heading, and where nothing is."""
        raise NotImplementedError

    def acted_on(self) -> Whom | None:
        """Who is acted on: who is selected, unless the screen shows something closer."""
        return self.selected()

    def action_act(self) -> None:
        """Choose what to do to it."""
        acting.open_menu(self.mcptop, self.acted_on())

    def action_open_shell(self) -> None:
        """A shell in it."""
        acting.open_shell(self.mcptop, self.selected())
