"""`py-spy-dump`: where every Python thread stands, several times, without stopping the target."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import py_spy
from mcptop.playbook.steps.base import Context, Output, Raw, Seconds, StepFailure
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.stacks import Stack, StackFrame, commonest, of_dump
from mcptop.units import plain

Dump = Sequence[Stack]


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
        "stuck.threads": "threads whose whole stack was the same in every dump, in the program's code, never computing",
        "stuck.function": "where most of them stand", "stuck.file": "its file", "stuck.line": "its line",
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
        for number in range(options.repeat):
            try:
                _, output = py_spy.run(context, f"dump-{number + 1}.json", ["dump", "--json"], 10.0)
            except StepFailure as failure:
                # The first tells whether it works at all; later ones may meet a moment that cannot be read.
                if not found or failure.status is StepStatus.TARGET_GONE:
                    raise
                continue
            found.append(output)
            if number + 1 < options.repeat and not context.pause(options.every):
                break
        return tuple(found)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Where the threads stood."""
        dumps, failed = [], 0
        for output in raw:
            try:
                dumps.append(of_dump(json.loads(output.data), by_lock=subject.inner_pid is not None))
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
            "loop": _loop(dumps),
            "same": _same(dumps),
            "stuck": _stuck(dumps),
            "idle_workers": rounded(sum(stack.is_idle_worker for stack in every) / len(dumps)),
            "working": rounded(sum(bool(_works(stack)) for stack in every) / len(dumps)),
            "active": rounded(sum(stack.active for stack in every) / len(dumps)),
            "gc": _share_of_dumps(
                dumps, lambda stack: "gc" in stack.frames[0].filename and "collect" in stack.frames[0].name
            ),
            "leaf": {"resolve": _share_of_dumps(dumps, lambda stack: stack.frames[0].short_name == "getaddrinfo")},
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """How many, without a pause."""
        return f"{values['dumps']} dumps of {values['threads']} threads, nonblocking"


def _share_of_dumps(dumps: Sequence[Dump], test: Any) -> float:
    return float(rounded(sum(any(test(stack) for stack in dump) for dump in dumps) / len(dumps)))


def _loop(dumps: Sequence[Dump]) -> dict[str, Any]:
    """What the event loops did: of several, the busiest."""
    loops: dict[int | None, list[Stack]] = {}
    for dump in dumps:
        for stack in dump:
            if stack.in_loop:
                loops.setdefault(stack.tid, []).append(stack)
    if not loops:
        return {"seen": False}
    stacks = max(loops.values(), key=lambda seen: sum(stack.in_callback for stack in seen))
    held = [stack for stack in stacks if stack.in_callback]
    functions = [frame for stack in held if (frame := stack.own or stack.frames[0])]
    top = commonest(functions)
    same = sum(frame.name == top.name and frame.filename == top.filename for frame in functions) if top else 0
    return {
        "seen": True,
        "busy_share": rounded(len(held) / len(dumps)),
        "same_share": rounded(same / len(dumps)),
        "active_share": rounded(sum(stack.active for stack in held) / len(held)) if held else None,
        **_place(top),
    }


def _place(frame: StackFrame | None) -> dict[str, Any]:
    if frame is None:
        return {}
    return {"function": plain(frame.name), "file": frame.short_file, "line": frame.line, "where": frame.where}


def _works(stack: Stack) -> StackFrame | None:
    """Where a thread of the program, and not its event loop, stands."""
    return None if stack.in_loop else stack.own


def _same(dumps: Sequence[Dump]) -> dict[str, Any]:
    """The function most threads stood in at the same time, in the middle one of the dumps."""
    found = []
    for dump in dumps:
        frames = [(frame, stack) for stack in dump if (frame := _works(stack)) and stack.thread != "MainThread"]
        top = commonest([frame for frame, _ in frames])
        there = [stack for frame, stack in frames if top and frame.name == top.name and frame.filename == top.filename]
        found.append((len(there), len(frames), top, there))
    number, of_all, top, there = sorted(found, key=lambda each: each[0])[len(found) // 2]
    names = Counter(stack.thread.rstrip("0123456789-_ ") for stack in there)
    return {
        "threads": number,
        "share": rounded(number / of_all) if of_all else None,
        "threads_names": names.most_common(1)[0][0] if names else None,
        **_place(top),
    }


def _stuck(dumps: Sequence[Dump]) -> dict[str, Any]:
    """Threads that never moved: in code of the program, off the CPU, the whole stack the same."""
    if len(dumps) < 3:
        return {"threads": None}
    keys = [{stack.tid: stack for stack in dump} for dump in dumps]
    stuck = [
        stack
        for stack in dumps[-1]
        if _works(stack)
        and stack.thread != "MainThread"
        and all((before := dump.get(stack.tid)) and before.key == stack.key and not before.active for dump in keys)
    ]
    top = commonest([frame for stack in stuck if (frame := stack.own)])
    return {"threads": len(stuck), "thread": stuck[0].thread if stuck else None, **_place(top)}
