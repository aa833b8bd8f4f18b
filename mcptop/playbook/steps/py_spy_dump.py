"""`py-spy-dump`: where every Python thread stands, several times, without stopping the target."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import places, py_spy
from mcptop.playbook.steps.base import Context, Output, Raw, Seconds, StepFailure, now, observed
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.stacks import StackFrame, Waits, of_dump, waits_of
from mcptop.sources import source_lines, task_look
from mcptop.sources.task_look import TaskLook
from mcptop.units import many

_MOST_PLACES = 50


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How often."""

    repeat: int = 8
    every: Seconds = Seconds(0.7)


class PySpyDump:
    """See the module."""

    name: ClassVar[str] = "py-spy-dump"
    says: ClassVar[str] = "reading the Python stacks again and again"
    safety: ClassVar[Safety] = Safety.SAMPLING
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "dumps": "how many dumps",
        "failed": "how many could not be read",
        "threads": "Python threads in the last one",
        "loop.seen": "whether an event loop runs",
        "loop.busy_share": "share of the dumps in which it ran somebody's code instead of waiting for news",
        "loop.same_share": "share of the dumps in which that was one and the same function of the program",
        "loop.function": "that function", "loop.file": "its file", "loop.line": "its line", "loop.where": "all of it",
        "loop.active_share": "share of these dumps in which it computed",
        "same.threads": "most threads, not waiting for work, that stood in the same function of the program",
        "same.share": "their share of all threads that were given something",
        "same.function": "that function", "same.file": "its file", "same.line": "its line", "same.where": "all of it",
        "same.threads_names": "what these threads are called, without numbers",
        "same.lock_waiters": "how many of the threads with work waited for one and the same lock, in the mean",
        "stuck.threads": "threads in the program's code that stood at the same place in every dump and never ran",
        "stuck.lock_waiters": "how many of them wait for a lock that somebody holds, without a limit of time",
        "stuck.locks": "for how many different locks these wait",
        "stuck.function": "where most of these stand, or without such most of them",
        "stuck.file": "its file", "stuck.line": "its line",
        "stuck.where": "all of it", "stuck.thread": "one of them",
        "idle_workers": "threads that wait to be given something",
        "working": "threads with code of the program on them, event loops left out, in the mean",
        "active": "threads that computed or wanted to, in the mean",
        "gc": "share of the dumps in which a thread stood in the garbage collector",
        "leaf.resolve": "share of the dumps in which some thread resolved a name (getaddrinfo)",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """Mostly pauses."""
        return options.repeat * (options.every + 0.1)

    def collect(self, context: Context, options: Options) -> Raw:
        """Dump, pause, dump."""
        found: list[Output] = []
        for number in range(1, options.repeat + 1):
            found += _dump(context, number, is_first=number == 1)
            if number == options.repeat or not context.pause(options.every):
                break
        return (*found, _lines(context, found))

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Where the threads stood."""
        by_lock = subject.inner_pid is not None
        tasks = {output.name.removeprefix("tasks-"): output.data for output in raw if output.name.startswith("tasks-")}
        lines = _read_lines(raw)
        dumps, failed = [], 0
        for output in raw:
            if not output.name.startswith("dump-"):
                continue
            try:
                looks = msgspec.json.decode(tasks[output.name.removeprefix("dump-")], type=list[TaskLook])
                dumps.append(of_dump(json.loads(output.data), looks, by_lock, lines=lines))
            except (ValueError, KeyError, TypeError):
                failed += 1
        dumps = [dump for dump in dumps if dump]
        if not dumps:
            raise StepFailure(StepStatus.PARSE_ERROR, "py-spy: no dump could be read")
        every = [stack for dump in dumps for stack in dump]
        return {
            "dumps": len(dumps),
            "failed": failed,
            "threads": len(dumps[-1]),
            "loop": places.loop(dumps),
            "same": places.same(dumps),
            "stuck": places.stuck(dumps),
            "idle_workers": rounded(sum(stack.is_idle_worker for stack in every) / len(dumps)),
            "working": rounded(sum(bool(places.works(stack)) for stack in every) / len(dumps)),
            "active": rounded(sum(stack.active for stack in every) / len(dumps)),
            "gc": places.share_of_dumps(
                dumps, lambda stack: "gc" in stack.frames[0].filename and "collect" in stack.frames[0].name
            ),
            "leaf": {
                "resolve": places.share_of_dumps(dumps, lambda stack: stack.frames[0].short_name == "getaddrinfo")
            },
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """How many, without a pause."""
        return f"{many(values['dumps'], 'dump')} of {many(values['threads'], 'thread')}, nonblocking"


def _dump(context: Context, number: int, is_first: bool) -> list[Output]:
    """One dump, and what the kernel says of the threads; nothing in it where the moment could not be read."""
    name, started_at = f"dump-{number}.json", now()
    try:
        _, output = py_spy.run(context, name, ["dump", "--json"], 10.0)
    except StepFailure as failure:
        # The first tells whether it works at all; later ones may meet a moment that cannot be read.
        if is_first or failure.status is StepStatus.TARGET_GONE:
            raise
        return [observed(name, "py-spy", b"", started_at, 0.0)]
    tasks = msgspec.json.encode(tuple(task_look.looks(context.roots, context.pid, numbered_inside=True)))
    return [output, observed(f"tasks-{number}.json", "/proc/PID/task", tasks, now(), 0.0)]


def _lines(context: Context, found: list[Output]) -> Output:
    """For what the innermost frames wait, by their source; the source itself is not kept."""
    started_at, waits = now(), {}
    for name, filename, number in _innermost(found)[:_MOST_PLACES]:
        line = source_lines.line(context.roots, context.pid, filename, number)
        waits[name] = waits_of(line) if line is not None else None
    return observed("lines.json", "source", msgspec.json.encode(waits), started_at, 0.0)


def _innermost(found: list[Output]) -> list[tuple[str, str, int]]:
    """Place, file and line of each, once."""
    frames: list[StackFrame] = []
    for output in found:
        if output.name.startswith("dump-"):
            with contextlib.suppress(ValueError, KeyError, TypeError):  # `read` counts those that cannot be read
                frames += [stack.frames[0] for stack in of_dump(json.loads(output.data))]
    return list(dict.fromkeys((frame.place, frame.filename, frame.line) for frame in frames))


def _read_lines(raw: Raw) -> dict[str, Waits | None]:
    data = next((output.data for output in raw if output.name == "lines.json"), b"{}")
    try:
        return msgspec.json.decode(data, type=dict[str, Waits | None])
    except msgspec.DecodeError as wrong:
        raise StepFailure(StepStatus.PARSE_ERROR, f"lines.json: {wrong}") from wrong
