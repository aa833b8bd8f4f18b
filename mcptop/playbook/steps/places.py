"""Where the threads of a Python process stood, over several dumps. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.stacks import Stack, StackFrame, commonest
from mcptop.units import plain

Dump = Sequence[Stack]
_MAIN = "MainThread"
_LEAST_DUMPS = 3
_SEVERAL = 2


def share_of_dumps(dumps: Sequence[Dump], test: Any) -> float:
    return float(rounded(sum(any(test(stack) for stack in dump) for dump in dumps) / len(dumps)))


def loop(dumps: Sequence[Dump]) -> dict[str, Any]:
    """What the event loops did: of several, the busiest."""
    loops: dict[int | None, list[Stack]] = {}
    for dump in dumps:
        for stack in dump:
            if stack.in_loop:
                loops.setdefault(stack.tid, []).append(stack)
    if not loops:
        return {"seen": False, **dict.fromkeys(("busy_share", "same_share", "active_share")), **_place(None)}
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
        return dict.fromkeys(("function", "file", "line", "where"))
    return {"function": plain(frame.name), "file": frame.short_file, "line": frame.line, "where": frame.where}


def works(stack: Stack) -> StackFrame | None:
    """Where a thread of the program stands that has work, and is not its event loop."""
    return None if stack.in_loop or stack.waits_for_work else stack.own


def same(dumps: Sequence[Dump]) -> dict[str, Any]:
    """The function most threads stood in at the same time, in the middle one of the dumps."""
    found = []
    for dump in dumps:
        frames = [(frame, stack) for stack in dump if (frame := works(stack)) and stack.thread != _MAIN]
        top = commonest([frame for frame, _ in frames])
        there = [stack for frame, stack in frames if top and frame.name == top.name and frame.filename == top.filename]
        found.append((len(there), len(frames), top, there))
    number, of_all, top, there = sorted(found, key=lambda each: each[0])[len(found) // 2]
    names = Counter(stack.thread.rstrip("0123456789-_ ") for stack in there)
    return {
        "threads": number,
        "share": rounded(number / of_all) if of_all else None,
        "lock_waiters": _mean([_same_lock(dump) for dump in dumps]),
        "threads_names": names.most_common(1)[0][0] if names else None,
        **_place(top),
    }


def stuck(dumps: Sequence[Dump]) -> dict[str, Any]:
    """Threads that never moved: in the program's code, the whole stack the same, and no CPU since the first dump.

    A thread of a pool that ends one call and begins the next looks the same in every dump, but it has run.
    """
    if len(dumps) < _LEAST_DUMPS:
        return {**dict.fromkeys(("threads", "lock_waiters", "locks", "thread")), **_place(None)}
    keys = [{stack.tid: stack for stack in dump} for dump in dumps]
    found = [
        stack
        for stack in dumps[-1]
        if works(stack)
        and stack.thread != _MAIN
        and all((before := dump.get(stack.tid)) and before.key == stack.key and not before.active for dump in keys)
        and keys[0][stack.tid].slices == stack.slices is not None
    ]
    at_a_lock = [stack for stack in found if stack.waits_for_lock]
    told = at_a_lock or found
    top = commonest([frame for stack in told if (frame := stack.own)])
    return {
        "threads": len(found),
        "lock_waiters": _at_a_lock(found),
        "locks": len({stack.lock for stack in at_a_lock}),
        "thread": told[0].thread if told else None,
        **_place(top),
    }


def _at_a_lock(stacks: Sequence[Stack]) -> int | None:
    """How many wait for a lock that somebody holds. None where it is known of too few to tell one from several."""
    sure = sum(bool(stack.waits_for_lock) for stack in stacks)
    perhaps = sum(stack.waits_for_lock is None for stack in stacks)
    return None if sure < _SEVERAL <= sure + perhaps else sure


def _same_lock(dump: Dump) -> int | None:
    """Of the threads with work, most that wait for one lock; None as above."""
    queues: dict[str, list[Stack]] = {}
    for stack in dump:
        if works(stack) and stack.lock is not None:
            queues.setdefault(stack.lock, []).append(stack)
    counts = [_at_a_lock(waiting) for waiting in queues.values()]
    most = max((count for count in counts if count is not None), default=0)
    return None if None in counts and most < _SEVERAL else most


def _mean(counts: Sequence[int | None]) -> float | None:
    known = [count for count in counts if count is not None]
    return rounded(sum(known) / len(known)) if len(known) == len(counts) else None
