"""What the ways to ask a server have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Protocol


class ServerError(Exception):
    """The server cannot be asked; the message is one line: what is wrong, what to do."""


class Done(NamedTuple):
    """How a program inside a container ended."""

    exit_code: int
    output: bytes
    complaint: bytes = b""
    """What it wrote to its error output."""


class Execute(Protocol):
    """Runs a program inside containers. Raises `ServerError` when it cannot be run or does not end in time."""

    def __call__(
        self, container: str, argv: Sequence[str], environment: Mapping[str, str], stdin: bytes, timeout_s: float
    ) -> Done:
        """Run it to its end."""

    def variables(self, container: str, names: frozenset[str]) -> dict[str, str]:
        """Those of the named variables that the container was made with; no other is ever given out."""

    def close(self) -> None:
        """Close the connection to the engine."""


class Deadline:
    """Calls `stop` from another thread when its block has not ended in time: for libraries that wait for ever."""

    def __init__(self, seconds: float, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self.expired = False

    def _expire(self) -> None:
        self.expired = True
        self._stop()

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()


def ended_well(done: Done, program: str) -> bytes:
    """The output of a program that succeeded. Raises `ServerError`."""
    if done.exit_code == 0:
        return done.output
    said = (done.complaint or done.output).decode("utf-8", "replace").strip()
    # The engine's own words where there is no such program: 126 or 127, and an answer of the container's runtime.
    if done.exit_code in (126, 127) and ("executable file not found" in said or "no such file" in said.lower()):
        raise ServerError(f"there is no {program} in the container's image: use its address instead")
    first = said.splitlines()[0] if said else f"{program} ended with {done.exit_code}"
    raise ServerError(first.removeprefix(f"{program}: "))
