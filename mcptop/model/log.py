"""One line of a log, as it is kept, merged and shown."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from mcptop.model.value import Value

Key = tuple[float, int]
"""Where a line stands among all: its time and its number. It stays the same, whatever comes or is trimmed."""


class Level(IntEnum):
    """How bad a program says a line is; None where it does not say."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    FATAL = 50


class What(StrEnum):
    """What a line is."""

    LINE = "line"
    MARK = "mark"
    """Something that happened to the log."""
    START = "start"
    """A mark: a new run of the instance begins; what is older is of an earlier one."""
    SKIPPED = "skipped"
    """Lines are missing here."""


class Entry(Value, frozen=True):
    """One line, made harmless."""

    number: int
    """Counts up as lines come; nothing else has the same."""
    at: float
    """Unix seconds."""
    instance: str
    text: str
    """One line: no control character, the JSON of a line folded."""
    level: Level | None = None
    what: What = What.LINE
    head: int = -1
    """Number of the line it continues, as a traceback does; its own where it stands for itself."""
    raw: str | None = None
    """As it was written, where `text` is not that."""
    count: int = 0
    """Lines skipped; 0 where nobody counted."""

    @property
    def key(self) -> Key:
        """Where it stands."""
        return self.at, self.number

    @property
    def size(self) -> int:
        """What keeping it takes, in bytes and roughly."""
        return 200 + len(self.text) + len(self.raw or "")
