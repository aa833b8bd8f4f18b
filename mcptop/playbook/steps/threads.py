"""`threads`: what each thread of the process does, as the kernel sees it: runs, waits for a CPU, waits in a call.

Needs no profiler and no Python, and touches nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure, now, observed
from mcptop.playbook.steps.series import mean, quantile, rounded
from mcptop.sources import task_look
from mcptop.sources.task_look import TaskLook
from mcptop.units import many, plain

_ENDED = ("Z", "X")
_BUSY_CORES = 0.04
_DEAR = 40
"""With more threads than this they are looked at less often."""
_FEWEST_LOOKS = 4
"""But so often at least, however many they are."""
_BIN_S = 1.0
_CALLS = ("futex", "sleep", "poll", "read", "write", "receive", "send", "fsync", "connect", "wait")


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how often."""

    watch_for: Seconds = msgspec.field(name="for", default=Seconds(10))
    every: Seconds = Seconds(0.2)


class Moment(Value, frozen=True):
    """All threads at one moment."""

    at: float
    tasks: tuple[TaskLook, ...]


class Threads:
    """See the module."""

    name: ClassVar[str] = "threads"
    says: ClassVar[str] = "watching what each thread does"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = True
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "seconds": "how long",
        "count": "threads at the end",
        "cores": "CPU of all of them",
        "busy": f"threads that used more than {_BUSY_CORES} of a core",
        "busy_mean": "cores a busy thread used, in the mean",
        "top.tid": "the thread that computed most",
        "top.name": "its name",
        "top.cores": "its CPU",
        "top.share": "its share of the CPU of all",
        "top.is_main": "whether it is the first thread",
        "top.demand": "share of the time in which it ran or was ready to: its CPU, had there been one free",
        "top.steady": "that in its quietest seconds, as a share of its busiest",
        "demand": "cores all threads would have used, had there been enough",
        "main.cores": "CPU of the first thread",
        "run_delay": "seconds a second in which threads were ready and no CPU was free, all together",
        "delay_ratio": "that, as a share of the time in which they ran or wanted to",
        "on_disk": "threads in uninterruptible sleep (D), in the mean",
        "running": "threads in state R, in the mean",
        "stopped": "whether the process was stopped (T)",
        "slices_per_s": "how often threads got a CPU, a second",
        "slice_s": "how long such a time was, in the mean",
        **{f"in.{call}": f"threads that waited in {call}, in the mean" for call in _CALLS},
        "fsync_share": "share of the moments in which some thread forced data to disk",
    }

    def expected_s(self, options: Options) -> float:
        """As long as it shall watch."""
        return float(options.watch_for)

    def collect(self, context: Context, options: Options) -> Raw:
        """Look again and again."""
        pid, began, started_at = context.pid, time.monotonic(), now()
        moments: list[Moment] = []
        while True:
            at = time.monotonic() - began
            tasks = tuple(task_look.looks(context.roots, pid))
            if all(task.state in _ENDED for task in tasks):
                tasks = ()
                break
            moments.append(Moment(at, tasks))
            every = _every_s(options, len(tasks))
            if at >= options.watch_for or not context.pause(every - (time.monotonic() - began - at)):
                break
        if len(moments) < 2 and not tasks:
            raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")
        if len(moments) < 2:
            raise StepFailure(StepStatus.TIMEOUT, "no time for a second look at its threads")
        data = msgspec.json.encode(moments)
        return (observed("threads.json", "/proc/PID/task", data, started_at, time.monotonic() - began),)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What they did."""
        moments = msgspec.json.decode(raw[0].data, type=list[Moment])
        seconds = moments[-1].at - moments[0].at
        first = {task.tid: task for task in moments[0].tasks}
        last = moments[-1].tasks
        ran = {
            task.tid: (task.ran_s - (first[task.tid].ran_s if task.tid in first else 0.0)) / seconds for task in last
        }
        busy = {tid: cores for tid, cores in ran.items() if cores > _BUSY_CORES}
        total = sum(ran.values())
        top = max(last, key=lambda task: ran[task.tid])
        waited = _change(first, last, lambda task: task.waited_s) / seconds
        slices = _change(first, last, lambda task: task.slices)
        states = _means(moments, lambda task: task.state)
        calls = _means(moments, lambda task: task.waits_in)
        # Of what most of them wait in nothing is known where not all were asked.
        all_asked = max(len(moment.tasks) for moment in moments) <= task_look.MOST_CALLS
        syncs = sum(any(t.waits_in == "fsync" for t in m.tasks) for m in moments) / len(moments)
        values = {
            "seconds": seconds,
            "count": len(last),
            "cores": total,
            "busy": len(busy),
            "busy_mean": sum(busy.values()) / len(busy) if busy else None,
            "top": {
                "tid": top.tid,
                "name": plain(top.name),
                "cores": ran[top.tid],
                "share": ran[top.tid] / total if total > 0 else None,
                "is_main": top.tid == min(task.tid for task in last),
                **_demand(moments, top.tid),
            },
            "demand": total + waited,
            "main": {"cores": ran[min(ran)]},
            "run_delay": waited,
            "delay_ratio": waited / (waited + total) if waited + total > 0 else 0.0,
            "on_disk": states["D"],
            "running": states["R"],
            "stopped": states["T"] + states["t"] > 0.5 * len(last),
            "slices_per_s": slices / seconds,
            "slice_s": total * seconds / slices if slices else None,
            "fsync_share": syncs if all_asked else None,
            "in": {call: calls[call] if all_asked else None for call in _CALLS},
        }
        return {key: _all_rounded(value) for key, value in values.items()}

    def summary(self, values: Mapping[str, Any]) -> str:
        """How many, and what they do."""
        return f"{many(values['count'], 'thread')}, {values['busy']} of them busy, {values['cores']:.2f} cores"


def _every_s(options: Options, threads: int) -> float:
    dear = options.every * max(1, threads // _DEAR)
    return max(options.every, min(dear, options.watch_for / _FEWEST_LOOKS))


def _demand(moments: Sequence[Moment], tid: int) -> dict[str, float | None]:
    """How much one thread wanted to run, second by second: what others leave it does not make it pause."""
    seen = [(m.at, task.ran_s + task.waited_s) for m in moments for task in m.tasks if task.tid == tid]
    found: list[float | None] = []
    start = seen[0]
    for at, wanted in seen[1:]:
        if at - start[0] >= _BIN_S:
            found.append((wanted - start[1]) / (at - start[0]))
            start = at, wanted
    low, high = quantile(found, 0.1), quantile(found, 0.9)
    return {"demand": mean(found), "steady": min(1.0, low / high) if high and low is not None else None}


def _change(first: Mapping[int, TaskLook], last: Sequence[TaskLook], read: Any) -> float:
    return float(sum(read(task) - (read(first[task.tid]) if task.tid in first else 0) for task in last))


def _means(moments: Sequence[Moment], read: Any) -> Counter[Any]:
    """How many threads were so at one moment, in the mean."""
    found = Counter(read(task) for moment in moments for task in moment.tasks)
    return Counter({key: number / len(moments) for key, number in found.items()})


def _all_rounded(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _all_rounded(value) for key, value in values.items()}
    return rounded(values)
