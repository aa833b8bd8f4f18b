"""Python stacks as py-spy tells them: which frames are the program's own, and where a thread stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from mcptop.model.value import Value
from mcptop.sources.task_look import TaskLook
from mcptop.units import plain

_INSTALLED = re.compile(r"/(?:site|dist)-packages/([^/]+)")
_STANDARD = re.compile(r"/lib/python\d|/lib/pypy|^<frozen |python\d+\.zip")
# The one of Python, and what starts a loop that is no Python itself (uvloop): of such nothing else is on the stack.
_LOOP = re.compile(
    r"(^|/)asyncio/base_events\.py:(\w+\.)?(_run_once|run_forever|run_until_complete)$"
    r"|(^|/)asyncio/runners\.py:(\w+\.)?run$|(^|/)uvloop/__init__\.py:|(^|/)uvicorn/_compat\.py:asyncio_run$"
)
_QUEUES = re.compile(r"(^|/)(queue|multiprocessing/queues)\.py$")
_FOR_NEWS = ("wait", "wait_for")
_TAKES_A_LOCK = re.compile(r"^\s*with\b|\.(acquire|__enter__)\(")
_IS_GIVEN_WORK = re.compile(r"\.get\(")
_CALLS = re.compile(r"\w\(")
_SELECTORS = re.compile(r"(^|/)selectors\.py$")
_START = "<module>"


class Waits(StrEnum):
    """For what a line of source waits in a call that is no Python: nothing of that call is on the stack."""

    LOCK = "lock"
    WORK = "work"
    ELSE = "else"


def waits_of(line: str) -> Waits | None:
    """By the text of the line; None where it calls nothing, as the second line of a call that takes several."""
    if _TAKES_A_LOCK.search(line):
        return Waits.LOCK
    if _IS_GIVEN_WORK.search(line):
        return Waits.WORK
    return Waits.ELSE if _CALLS.search(line) else None


class StackFrame(Value, frozen=True):
    """One call."""

    name: str
    filename: str = ""
    line: int = 0
    own: bool = False
    """Whether it is the program's code, and not Python's or a package's it uses."""

    @property
    def short_name(self) -> str:
        """Without its class."""
        return self.name.rpartition(".")[2]

    @property
    def short_file(self) -> str:
        """Without its folders."""
        return plain(self.filename.rpartition("/")[2])

    @property
    def is_loop(self) -> bool:
        """Whether it is an event loop's, not what it calls. By file as well: programs have a `run_forever` too."""
        return _LOOP.search(f"{self.filename}:{self.name}") is not None

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.filename}:{self.line}"

    @property
    def where(self) -> str:
        """`function() in file.py:88`."""
        return plain(f"{self.name}() in {self.short_file}:{self.line}")


class Stack(Value, frozen=True):
    """One thread of one dump; the innermost call first."""

    tid: int | None
    thread: str
    active: bool
    owns_gil: bool
    frames: tuple[StackFrame, ...]
    slices: int | None = None
    """How often it got a CPU since it started."""
    lock: str | None = None
    """Address of what it waits for in the kernel (a futex) without a limit of time: of a lock, most often."""
    unasked: bool = False
    """Nobody looked what it waits in."""
    line_waits: Waits | None = None
    """For what the innermost frame waits, by its source."""

    @property
    def own(self) -> StackFrame | None:
        """The innermost frame of the program's own code."""
        return next((frame for frame in self.frames if frame.own), None)

    @property
    def in_loop(self) -> bool:
        """Whether an event loop runs in it."""
        return any(frame.is_loop for frame in self.frames)

    @property
    def is_selecting(self) -> bool:
        """Whether the loop waits in its selector, or is between two callbacks."""
        inner = self.frames[0]
        return bool(_SELECTORS.search(inner.filename)) or inner.is_loop

    @property
    def in_callback(self) -> bool:
        """Whether the event loop runs somebody's code now, instead of waiting for news."""
        return self.in_loop and not self.is_selecting

    @property
    def waits_for_work(self) -> bool:
        """Whether the program's code waits to be given something: in a queue's `get`, or for an event without a limit.

        A `SimpleQueue` is no Python: its `get` is seen only in the source. None of them is a lock that somebody holds,
        though for the kernel they look the same.
        """
        if self.frames[0].own:
            return self.lock is not None and self.line_waits is Waits.WORK
        called = tuple(takewhile(lambda frame: not frame.own, self.frames))
        if len(called) == len(self.frames) or not all(_is_standard(frame.filename) for frame in called):
            return False
        asked = called[-1]
        if asked.short_name == "get" and _QUEUES.search(asked.filename):
            return True
        return self.lock is not None and asked.short_name in _FOR_NEWS and asked.short_file == "threading.py"

    @property
    def waits_for_lock(self) -> bool | None:
        """Whether it waits, without a limit, for a lock that somebody holds; None where nothing tells.

        For the kernel a queue, an event, another thread's end and a result look the same.
        """
        if self.lock is None:
            return None if self.unasked else False
        called = tuple(takewhile(lambda frame: frame.filename.endswith("/threading.py"), self.frames))
        if called:
            return called[-1].short_name in ("acquire", "__enter__")
        return None if self.line_waits is None else self.line_waits is Waits.LOCK

    @property
    def is_idle_worker(self) -> bool:
        """Whether it is a thread that waits to be given something: nothing of the program is on it, or just that."""
        return not self.in_loop and (self.own is None or self.waits_for_work)

    @property
    def key(self) -> tuple[tuple[str, int], ...]:
        """Equal for threads at the same place."""
        return tuple((frame.name + frame.filename, frame.line) for frame in self.frames)


