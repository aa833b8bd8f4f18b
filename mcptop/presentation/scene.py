"""What the tabs are drawn from: the frame, its services as judged rows, and the one that is looked at closely."""

from __future__ import annotations

from msgspec import Struct, field

from mcptop.advice.short import Shortly
from mcptop.model.closeup import Closeup
from mcptop.model.frame import Frame
from mcptop.presentation.closeups.masks import HIDDEN, Reveal
from mcptop.presentation.row import Row

Sizes = tuple[int, Shortly]
"""Number of the frame they were worked out at."""


class Scene(Struct, frozen=True, eq=False):
    """One picture's ingredients."""

    frame: Frame
    services: list[Row]
    subject: Row | None = None
    """Of the tabs that show one service or instance."""
    closeup: Closeup | None = None
    """The newest look at it."""
    reveal: Reveal = HIDDEN
    """Which masked values somebody asked for."""
    sizes: dict[str, Sizes] = field(default_factory=dict)
    """What was worked out of each service's limits: kept from picture to picture, for it is dear."""
