"""Kinds of steps that only say what they emit: those of the example's playbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mcptop.model.diagnosis import Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps.base import Context, NoOptions, Raw, Seconds, StepKind


class WatchOptions(Struct, frozen=True, forbid_unknown_fields=True, rename={"length": "for"}):
    length: Seconds = Seconds(10)
    metrics: tuple[str, ...] = ()


class Kind:
    """A kind of step that only says what it emits."""

    safety = Safety.PASSIVE
    alongside = False

    def __init__(self, name: str, *emits: str, options: type[Struct] = NoOptions) -> None:
        self.name = name
        self.says = name
        self.emits = dict.fromkeys(emits, "")
        self.options = options

    def expected_s(self, options: Any) -> float:
        return 1.0

    def collect(self, context: Context, options: Any) -> Raw:
        return ()

    def read(self, raw: Raw, options: Any, subject: Subject) -> dict[str, Any]:
        return {}

    def summary(self, values: Mapping[str, Any]) -> str:
        return ""


_ALL: list[Any] = [
    Kind("watch", *(f"anon.{name}" for name in ("slope_per_s", "relative", "floors", "full_s", "last")),
         "file.relative", "file.last", "queue.last", "queue.drained", "up_s", "by_state.*", options=WatchOptions),
    Kind("docker-stats", "cache_ratio"),
    Kind("py-spy-dump", "top", "file", "line"),
    Kind("proc-stacks", "top", "state"),
    Kind("lsof", "open"),
    Kind("memray"),
]  # fmt: skip
KINDS: Mapping[str, StepKind] = {kind.name: kind for kind in _ALL}
