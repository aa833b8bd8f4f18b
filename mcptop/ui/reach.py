"""What the dashboard can do besides showing frames: on a live machine everything, in a recording next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mcptop.actions.sequence import Performs
from mcptop.logs.source import LogSource
from mcptop.recording.log import Log
from mcptop.ui.closely import MakeLooks


class Reach(NamedTuple):
    """What is None cannot be done, and the screen says so."""

    looks: MakeLooks | None = None
    """Makes who looks closely at one service."""
    logs: LogSource | None = None
    """Makes who follows a log."""
    performer: Callable[[], Performs] | None = None
    """Makes who carries out actions."""
    allow_actions: bool = False
    """Somebody said at the start that they may be offered."""
    in_browser: bool = False
    """Whoever looks sits at one: nothing is written or acted on for them, and their clipboard is elsewhere."""
    elsewhere: str = ""
    """Where the services are, if not here, and what follows from that; empty on their own machine."""
    past: Callable[[], Log] | None = None
    """The last minutes, as they are recorded now."""

    @property
    def may_act(self) -> bool:
        """Whether actions may be offered: never in a browser, whatever was said."""
        return self.allow_actions and not self.in_browser


NO_REACH = Reach()
