"""`watch`: the target's memory, CPU, I/O, threads and files, looked at several times a second for a while.

Figures of all its processes are added up. Where they are not on this kernel, the monitor's frames are all there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook import symptoms
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure, now, observed
from mcptop.playbook.steps.series import drawn, grown, mean, names_of, quantile, rates, rounded, until
from mcptop.sources import process_look
from mcptop.sources.process_files import TICKS_PER_S
from mcptop.sources.process_look import Maps, ProcessLook
from mcptop.units import duration, long_size

_MIB_PER_MIN = (1 << 20) / 60
_SLOW_EVERY = 2
"""Every so many looks the address space and the children are looked at as well."""

# Name -> what it is, unit, and the growth below which nothing is said to grow, a second.
_GAUGES: dict[str, tuple[str, str, float]] = {
    "anon": ("anonymous memory", "bytes", 0.5 * _MIB_PER_MIN),
    "file": ("file-backed memory", "bytes", 2 * _MIB_PER_MIN),
    "shmem": ("shared memory", "bytes", 0.5 * _MIB_PER_MIN),
    "heap": ("the C library's heap (brk)", "bytes", 0.5 * _MIB_PER_MIN),
    "page_cache": ("file pages charged to the container", "bytes", 2 * _MIB_PER_MIN),
    "swap": ("memory swapped out", "bytes", 0.5 * _MIB_PER_MIN),
    "threads": ("threads", "count", 4 / 60),
    "fds": ("open descriptors", "count", 6 / 60),
    "zombies": ("ended children nobody waited for", "count", 3 / 60),
    "close_wait": ("connections the peer has closed", "count", 3 / 60),
    "established": ("TCP connections", "count", 6 / 60),
}


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how often."""

    watch_for: Seconds = msgspec.field(name="for", default=Seconds(12))
    most: Seconds = Seconds(0)
    """Go on until so long while memory grows and it is not decided whether it is a leak."""
    every: Seconds = Seconds(0.5)


class Sample(Value, frozen=True):
    """One look at all processes together."""

    at: float
    """Seconds since the first."""
    processes: tuple[ProcessLook, ...]
    maps: Maps | None = None
    zombies: int | None = None


class Seen(Value, frozen=True):
    """The instance in one frame of the monitor."""

    at: float
    anon: int | None
    page_cache: int | None
    shmem: int | None
    working_set: int | None
    cores: float | None
    throttled: float | None
    pids: int | None
    close_wait: int | None
    established: int | None


class Watched(Value, frozen=True):
    """All of it."""

    samples: tuple[Sample, ...]
    frames: tuple[Seen, ...]
    uptime_s: float | None
    ended: bool
    """A process of the target ended while it was watched."""


