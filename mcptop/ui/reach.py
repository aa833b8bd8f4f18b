"""What the dashboard can do besides showing frames: on a live machine everything, in a recording next to nothing."""

from __future__ import annotations

from typing import NamedTuple

from mcptop.ui.closely import MakeLooks


class Reach(NamedTuple):
    """What is None cannot be done, and the screen says so."""

    looks: MakeLooks | None = None
    """Makes who looks closely at one service."""


NO_REACH = Reach()
