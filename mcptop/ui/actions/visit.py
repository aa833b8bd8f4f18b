"""A shell in the terminal of the dashboard, which is put aside for it and comes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from mcptop.actions import commands, shell, words
from mcptop.model.action import Action
from mcptop.ui.actions import terminal

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp


def enter(app: McptopApp, action: Action) -> None:
    """Give the terminal away until the shell ends; nothing of the app runs meanwhile but its monitor.

    Nothing is looked at closely either; of a log that is followed one message at most waits, and lines are skipped.
    """
    target = action.targets[0]
    command = commands.shown(commands.argv(action, target))
    if problem := shell.missing(action):
        app.tell(problem)
        return
    at, began = app.actions.log.now(), time.monotonic()
    app.is_lent = True
    app.closely.rest()
    try:
        with app.suspend(), terminal.lent():
            print(f"{command}\n(mcptop comes back when it ends)", flush=True)
            ok, says = shell.enter(action)
    except SuspendNotSupported:
        app.tell(f"no shell from here; in a terminal: {command}")
        return
    finally:
        app.is_lent = False
    app.actions.log.add(at, command, ok, f"left after {time.monotonic() - began:.0f} s, {says}")
    app.tell(words.done(action, [target]) if ok else says, trouble=not ok)
