"""What the looks of `watch` amount to: the growth of each series, CPU, I/O. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from mcptop.model.diagnosis import Subject
from mcptop.model.value import Value
from mcptop.playbook.steps.series import drawn, grown, mean, quantile, rounded, until
from mcptop.sources.process_look import Maps, ProcessLook

_MIB_PER_MIN = (1 << 20) / 60
Read = Callable[[ProcessLook], float | None]

# Name -> what it is, unit, and the growth below which nothing is said to grow, a second.
_LEAST_PART = 0.001
"""Of where it began: a large process breathes by more than a small one holds."""
GAUGES: dict[str, tuple[str, str, float]] = {
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
    threads: int | None = None
    fds: int | None = None


class Watched(Value, frozen=True):
    """All of it."""

    samples: tuple[Sample, ...]
    frames: tuple[Seen, ...]
    uptime_s: float | None
    ended: bool
    """A process of the target ended while it was watched."""


def values(watched: Watched, subject: Subject) -> dict[str, Any]:
    """All that the step emits."""
    series = _series(watched)
    values: dict[str, Any] = {
        "seconds": rounded(watched.samples[-1].at),
        "samples": len(watched.samples),
        "uptime_s": rounded(watched.uptime_s),
        "ended": watched.ended,
        "processes": len(watched.samples[-1].processes) if any(each.processes for each in watched.samples) else None,
        "limit_bytes": subject.memory_limit_bytes,
        "working_set_bytes": watched.frames[-1].working_set if watched.frames else None,
        "throttled": rounded(mean([frame.throttled for frame in watched.frames])),
        **dict.fromkeys((*GAUGES, "eta_s", "eta_low_s", "eta_high_s")),
    }
    charts: dict[str, Any] = {}
    for name, (times, found) in series.items():
        _, unit, least = GAUGES[name]
        values[name] = grown(times, found, least, _LEAST_PART)
        charts[name] = drawn(unit, times, found, subject.memory_limit_bytes if name == "anon" else None)
    if "anon" in series:
        values |= until(subject.memory_limit_bytes, *series["anon"], GAUGES["anon"][2])
    values |= _shares(values, watched)
    values["cpu"], charts["cpu"] = _cpu(watched, subject)
    values |= _io(watched)
    return {**values, "series": charts}


def is_undecided(samples: Sequence[Sample]) -> bool:
    """Whether memory seems to grow, and it cannot be said yet that it is a leak, or is none."""
    times = [sample.at for sample in samples]
    least = GAUGES["anon"][2]
    found = grown(times, [_sum(sample, lambda p: p.anon_bytes) for sample in samples], least, _LEAST_PART)
    if found is None or found["slope_per_s"] < least:
        return False
    decided = found["rising"] or found["flat"] or found["levelling_off"] or found["sawtooth"] or found["falling"]
    return not decided


def _sum(sample: Sample, read: Read) -> float | None:
    found = [value for each in sample.processes if (value := read(each)) is not None]
    return sum(found) if found else None


def _series(watched: Watched) -> dict[str, tuple[list[float], list[float | None]]]:
    """Name -> times and values, of those that were seen at all."""
    samples, frames = watched.samples, watched.frames
    times = [sample.at for sample in samples]
    slow = [sample for sample in samples if sample.maps is not None or sample.zombies is not None]
    slow_times, seen_times = [sample.at for sample in slow], [frame.at for frame in frames]
    of_processes: dict[str, Read] = {
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
    if not any(sample.processes for sample in samples):
        found["anon"] = seen_times, [frame.anon for frame in frames]
        found["shmem"] = seen_times, [frame.shmem for frame in frames]
        found["threads"] = seen_times, [frame.threads for frame in frames]
        found["fds"] = seen_times, [frame.fds for frame in frames]
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
    spans = [new - old for old, new in pairwise(times)]
    total = _used(watched.samples, lambda p: p.user_s + p.system_s)
    used, kernel = _known_sum(total), _known_sum(_used(watched.samples, lambda p: p.system_s))
    if used is not None:
        at, cores = times[1:], [None if u is None or not s else u / s for u, s in zip(total, spans, strict=True)]
    else:
        at, cores = [frame.at for frame in watched.frames], [frame.cores for frame in watched.frames]
    smooth = [mean(cores[max(0, i - 1) : i + 2]) for i in range(len(cores))]
    high, low = quantile(smooth, 0.9), quantile(smooth, 0.1)
    on = [value > (high or 0) / 2 for value in smooth if value is not None]
    figures = {
        "mean": rounded(mean(cores)) if used is None or not sum(spans) else rounded(used / sum(spans)),
        "high": rounded(high),
        "low": rounded(low),
        "steady": rounded(low / high) if high and low is not None else None,
        "system_share": rounded(kernel / used) if used and kernel is not None else None,
        "on_share": rounded(sum(on) / len(on)) if on else None,
    }
    return figures, drawn("cores", at, cores, subject.cpu_limit_cores)


def _used(samples: Sequence[Sample], read: Read) -> list[float | None]:
    """Between one look and the next, of the processes that are in both: one that ends takes nothing back."""
    found: list[float | None] = []
    for old, new in pairwise(samples):
        before = {each.pid: read(each) for each in old.processes}
        pairs = [(before.get(each.pid), read(each)) for each in new.processes]
        known = [after - earlier for earlier, after in pairs if earlier is not None and after is not None]
        found.append(sum(known) if known else None)
    return found


def _known_sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _io(watched: Watched) -> dict[str, Any]:
    seconds = watched.samples[-1].at - watched.samples[0].at

    def rate(read: Read) -> float | None:
        used = _known_sum(_used(watched.samples, read))
        return rounded(used / seconds) if used is not None and seconds > 0 else None

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
