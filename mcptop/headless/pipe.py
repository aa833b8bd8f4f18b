"""What is printed: its reader may go away, its disk may be full, its encoding may lack letters."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import IO, Any, TextIO, cast

from mcptop.exit_status import ExitStatus

ENDLESS = 1 << 16
"""Cells; no line of a table is so long."""


class NoOutput(Exception):
    """What was found cannot be printed; one line: why."""


def guard_pipe(run: Callable[[], ExitStatus]) -> ExitStatus:
    """Run a command that prints until nobody reads; a reader that closed the pipe has seen enough: that is no error."""
    try:
        return run()
    except BrokenPipeError:
        discard()
        return ExitStatus.OK


def put(data: str | bytes | bytearray) -> None:
    """Print, at once. When the reader has gone the command still ends with its exit code. Raises `NoOutput`."""
    with contextlib.suppress(BrokenPipeError):
        write(data)


def write(data: str | bytes | bytearray) -> None:
    """Print, at once. Raises `BrokenPipeError` when the reader has gone, and `NoOutput`."""
    try:
        if isinstance(data, str):
            sys.stdout.write(data)
        else:
            sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        discard()
        raise
    except OSError as error:
        discard()
        raise NoOutput(f"stdout cannot be written: {error.strerror}") from None


def fail(message: str, status: ExitStatus, as_json: bool) -> ExitStatus:
    """One line on stderr, and where one document was asked for, that too."""
    print(f"mcptop: {message}", file=sys.stderr)
    if as_json:
        import msgspec

        error = {"schema": "mcptop.error/1", "error": message, "exit_status": int(status)}
        with contextlib.suppress(NoOutput):
            put(msgspec.json.encode(error) + b"\n")
    return status


def discard(stream: TextIO | None = None) -> None:
    """Python flushes stdout, and stderr, once more at exit; give it somewhere to go."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, (stream or sys.stdout).fileno())
    os.close(nowhere)


def finish() -> None:
    """Whatever is left of what could not be printed: it was told, and is not told again at exit."""
    with contextlib.suppress(NoOutput):
        put("")
    try:
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def any_letters() -> None:
    """A terminal that lacks a letter shows `?`: that is no reason to lose a diagnosis."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def whole_lines(table: Any) -> str:
    """A table of `rich` for a pipe: nothing of it is cut, and no line is filled up."""
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=ENDLESS, no_color=True, highlight=False).print(table)
    return unfilled(out.getvalue())


def unfilled(text: str) -> str:
    """Lines without the blanks at their ends."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


class _Stdout:
    """stdout for `rich`, which would end the program when nobody reads."""

    @property
    def encoding(self) -> str:
        return sys.stdout.encoding

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def write(self, text: str) -> int:
        put(text)
        return len(text)

    def flush(self) -> None:
        """Everything was."""


STDOUT = cast(IO[str], _Stdout())
"""For whoever wants a file to print to."""
