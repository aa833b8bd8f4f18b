"""Follows the log of one container through its restarts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.docker_log import DockerLog, Ending, last_ending
from mcptop.sources.docker_target import Answer
from mcptop.sources.log_box import LogBox, LogError, Mark, Raw, Window
from mcptop.sources.log_stamps import nanoseconds
from mcptop.units import plain

_POLL_S = 0.5
"""Between two looks whether a container that ended runs again."""
_RETRY_S = (0.5, 1, 2, 4, 8)
_MANY = 64
_BUSY_PAUSE_S, _CALM_PAUSE_S = 0.001, 0.02
"""Between two reads: the socket holds some hundred lines, and the more come in one read, the fewer reads it takes."""
_LATE_S = 0.5
"""So far behind what is written, it is read without pauses."""
_BEHIND_S = 5.0
"""So far behind what is written, the rest is left out: nobody can read it, and reading it costs."""
_AFTER_LEAP = 200


class _Run(NamedTuple):
    """One run of a container, as `inspect` tells it."""

    started: int
    """Unix nanoseconds."""
    finished: int
    """Of the run before, while this one goes on; 0 where there was none."""
    goes_on: bool
    ending: Ending
    tty: bool
    driver: str


class ContainerLog:
    """A follower. The engine is asked on connections of its own."""

    def __init__(self, connect: Callable[[], DockerEngine], container: str, name: str, window: Window) -> None:
        self._connect, self._container, self._name, self._window = connect, container, name, window
        self._stop = threading.Event()
        self._stream: DockerLog | None = None
        self._seen: _Run | None = None
        """The run as it was last seen."""
        self._ended = 0
        """When the run ended whose end was told, Unix nanoseconds."""
        self._last = 0
        """Time of the last line, Unix nanoseconds of the engine."""

    def close(self) -> None:
        """See `Follower`."""
        self._stop.set()
        self.look_again()

    def look_again(self) -> None:
        """See `Follower`: engines keep a stream open over a quick restart."""
        if (stream := self._stream) is not None:
            stream.close()

    def follow(self, box: LogBox) -> None:
        """See `Follower`."""
        failures = 0
        while not self._stop.is_set():
            try:
                engine = self._connect()
                try:
                    if not self._follow(engine, box):
                        return
                    failures = 0
                finally:
                    engine.close()
            except EngineError as error:
                if self._seen is None:
                    raise LogError(f"{self._name}: {error}") from None
                if not failures:
                    box.put([Mark(time.time(), f"{error}; trying again")])
                self._stop.wait(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1

    def _follow(self, engine: DockerEngine, box: LogBox) -> bool:
        """One run to its end and until the next one; False where there will be none."""
        before, run = self._seen, self._look(engine)
        if run is None:
            box.put([Mark(time.time(), "the container is gone")])
            return False
        if before is None:
            self._begin(engine, run, box)
        elif run.started != before.started:
            self._restarted(engine, before, run, box)
        else:
            # The stream broke off, and nothing else happened.
            self._stop.wait(_POLL_S)
        self._read(engine, run, box)
        self._wait(engine, box)
        return True

    def _begin(self, engine: DockerEngine, run: _Run, box: LogBox) -> None:
        if run.driver == "none":
            raise LogError(f"{self._name}: its logging driver is `none`: nothing is kept that could be shown")
        if run.goes_on and run.finished:
            ending = last_ending(engine, self._container, run.finished / 10**9 - 60, run.started / 10**9)
            box.put_past([Mark(run.started / 10**9, f"restarted: last {ending}", starts=True)])

    def _restarted(self, engine: DockerEngine, before: _Run, run: _Run, box: LogBox) -> None:
        ending = before.ending
        if before.goes_on:
            # It ran again before anybody could look; the engine's events still know.
            ending = last_ending(engine, self._container, before.started / 10**9, run.started / 10**9 + 0.001)
        box.put([Mark(run.started / 10**9, f"restarted: last {ending}", starts=True)])
        self._seen = run

    def _look(self, engine: DockerEngine) -> _Run | None:
        answer = engine.inspect(self._container)
        return None if answer is None else _run(answer)

    def _wait(self, engine: DockerEngine, box: LogBox) -> None:
        """Until the container runs, again or still, or is gone."""
        while not self._stop.is_set():
            now = self._look(engine)
            if now is None or now.goes_on:
                return
            if now.finished != self._ended:
                # The stream may end before the last words are in the log.
                self._read(engine, now, box)
                self._ended = now.finished
                box.put([Mark(now.finished / 10**9, f"ended: {now.ending}")])
            self._stop.wait(_POLL_S)

    def _read(self, engine: DockerEngine, run: _Run, box: LogBox) -> None:
        """Until the stream ends."""
        leaps = True
        while leaps and not self._stop.is_set():
            stream = self._open(engine, run)
            # From here on trouble with the engine passes: that this log can be read at all is known.
            self._seen = run
            try:
                leaps = self._pump(stream, box)
            finally:
                self._stream = None
                stream.close()
                stream.dispose()
            if leaps:
                box.put([], uncounted=True)
                self._window = Window(None, _AFTER_LEAP)

    def _open(self, engine: DockerEngine, run: _Run) -> DockerLog:
        since = self._last + 1 if self._last else None
        if since is None and self._window.seconds is not None:
            since = time.time_ns() - int(self._window.seconds * 1e9)
        moment = None if since is None else f"{since // 10**9}.{since % 10**9:09d}"
        self._stream = stream = DockerLog(engine, self._container, run.tty, self._window.lines, moment)
        if self._stop.is_set():
            stream.close()
        return stream

    def _pump(self, stream: DockerLog, box: LogBox) -> bool:
        """Until the stream ends, or it is too far behind: then True."""
        live, opened = False, stream.engine_now
        while not self._stop.is_set() and (lines := stream.read()) is not None:
            if not lines:
                continue
            self._last = max(self._last, _stamp(lines) or 0)
            live = live or self._last / 10**9 >= opened
            (box.put if live else box.put_past)(lines)
            if len(lines) < _MANY:
                self._stop.wait(_CALM_PAUSE_S)
                continue
            behind = stream.engine_now - self._last / 10**9
            if live and behind > _BEHIND_S:
                return True
            if behind < _LATE_S:
                self._stop.wait(_BUSY_PAUSE_S)
        if rest := stream.rest():
            self._last = max(self._last, _stamp(rest) or 0)
            box.put(rest)
        return False


def _stamp(lines: list[Raw]) -> int | None:
    """Of the last line that has one: parts of a very long line in a terminal may not."""
    return nanoseconds(lines[-1][2].partition(b" ")[0])


def _run(answer: Answer) -> _Run:
    state, settings = answer.get("State") or {}, answer.get("HostConfig") or {}
    code = state.get("ExitCode")
    return _Run(
        _moment(state.get("StartedAt")),
        _moment(state.get("FinishedAt")),
        bool(state.get("Running")),
        Ending(code if isinstance(code, int) else None, bool(state.get("OOMKilled"))),
        bool((answer.get("Config") or {}).get("Tty")),
        plain(str((settings.get("LogConfig") or {}).get("Type") or "")),
    )


def _moment(text: object) -> int:
    """Unix nanoseconds; 0 for the engine's word for never."""
    return max(0, nanoseconds(str(text or "").encode()) or 0)