class Watch:
    """See the module."""

    name: ClassVar[str] = "watch"
    says: ClassVar[str] = "watching memory, CPU, I/O, threads and files"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = True
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
            for key, (what, unit, _) in _GAUGES.items()
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
        """Look again and again. What is left of a target that ends is kept."""
        began, started_at = time.monotonic(), now()
        samples: list[Sample] = []
        expected = frozenset(context.subject.pids)
        while True:
            sample = _sample(context, time.monotonic() - began, len(samples))
            if context.subject.pids and not sample.processes:
                break
            samples.append(sample)
            elapsed = time.monotonic() - began
            wanted = options.watch_for
            if elapsed >= wanted and not (elapsed < options.most and _undecided(samples)):
                break
            if not context.pause(options.every - (time.monotonic() - began - sample.at)):
                break
        if not samples:
            raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")
        watched = Watched(
            samples=tuple(samples),
            frames=_seen(context, time.time() - (time.monotonic() - began)),
            uptime_s=_uptime(context, samples[0]),
            ended=bool(expected - {each.pid for each in samples[-1].processes}),
        )
        data = msgspec.json.encode(watched)
        return (observed("watch.json", "/proc", data, started_at, time.monotonic() - began),)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What the series did."""
        watched = msgspec.json.decode(raw[0].data, type=Watched)
        series = _series(watched)
        values: dict[str, Any] = {
            "seconds": rounded(watched.samples[-1].at),
            "samples": len(watched.samples),
            "uptime_s": rounded(watched.uptime_s),
            "ended": watched.ended,
            "processes": len(watched.samples[-1].processes),
            "limit_bytes": subject.memory_limit_bytes,
            "working_set_bytes": watched.frames[-1].working_set if watched.frames else None,
            "throttled": rounded(mean([frame.throttled for frame in watched.frames])),
        }
        charts: dict[str, Any] = {}
        for name, (times, found) in series.items():
            _, unit, least = _GAUGES[name]
            values[name] = grown(times, found, least)
            if any(value is not None for value in found):
                charts[name] = drawn(unit, times, found, subject.memory_limit_bytes if name == "anon" else None)
        if "anon" in series:
            values |= until(subject.memory_limit_bytes, *series["anon"], _GAUGES["anon"][2])
        values |= _shares(values, watched)
        values["cpu"], charts["cpu"] = _cpu(watched, subject)
        values |= _io(watched)
        return {**values, "series": charts}

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


def _seen(context: Context, since: float) -> tuple[Seen, ...]:
    found = []
    for frame in context.frames.all():
        at = frame.at.timestamp() - since
        for instance in symptoms.seen([frame], symptoms.identity(context.subject, frame)) if at >= -1 else ():
            memory, sockets = instance.memory, instance.sockets
            found.append(
                Seen(at, memory.anon_bytes, memory.file_bytes, memory.shmem_bytes, memory.working_set_bytes,
                     instance.cpu.cores, instance.cpu.throttled_ratio, instance.pids,
                     sockets.close_wait if sockets else None, sockets.established if sockets else None)
            )  # fmt: skip
    return tuple(found)


def _uptime(context: Context, first: Sample) -> float | None:
    if not first.processes:
        return None
    oldest = min(each.start_ticks for each in first.processes) / TICKS_PER_S
    return time.clock_gettime(time.CLOCK_BOOTTIME) - oldest


def _undecided(samples: Sequence[Sample]) -> bool:
    """Whether memory seems to grow, and it cannot be said yet that it is a leak, or is none."""
    times = [sample.at for sample in samples]
    least = _GAUGES["anon"][2]
    found = grown(times, [_sum(sample, lambda p: p.anon_bytes) for sample in samples], least)
    if found is None or found["slope_per_s"] < least:
        return False
    decided = found["rising"] or found["flat"] or found["levelling_off"] or found["sawtooth"] or found["falling"]
    return not decided


def _sum(sample: Sample, read: Callable[[ProcessLook], float | None]) -> float | None:
    found = [value for each in sample.processes if (value := read(each)) is not None]
    return sum(found) if found else None


def _series(watched: Watched) -> dict[str, tuple[list[float], list[float | None]]]:
    """Name -> times and values, of those that were seen at all."""
    samples, frames = watched.samples, watched.frames
    times = [sample.at for sample in samples]
    slow = [sample for sample in samples if sample.maps is not None or sample.zombies is not None]
    slow_times, seen_times = [sample.at for sample in slow], [frame.at for frame in frames]
    of_processes: dict[str, Callable[[ProcessLook], float | None]] = {
        "anon": lambda p: p.anon_bytes,
        "file": lambda p: p.file_bytes,
        "shmem": lambda p: p.shmem_bytes,
        "swap": lambda p: p.swap_bytes,
        "threads": lambda p: p.threads,
        "fds": lambda p: p.fds,
    }
    found = {name: (times, [_sum(sample, read) for sample in samples]) for name, read in of_processes.items()}
    found["heap"] = slow_times, [sample.maps.heap_bytes if sample.maps else None for sample in slow]
    found["zombies"] = slow_times, [sample.zombies for sample in slow]
    found["close_wait"] = seen_times, [frame.close_wait for frame in frames]
    found["established"] = seen_times, [frame.established for frame in frames]
    found["page_cache"] = seen_times, [frame.page_cache for frame in frames]
    if not any(value is not None for value in found["anon"][1]):
        found["anon"] = seen_times, [frame.anon for frame in frames]
    return {name: pair for name, pair in found.items() if any(value is not None for value in pair[1])}


def _shares(values: Mapping[str, Any], watched: Watched) -> dict[str, Any]:
    """Where the memory that came is, and what it came with."""
    anon, heap, threads = values.get("anon"), values.get("heap"), values.get("threads")
    grew = anon["change"] if anon else None
    maps = [sample.maps for sample in watched.samples if sample.maps is not None]
    return {
        "arenas": maps[-1].arenas if maps else None,
        "heap_share": rounded(min(1.0, max(0.0, heap["change"] / grew))) if grew and grew > 0 and heap else None,
        "bytes_per_thread": rounded(grew / threads["change"]) if grew and threads and threads["change"] > 0 else None,
    }


def _cpu(watched: Watched, subject: Subject) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cores over time, its extremes over seconds, and the kernel's part."""
    times = [sample.at for sample in watched.samples]
    system = [_sum(sample, lambda p: p.system_s) for sample in watched.samples]
    total = [_sum(sample, lambda p: p.user_s + p.system_s) for sample in watched.samples]
    if len(times) > 1 and total[0] is not None:
        cores, at = rates(times, total), times[1:]
    else:
        cores, at = [frame.cores for frame in watched.frames], [frame.at for frame in watched.frames]
    smooth = [mean(cores[max(0, i - 1) : i + 2]) for i in range(len(cores))]
    high, low = quantile(smooth, 0.9), quantile(smooth, 0.1)
    used, kernel = _change(total), _change(system)
    on = [value > (high or 0) / 2 for value in smooth if value is not None]
    figures = {
        "mean": rounded(used / times[-1]) if used is not None and times[-1] > 0 else rounded(mean(cores)),
        "high": rounded(high),
        "low": rounded(low),
        "steady": rounded(low / high) if high and low is not None else None,
        "system_share": rounded(kernel / used) if kernel is not None and used else None,
        "on_share": rounded(sum(on) / len(on)) if on else None,
    }
    return figures, drawn("cores", at, cores, subject.cpu_limit_cores)


def _change(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return known[-1] - known[0] if len(known) > 1 else None


def _io(watched: Watched) -> dict[str, Any]:
    first, last = watched.samples[0], watched.samples[-1]
    seconds = last.at - first.at
    alive = {each.pid: each for each in first.processes}

    def rate(read: Callable[[ProcessLook], float | None]) -> float | None:
        pairs = [(read(alive[each.pid]), read(each)) for each in last.processes if each.pid in alive]
        known = [new - old for old, new in pairs if old is not None and new is not None]
        return rounded(sum(known) / seconds) if known and seconds > 0 else None

    writes, written = rate(lambda p: p.writes), rate(lambda p: p.written_chars)
    return {
        "io": {
            "read_bytes_per_s": rate(lambda p: p.read_bytes),
            "write_bytes_per_s": rate(lambda p: p.written_bytes),
            "read_chars_per_s": rate(lambda p: p.read_chars),
            "write_chars_per_s": written,
            "writes_per_s": writes,
            "bytes_per_write": rounded(written / writes) if writes and written is not None else None,
        },
        "major_faults_per_s": rate(lambda p: p.major_faults),
    }