def classified(frames: Iterable[StackFrame], program: str | None) -> tuple[StackFrame, ...]:
    """The same with `own` told: not of Python, and of no installed package but the program's own (`program`)."""
    return tuple(
        StackFrame(frame.name, frame.filename, frame.line, _is_own(frame.filename, program)) for frame in frames
    )


def _is_own(filename: str, program: str | None) -> bool:
    if installed := _INSTALLED.search(filename):
        return installed[1] == program
    return not _is_standard(filename)


def _is_standard(filename: str) -> bool:
    """Whether it is Python's own; packages are installed below its folder."""
    return _STANDARD.search(filename) is not None and not _INSTALLED.search(filename)


def program_of(starts: Iterable[Sequence[StackFrame]]) -> str | None:
    """The installed package whose module was started; None where it is a file of its own. Outermost frames last."""
    for frames in starts:
        begun = [frame for frame in frames if frame.name == _START and not _is_standard(frame.filename)]
        if begun and (installed := _INSTALLED.search(begun[-1].filename)):
            return installed[1]
    return None


def of_dump(
    threads: Sequence[dict[str, Any]],
    tasks: Iterable[TaskLook] = (),
    by_lock: bool = False,
    lines: Mapping[str, Waits | None] = MappingProxyType({}),
) -> tuple[Stack, ...]:
    """`py-spy dump --json`, with what the kernel says of the threads. Raises KeyError or TypeError for no such dump.

    `lines`: for what the places of innermost frames (`StackFrame.place`) wait, as far as their source could be read.

    `by_lock`: who holds the interpreter's lock computes, nobody else. In another pid namespace py-spy cannot find the
    threads' states and takes all of them for active.
    """
    found = [(thread, [_frame(each) for each in thread["frames"]]) for thread in threads]
    program = program_of(frames for _, frames in found)
    looks = {task.inner_tid: task for task in tasks}
    return tuple(
        _stack(thread, classified(frames, program), looks.get(thread["os_thread_id"]), by_lock, lines)
        for thread, frames in found
        if frames
    )


def _stack(
    thread: dict[str, Any],
    frames: tuple[StackFrame, ...],
    look: TaskLook | None,
    by_lock: bool,
    lines: Mapping[str, Waits | None],
) -> Stack:
    return Stack(
        tid=thread["os_thread_id"],
        thread=plain(thread["thread_name"] or f"thread {thread['os_thread_id'] or thread['thread_id']}"),
        active=bool(thread["owns_gil"] if by_lock else thread["active"]),
        owns_gil=bool(thread["owns_gil"]),
        frames=frames,
        slices=look.slices if look is not None else None,
        lock=look.where if look is not None and look.for_ever else None,
        unasked=look is None or not look.asked,
        line_waits=lines.get(frames[0].place),
    )


def _frame(given: dict[str, Any]) -> StackFrame:
    return StackFrame(str(given["name"]), str(given["filename"]), int(given["line"] or 0))


def commonest(frames: Sequence[StackFrame]) -> StackFrame | None:
    """The function that is most frequent among some frames, at its most frequent line."""
    counts: dict[tuple[str, str], list[StackFrame]] = {}
    for frame in frames:
        counts.setdefault((frame.name, frame.filename), []).append(frame)
    if not counts:
        return None
    chosen = max(counts.values(), key=len)
    lines = [frame.line for frame in chosen]
    return max(chosen, key=lambda frame: lines.count(frame.line))
