"""Where a target's log is: the engine that keeps it, the files its output goes to, the journal."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime

import msgspec

from mcptop.model.diagnosis import StepStatus
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Output, Raw, StepFailure, now, observed
from mcptop.playbook.steps.docker_asking import asking, container_of
from mcptop.playbook.steps.two_looks import of_each, pids_of
from mcptop.sources import command, log_tail
from mcptop.sources.log_files import log_files
from mcptop.sources.open_files import OpenFile, open_files

_ENGINE, _JOURNAL = "docker logs", "journal"
_WHO = re.compile(r"\S+ .*?(\[\d+\])?: ")


class About(Value, frozen=True):
    """What is known of a log beside its lines."""

    where: str
    at: float
    """When it was read, Unix seconds."""
    stamped: bool = False
    """Each line begins with a time that whoever keeps the log put there."""
    written_at: float | None = None
    """When a file was last written to, Unix seconds."""
    seconds: float = 0.0
    """Between two looks at a file."""
    lines_came: float | None = None
    bytes_came: int | None = None


def of_container(context: Context, lines: int, since: float) -> Raw:
    """What the engine keeps. Raises `StepFailure`."""
    container = container_of(context)
    began, started_at, at = time.monotonic(), now(), time.time()
    with asking(context) as engine:
        data = engine.logs(container, lines, at - since)
        version = engine.version
    output = observed("docker.log", "docker logs", data, started_at, time.monotonic() - began, version=version)
    return _with_about([output], [About(_ENGINE, at, stamped=True)])


def of_process(context: Context, lines: int, since: float, over: float) -> Raw:
    """The files its output goes to, else files called like logs, else the journal. Raises `StepFailure`."""
    procfs = context.roots.procfs
    every = [file for files in of_each(context, lambda pid: open_files(procfs, pid)).values() for file in files]
    files = log_files(every)
    return _tails(context, files, over) if files else _journal(context, lines, since)


def _tails(context: Context, files: Sequence[OpenFile], over: float) -> Raw:
    began, started_at, procfs = time.monotonic(), now(), context.roots.procfs
    found: list[tuple[OpenFile, log_tail.Tail]] = []
    for file in files:
        try:
            found.append((file, log_tail.tail(procfs, file.pid, file.fd)))
        except PermissionError:
            raise StepFailure(StepStatus.PERMISSION_DENIED, f"{file.path} may not be read: run as root") from None
        except OSError:
            # Closed meanwhile.
            continue
    if not found:
        raise StepFailure(StepStatus.NO_DATA, "its log was closed while it was read")
    at, looked = time.time(), time.monotonic()
    context.pause(over)
    seconds = time.monotonic() - looked
    abouts = [_about(procfs, file, tail, at, seconds) for file, tail in found]
    outputs = [
        observed(f"tail-{number}.log", file.path, tail.data, started_at, time.monotonic() - began)
        for number, (file, tail) in enumerate(found, 1)
    ]
    return _with_about(outputs, abouts)


def _about(procfs: str, file: OpenFile, tail: log_tail.Tail, at: float, seconds: float) -> About:
    try:
        came = log_tail.came(procfs, file.pid, file.fd, tail.size)
    except OSError:
        came = None
    size, lines = came if came is not None else (None, None)
    return About(file.path, at, False, tail.written_at, seconds, lines, size)


def _journal(context: Context, lines: int, since: float) -> Raw:
    nowhere = "its output goes to no file and no journal: nothing of it can be read"
    if command.path_of("journalctl") is None:
        raise StepFailure(StepStatus.NO_DATA, nowhere)
    at = time.time()
    argv = [
        "journalctl",
        "--quiet",
        "--no-pager",
        "--output=short-unix",
        f"--lines={lines}",
        f"--since=@{at - since:.0f}",
    ]
    _, output = context.run("journal.log", [*argv, *(f"_PID={pid}" for pid in pids_of(context))], 15.0)
    if output.provenance.exit_code or not output.data.strip():
        raise StepFailure(StepStatus.NO_DATA, nowhere)
    return _with_about([output], [About(_JOURNAL, at, stamped=True)])


def _with_about(outputs: Sequence[Output], abouts: Sequence[About]) -> Raw:
    data = msgspec.json.encode(abouts)
    return (*outputs, observed("about.json", "/proc", data, now(), 0.0))


def stamp(line: str) -> float | None:
    """The time in front of a line of the engine (RFC 3339) or of the journal (seconds); None without one."""
    text = line.partition(" ")[0]
    try:
        if "T" not in text:
            return float(text)
        # Nanoseconds are more digits than Python reads.
        return datetime.fromisoformat(text.rstrip("Z")[:26] + "+00:00").timestamp()
    except ValueError:
        return None


def message(line: str, where: str) -> str:
    """A stamped line without the time, and without host and program, which the journal adds."""
    text = line.partition(" ")[2]
    return _WHO.sub("", text, count=1) if where == _JOURNAL else text
