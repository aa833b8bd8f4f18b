"""By which column each tab is sorted, as the reader left it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcptop.presentation.tabs import TABS, Tab


class Orders:
    """Belongs to the dashboard."""

    def __init__(self) -> None:
        self._orders = {tab.id: (tab.sort, True) for tab in TABS}

    def of(self, tab: Tab[Any]) -> tuple[str, bool]:
        """The column, and whether the most stands first."""
        return self._orders[tab.id]

    def turn(self, tab: Tab[Any], column: str) -> None:
        """Sort by a column; once more turns the order round. Names go up, figures go down."""
        known = {one.id: one for one in tab.sheet.columns}
        if column in known:
            sorted_by, descending = self._orders[tab.id]
            self._orders[tab.id] = (column, not descending if column == sorted_by else not known[column].names)

    def set(self, tab: Tab[Any], column: str, descending: bool) -> None:
        """Sort by a column the way that is said, if the tab has it."""
        if any(one.id == column for one in tab.sheet.columns):
            self._orders[tab.id] = (column, descending)

    def neighbour(self, tab: Tab[Any], by: int, shown: Sequence[str]) -> str:
        """The column beside the sorted one, of those that are shown."""
        sorted_by, _ = self._orders[tab.id]
        return shown[((shown.index(sorted_by) if sorted_by in shown else 0) + by) % len(shown)]
