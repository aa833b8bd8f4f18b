"""How many lines each panel gets, by the height and width of the terminal. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Heights(NamedTuple):
    """Lines of the panels; the table gets the rest."""

    short_header: bool
    problems: int
    tabs: bool
    budgets: int
    detail: int
    status: bool
    footer: bool


def heights(width: int, height: int) -> Heights:
    """The table comes first: below 16 lines it has nearly all, and details come back as there is room."""
    return Heights(
        short_header=height < 14,
        problems=_step(height, ((50, 6), (34, 4), (22, 3), (15, 1))),
        tabs=height >= 14,
        budgets=_step(height, ((50, 6), (34, 3), (22, 2))),
        detail=_step(height, ((56, 20), (44, 16), (34, 12), (28, 10), (22, 4), (18, 3))) if width >= 40 else 0,
        status=height >= 12,
        footer=height >= 8,
    )


def _step(height: int, steps: tuple[tuple[int, int], ...]) -> int:
    return next((lines for least, lines in steps if height >= least), 0)
