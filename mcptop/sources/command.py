"""Runs a program of this machine: an argument vector, never a shell, in its own process group, within a deadline.

Its output goes to files, so that it can neither block nor flood us; when its time is over the whole group is killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from msgspec import Struct

_MAX_BYTES = 32 << 20
_POLL_S = 0.02
_GRACE_S = 0.5
_PLAIN = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "RUST_BACKTRACE": "0"}
"""Numbers and words as the parsers know them, whatever the user's language is or debugs."""
NICE = 10
"""The priority of what only looks."""


class Finished(Struct, frozen=True):
    """A program after its end."""

    argv: tuple[str, ...]
    exit_code: int
    """Negative: the signal that ended it."""
    output: bytes
    complaint: bytes
    duration_s: float
    cpu_s: float
    timed_out: bool = False
    truncated: bool = False
    """It said more than was kept."""


class NotFound(Exception):
    """There is no such program; the message is its name."""


def path_of(program: str) -> str | None:
    """Where a program is; what pip installed beside mcptop is found even when its environment is not activated."""
    return shutil.which(program) or shutil.which(program, path=os.path.dirname(sys.executable))


def run(
    argv: Sequence[str],
    timeout_s: float,
    cancelled: threading.Event | None = None,
    stop: int = signal.SIGTERM,
    *,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run to its end, or until its time is over or `cancelled` is set: then it gets `stop`, and soon SIGKILL.

    `given` is its stdin, `environment` all it has; None: ours, in the words that parsers know. Raises `NotFound`, and
    OSError when it cannot be started.
    """
    path = path_of(argv[0]) if os.sep not in argv[0] else argv[0]
    if path is None:
        raise NotFound(argv[0])
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _stdin(given) as stdin:
        process = subprocess.Popen(
            [path, *argv[1:]],
            stdin=stdin,
            stdout=out,
            stderr=err,
            start_new_session=True,
            env={**os.environ, **_PLAIN} if environment is None else environment,
        )
        # Behind whatever does the machine's work: what is looked at must not feel it.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        try:
            timed_out, usage, status = _wait(process, began + timeout_s, cancelled, stop, (out.fileno(), err.fileno()))
        except BaseException:
            _kill(process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
            raise
        output, complaint = _content(out.fileno()), _content(err.fileno())
    return Finished(
        argv=tuple(argv),
        exit_code=os.waitstatus_to_exitcode(status),
        output=output,
        complaint=complaint,
        duration_s=time.monotonic() - began,
        cpu_s=usage,
        timed_out=timed_out,
        truncated=max(len(output), len(complaint)) >= _MAX_BYTES,
    )


@contextlib.contextmanager
def _stdin(given: bytes) -> Iterator[IO[bytes] | int]:
    """A file, so that who does not read it keeps nobody waiting."""
    if not given:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        yield file


def _wait(
    process: subprocess.Popen[bytes], deadline: float, cancelled: threading.Event | None, stop: int,
    written: Sequence[int],
) -> tuple[bool, float, int]:  # fmt: skip
    """Whether it had to be stopped, the CPU seconds it took, and its wait status."""
    stopped_at: float | None = None
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            # Whatever it started goes with it.
            _kill(process.pid)
            process.returncode = os.waitstatus_to_exitcode(status)
            return stopped_at is not None, usage.ru_utime + usage.ru_stime, status
        now = time.monotonic()
        over = now > deadline or (cancelled is not None and cancelled.is_set())
        over = over or any(os.fstat(each).st_size > _MAX_BYTES for each in written)
        if stopped_at is None and over:
            stopped_at = now
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, stop)
        elif stopped_at is not None and now > stopped_at + _GRACE_S:
            _kill(process.pid)
        time.sleep(_POLL_S)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _content(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(_MAX_BYTES)
