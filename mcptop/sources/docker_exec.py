"""Runs a program inside a container, as `docker exec -i` does: an argument vector, never a shell, within a deadline."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.server import Done, ServerError

_MAX_BYTES = 16 << 20
_HEADER = struct.Struct(">BxxxL")
_STDERR = 2


class DockerExec:
    """Runs programs over a connection of its own. Not for several threads at once."""

    def __init__(self, connect: Callable[[], DockerEngine]) -> None:
        """`connect` may raise `EngineError`; its connections' timeout bounds each single answer of the engine."""
        self._connect = connect
        self._engine: DockerEngine | None = None
        self._unfinished: str | None = None

    def __call__(
        self, container: str, argv: Sequence[str], environment: Mapping[str, str], stdin: bytes, timeout_s: float
    ) -> Done:
        """Run it to its end. Raises `ServerError`.

        One that did not end in time goes on inside the container; until it has ended, no other is started.
        """
        with self._asking() as engine:
            if self._still_runs(engine):
                raise ServerError(f"an earlier {argv[0]} in the container has still not ended")
            identity = self._unfinished = engine.exec_create(container, argv, environment)
            deadline = time.monotonic() + timeout_s
            with (
                contextlib.closing(engine.exec_start(identity)) as stream,
                contextlib.closing(_below(stream)) as wire,
                # First of the three: an answer whose stream was closed under it complains when it is collected.
                contextlib.closing(getattr(stream, "_response", stream)),
            ):
                output, complaint = _talk(wire, stdin, deadline, timeout_s)
            self._unfinished = None
            exit_code = engine.exec_state(identity).get("ExitCode")
            return Done(1 if exit_code is None else int(exit_code), output, complaint)

    def _still_runs(self, engine: DockerEngine) -> bool:
        """Whether what was started before has not ended; the engine forgets it together with its container."""
        if self._unfinished is None:
            return False
        try:
            return bool(engine.exec_state(self._unfinished).get("Running"))
        except EngineError:
            return False

    def variables(self, container: str, names: frozenset[str]) -> dict[str, str]:
        """Those of the named variables that the container was made with."""
        with self._asking() as engine:
            inspected = engine.inspect(container) or {}
        pairs = (str(pair).partition("=") for pair in (inspected.get("Config") or {}).get("Env") or ())
        return {name: value for name, _, value in pairs if name in names}

    @contextlib.contextmanager
    def _asking(self) -> Iterator[DockerEngine]:
        try:
            self._engine = self._engine or self._connect()
            yield self._engine
        except (EngineError, OSError) as error:
            self.close()
            raise ServerError(_explained(str(error))) from None

    def close(self) -> None:
        """Close the connection."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


def _explained(error: str) -> str:
    """Newer engines refuse to start a program that is not there; older ones say so in its output."""
    if "executable file not found" in error or "no such file or directory" in error:
        return "there is no such program in the container's image: use its address instead"
    return error


def _below(stream: Any) -> Any:
    """The socket, which can send and has to be closed too: the `docker` package may hand out a reader of it."""
    return getattr(stream, "_sock", stream)


def _talk(wire: Any, stdin: bytes, deadline: float, timeout_s: float) -> tuple[bytes, bytes]:
    """Send the input, close it, and take both outputs to their end."""
    if stdin:
        wire.sendall(stdin)
    with contextlib.suppress(OSError, AttributeError):
        # TLS cannot close one direction; programs that read to the end of their input are told to quit in it.
        wire.shutdown_write() if hasattr(wire, "shutdown_write") else wire.shutdown(1)
    received: dict[bool, bytearray] = {False: bytearray(), True: bytearray()}
    while header := _exactly(wire, _HEADER.size, deadline, timeout_s):
        kind, length = _HEADER.unpack(header)
        received[kind == _STDERR] += _exactly(wire, length, deadline, timeout_s)
        if sum(map(len, received.values())) > _MAX_BYTES:
            raise ServerError(f"its answer is larger than {_MAX_BYTES >> 20} MiB")
    return bytes(received[False]), bytes(received[True])


def _exactly(wire: Any, count: int, deadline: float, timeout_s: float) -> bytes:
    """So many bytes; none, or fewer, at the end of the stream."""
    parts = bytearray()
    while len(parts) < count:
        left = deadline - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            wire.settimeout(left)
            part = wire.recv(count - len(parts))
        except TimeoutError:
            raise ServerError(f"no answer within {timeout_s:g} s") from None
        if not part:
            return b""
        parts += part
    return bytes(parts)
