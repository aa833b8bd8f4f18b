"""Defects of mcptop itself within a tick: the part that failed gives its last result, and the frames say so."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from mcptop.model.frame import SourceReport, Status
from mcptop.recording.errors import RecordingError
from mcptop.units import plain

SOURCE = "mcptop"
"""Name of the source that fails where mcptop does."""
_KEPT = 5
P = ParamSpec("P")
T = TypeVar("T")


class Attempt(Protocol):
    """How a part of a tick is called."""

    def __call__(self, last: T, part: Callable[P, T], /, *args: P.args, **more: P.kwargs) -> T:
        """What `part` gives; `last`, what it gave in the tick before, is for one that fails."""


def directly(last: T, part: Callable[P, T], /, *args: P.args, **more: P.kwargs) -> T:
    """An `Attempt` that lets every exception out."""
    return part(*args, **more)


class Defects:
    """What failed, tick after tick."""

    def __init__(self) -> None:
        self._failed: str | None = None
        self._seen: dict[str, str] = {}
        """What was raised -> its first traceback."""

    @property
    def tracebacks(self) -> tuple[str, ...]:
        """Of each kind of defect the first, at most five."""
        return tuple(self._seen.values())

    def attempt(self, last: T, part: Callable[P, T], /, *args: P.args, **more: P.kwargs) -> T:
        """An `Attempt` that goes on. A file that takes no more is no defect: `RecordingError` gets out."""
        try:
            return part(*args, **more)
        except RecordingError:
            raise
        except Exception as error:
            said = plain(f"{type(error).__name__}: {error}")
            self._failed = self._failed or said
            if said not in self._seen and len(self._seen) < _KEPT:
                self._seen[said] = traceback.format_exc()
            return last

    def report(self) -> tuple[SourceReport, ...]:
        """Of what failed since the last report; nothing while nothing ever has."""
        failed, self._failed = self._failed, None
        if failed is not None:
            return (SourceReport(SOURCE, Status.ERROR, f"defect in mcptop: {failed}", 0.0),)
        return (SourceReport(SOURCE, Status.OK, "", 0.0),) if self._seen else ()
