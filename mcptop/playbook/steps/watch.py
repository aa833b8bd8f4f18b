"""`watch`: the target's memory, CPU, I/O, threads and files, looked at several times a second for a while.

Figures of all its processes are added up. Where they are not on this kernel, the monitor's frames are all there is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.frame import Frame
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import watch_frames, watch_series
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure, now, observed
from mcptop.playbook.steps.series import names_of
from mcptop.playbook.steps.watch_series import GAUGES, Sample, Watched
from mcptop.sources import process_look
from mcptop.sources.process_files import TICKS_PER_S
from mcptop.units import duration, long_size

_SLOW_EVERY = 2
"""Every so many looks the address space and the children are looked at as well."""


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how often."""

    watch_for: Seconds = msgspec.field(name="for", default=Seconds(12))
    most: Seconds = Seconds(0)
    """Go on until so long while memory grows and it is not decided whether it is a leak."""
    every: Seconds = Seconds(0.5)


class Watch:
    """See the module."""

    name: ClassVar[str] = "watch"
    says: ClassVar[str] = "watching memory, CPU, I/O, threads and files"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = True
    reads_frames: ClassVar[bool] = True
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "seconds": "how long it was watched",
        "samples": "how many looks",
        "uptime_s": "seconds since the target started",
        "ended": "a process of it ended meanwhile",
        "processes": "how many there are",
        "limit_bytes": "memory limit",
        "eta_s": "seconds until anonymous memory reaches the limit",
        "eta_low_s": "at the fast end of the slope's interval",
        "eta_high_s": "at the slow end",
        "working_set_bytes": "the monitor's figure at the end",
        "arenas": "mappings as large as an arena of the C library's allocator",
        "heap_share": "share of the anonymous growth that is in the C library's heap",
        "bytes_per_thread": "anonymous growth for each thread that came",
        **{
            name: text
            for key, (what, unit, _) in GAUGES.items()
            for name, text in names_of(key, f"{what}, {unit}" if unit == "bytes" else what).items()
        },
        "cpu.mean": "cores",
        "cpu.high": "cores in the busiest tenth of the time",
        "cpu.low": "cores in the quietest tenth",
        "cpu.steady": "share of the busiest that the quietest time has",
        "cpu.system_share": "share of it inside the kernel",
        "cpu.on_share": "share of the time above half of the busiest",
        "io.read_bytes_per_s": "read from disk",
        "io.write_bytes_per_s": "written towards disk",
        "io.read_chars_per_s": "read by system calls, from memory too",
        "io.write_chars_per_s": "written by system calls, to pipes and sockets too",
        "io.writes_per_s": "write calls",
        "io.bytes_per_write": "mean size of a write call",
        "major_faults_per_s": "pages that had to be read from disk",
        "throttled": "mean share of periods in which the CPU quota held it back",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """As long as it shall watch."""
        return float(options.watch_for)

    def collect(self, context: Context, options: Options) -> Raw:
        """Look again and again. What is left of a target that ends is kept. Raises `StepFailure`."""
        if context.frames.recorded:
            return watch_frames.watched(context, options.watch_for, max(options.watch_for, options.most))
        began, started_at = time.monotonic(), now()
        samples: list[Sample] = []
        expected = frozenset(context.subject.pids)
        while True:
            sample = _sample(context, time.monotonic() - began, len(samples))
            alive = frozenset(each.pid for each in sample.processes)
            if expected and not alive:
                break
            samples.append(sample)
            elapsed = time.monotonic() - began
            wanted = options.watch_for
            if elapsed >= wanted and not (elapsed < options.most and watch_series.is_undecided(samples)):
                break
            if not context.pause(options.every - (time.monotonic() - began - sample.at)):
                break
        if not samples:
            raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")
        watched = Watched(
            samples=tuple(samples),
            frames=watch_frames.seen(context.subject, _since(context, time.time() - (time.monotonic() - began))),
            uptime_s=_uptime(context, samples[0]),
            ended=bool(expected - alive),
        )
        data = msgspec.json.encode(watched)
        return (observed("watch.json", "/proc", data, started_at, time.monotonic() - began),)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What the series did."""
        return watch_series.values(msgspec.json.decode(raw[0].data, type=Watched), subject)

    def summary(self, values: Mapping[str, Any]) -> str:
        """The window and what it was for."""
        anon = values.get("anon") or {}
        memory = long_size(anon.get("last"))
        return f"{duration(values['seconds'])} at {values['samples']} looks; anon {memory}"


def _sample(context: Context, at: float, number: int) -> Sample:
    looks = (process_look.look(context.roots, pid) for pid in context.subject.pids)
    alive = tuple(each for each in looks if each is not None and each.state != "Z")
    if number % _SLOW_EVERY:
        return Sample(at, alive)
    parents = frozenset(context.subject.pids)
    maps = process_look.maps(context.roots, context.subject.pid) if context.subject.pid else None
    return Sample(at, alive, maps, process_look.zombies(context.roots, parents) if parents else None)


def _since(context: Context, began: float) -> list[tuple[float, Frame]]:
    """The frame that was new when the step began belongs to it."""
    return [(at, frame) for frame in context.frames.all() if (at := frame.at.timestamp() - began) >= -1]


def _uptime(context: Context, first: Sample) -> float | None:
    if not first.processes:
        return None
    oldest = min(each.start_ticks for each in first.processes) / TICKS_PER_S
    return time.clock_gettime(time.CLOCK_BOOTTIME) - oldest
