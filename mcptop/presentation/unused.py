"""Which columns of a table have had nothing to show: they are left out, and what stays has their room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from mcptop.presentation.sheet import Listed, Moment, Sheet

_SETTLED = timedelta(seconds=5)
"""Rates need two looks, and an engine a moment: until then nothing is known to be empty."""


class Unused:
    """Of one table. A column that once had something is not asked about again, and stays."""

    def __init__(self, columns: Sheet[Any]) -> None:
        self._rare = frozenset(column.id for column in columns.columns if column.rare)
        self.ids = self._rare
        """Of those that are left out, or stay narrow."""
        self._waiting: dict[str, Callable[[Any], bool]] = {
            column.id: column.has for column in columns.columns if column.has is not None
        }
        self._since: datetime | None = None
        self._is_settled = False

    def look(self, rows: Sequence[Listed], moment: Moment) -> bool:
        """Whether these rows change which they are."""
        if not self._waiting or not rows:
            return False
        self._since = self._since or moment.at
        # A heading has the sums of its rows: where it has nothing, none of them has.
        heads = [row for row in rows if row.level_in_tree == 0] or rows
        for id in [id for id, has in self._waiting.items() if any(map(has, heads))]:
            del self._waiting[id]
        self._is_settled = self._is_settled or moment.at - self._since >= _SETTLED
        waiting = frozenset(self._waiting)
        before, self.ids = self.ids, waiting if self._is_settled else waiting & self._rare
        return self.ids != before
