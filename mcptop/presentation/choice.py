"""Which columns of a table are shown, and in which order: what the reader does in the menu of columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace


class Choice(Struct, frozen=True):
    """All columns of a table in the order of the reader, and those that are ticked."""

    order: tuple[str, ...]
    ticked: frozenset[str]

    @property
    def shown(self) -> tuple[str, ...]:
        """The ticked ones, in order."""
        return tuple(id for id in self.order if id in self.ticked)

    def toggled(self, id: str) -> Choice:
        """With this column shown or hidden; the last one stays."""
        ticked = self.ticked ^ {id}
        return replace(self, ticked=ticked) if ticked else self

    def moved(self, id: str, by: int) -> Choice:
        """With this column one place up (-1) or down (1)."""
        order = list(self.order)
        at = order.index(id)
        to = min(len(order) - 1, max(0, at + by))
        order.insert(to, order.pop(at))
        return replace(self, order=tuple(order))


def of(every: Sequence[str], shown: Iterable[str]) -> Choice:
    """The columns that are shown, in their order; each of the others stands behind its usual neighbour."""
    order = list(dict.fromkeys(id for id in shown if id in every))
    ticked = frozenset(order)
    for at, id in enumerate(every):
        if id not in ticked:
            order.insert(order.index(every[at - 1]) + 1 if at else 0, id)
    return Choice(tuple(order), ticked)
