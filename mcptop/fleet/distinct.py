"""Names of replicas that tell them apart: two machines may call theirs alike, and a pool knows its replica by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from mcptop.model.snapshot import Target


class Distinct:
    """Adds the machine where it takes that. What did not change is the same object again."""

    def __init__(self) -> None:
        self._renamed: dict[str, tuple[Target, Target]] = {}

    def names(self, targets: Iterable[Target]) -> tuple[Target, ...]:
        """The targets, no two of one service with one name: `api-1@web1`."""
        given = tuple(targets)
        count = Counter(_key(target) for target in given)
        before, self._renamed = self._renamed, {}
        return tuple(self._renamed_or_known(each, before) if count[_key(each)] > 1 else each for each in given)

    def _renamed_or_known(self, target: Target, before: dict[str, tuple[Target, Target]]) -> Target:
        known = before.get(target.id)
        if known is None or known[0] is not target:
            known = target, msgspec.structs.replace(target, name=f"{target.name}@{target.host}")
        self._renamed[target.id] = known
        return known[1]


def _key(target: Target) -> tuple[str | None, str, str, str]:
    return target.project, target.service, target.kind, target.name
