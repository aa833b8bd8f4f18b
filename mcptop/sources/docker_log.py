"""The stream of a container's log as the engine sends it: opened once, read in large pieces, cut off from anywhere."""

from __future__ import annotations

import contextlib
import socket
import time
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from mcptop.sources.docker_engine import DockerEngine, EngineError, parse_event
from mcptop.sources.log_box import Raw
from mcptop.sources.log_wire import Dechunker, Demultiplexer, Splitter

_PIECE = 256 << 10


class DockerLog:
    """One answer of the engine. `read` blocks until there is something; `close` from another thread ends it.

    The package itself hands out one line at a time, for which it calls the socket several times: at a hundred
    thousand lines a second that alone is more than one core.
    """

    def __init__(self, engine: DockerEngine, container: str, tty: bool, tail: int, since: str | None) -> None:
        """`since` in Unix seconds. Raises `EngineError`."""
        self._response = engine.log_stream(container, tail, since)
        answer: Any = self._response.raw._fp
        self._file = answer.fp
        self._dechunker = Dechunker() if answer.chunked else None
        self._lines: Demultiplexer | Splitter = Splitter() if tty else Demultiplexer()
        self._began, self._engine_time = time.monotonic(), _date(self._response.headers.get("Date"))
        if (channel := self._channel) is not None:
            channel.settimeout(None)

    @property
    def engine_now(self) -> float:
        """What the engine's clock says, Unix seconds, to the second."""
        return self._engine_time + time.monotonic() - self._began

    def read(self) -> list[Raw] | None:
        """The next lines, maybe none yet; None at the end. Raises `LogError`."""
        if self._dechunker is not None and self._dechunker.ended:
            return None
        try:
            data = self._file.read1(_PIECE)
        except (OSError, ValueError, AttributeError):
            return None  # cut off
        if not data:
            return None
        return self._lines.feed(self._dechunker.feed(data) if self._dechunker is not None else data)

    def rest(self) -> list[Raw]:
        """What was left unfinished at the end."""
        return self._lines.end()

    def close(self) -> None:
        """End the stream."""
        channel = self._channel
        with contextlib.suppress(OSError, AttributeError, ValueError):
            if channel is not None:
                channel.shutdown(socket.SHUT_RDWR)
            else:
                # By ssh there is no socket but a program.
                self._file.channel.close()

    def dispose(self) -> None:
        """Give the connection back; on the thread that reads."""
        with contextlib.suppress(OSError, AttributeError, ValueError):
            self._response.close()

    @property
    def _channel(self) -> Any:
        return getattr(getattr(self._file, "raw", None), "_sock", None)


def _date(header: str | None) -> float:
    try:
        return parsedate_to_datetime(header or "").timestamp()
    except ValueError:
        return time.time()


class Ending(NamedTuple):
    """How a run of a container ended, as far as the engine tells."""

    exit_code: int | None
    oom_killed: bool

    def __str__(self) -> str:
        code = "exit code not known" if self.exit_code is None else f"exit code {self.exit_code}"
        return f"{code}, OOM killed" if self.oom_killed else code


def last_ending(engine: DockerEngine, container: str, since: float, until: float) -> Ending:
    """The last end of a container between two moments (Unix seconds of the engine), by its events."""
    ending, starved = Ending(None, False), False
    with contextlib.suppress(EngineError):
        for raw in engine.past_events(since, until, timeout_s=2.0):
            event = parse_event(raw)
            if event is None or event.container != container:
                continue
            starved = event.action == "oom" or (starved and event.action != "start")
            if event.action == "die":
                ending = Ending(event.exit_code, starved)
    return ending
