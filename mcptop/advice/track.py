"""One container or process look after look, in little memory: sketches and sums instead of values."""

from __future__ import annotations

from typing import NamedTuple

from mcptop.advice.observed import Change, Kill, Replica, is_busy, usage_in
from mcptop.analysis import vpa
from mcptop.analysis.sketch import Sketch
from mcptop.model.snapshot import Reading, Target
from mcptop.model.value import Kind
from mcptop.rates import per_second

_MOST_CHANGES, _MOST_KILLS = 20, 100
_MOST_HOURS = 24 * 60
_MINUTE_S, _HOUR_S = 60, 3600


class Told(NamedTuple):
    """What a server says at one moment: counters as they are, but CPU as a rate."""

    used: float | None = None
    """The most since the moment before, in bytes."""
    cores: float | None = None
    memory_limit: float | None = None
    cpu_limit: float | None = None
    periods: float | None = None
    throttled: float | None = None
    kills: float | None = None
    anon: float | None = None
    file: float | None = None
    shmem: float | None = None
    pressure: float | None = None


class Track:
    """Takes looks in the order of time."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._last: Reading | None = None
        self._memory, self._cpu = Sketch(), Sketch()
        self._peaks_seen, self._cpu_seen = vpa.memory_histogram(), vpa.cpu_histogram()
        self._peaks = vpa.MemoryPeaks(self._peaks_seen)
        self._minute, self._minute_sum, self._minute_count = -1, 0.0, 0
        self._minutes = 0
        self._hours: dict[int, list[float]] = {}
        self._anon: float | None = None
        self._file: float | None = None
        self._shmem: float | None = None
        self._pressure: float | None = None
        self._periods = self._throttled = 0.0
        self._counted: tuple[float, float] | None = None
        """Both counters, as a server told them last."""
        self._killed: int | None = None
        self._kills: list[Kill] = []
        self._changes: list[Change] = []
        self._memory_limit: float | None = None
        self._cpu_limit: float | None = None
        self._limit_before: float | None = None
        self._first_at: float | None = None
        self._last_at = 0.0

    @property
    def key(self) -> tuple[str | None, str, Kind]:
        """Project, name and kind of its service."""
        return self._target.project, self._target.service, self._target.kind

    def look(self, target: Target, new: Reading | None, at: float) -> bool:
        """One look at the wall-clock time `at`. Whether it has figures."""
        self._target = target
        if new is None:
            self._count_kills(_kills(target, None), at)
            return False
        old, self._last = self._last, new
        self._first_at = at if self._first_at is None else self._first_at
        self._last_at = at
        if old is new and new.every_s is not None:
            # No news, from a source that is not looked at: what it said stands, and is counted once.
            return True
        if old is not new:
            memory = new.memory_limit_bytes or target.memory_limit_bytes
            cores = new.cpu_limit_cores if new.cpu_limit_cores is not None else target.cpu_limit_cores
            self._limits(memory, cores, at, old is None)
            self._count_kills(_kills(target, new), at)
            self._extremes(new)
            if old is not None:
                self._count_periods(old, new)
        used = working_set(new)
        if used is not None:
            self._use_memory(used, at)
        cores = _cores(old, new)
        if cores is not None:
            self._use_cpu(cores, at)
        return True

    def told(self, said: Told, at: float) -> None:
        """What a server says of it at the wall-clock time `at`, rates made already."""
        is_first = self._first_at is None
        self._first_at = at if self._first_at is None else self._first_at
        self._last_at = at
        self._limits(said.memory_limit, said.cpu_limit, at, is_first)
        self._count_kills(None if said.kills is None else round(said.kills), at)
        self._anon, self._file = _larger(self._anon, said.anon), _larger(self._file, said.file)
        self._shmem = _larger(self._shmem, said.shmem)
        self._pressure = _larger(self._pressure, said.pressure)
        if said.periods is not None and said.throttled is not None:
            self._add_periods(said.periods, said.throttled, self._counted)
            self._counted = said.periods, said.throttled
        if said.used is not None:
            self._use_memory(said.used, at)
        if said.cores is not None:
            self._use_cpu(said.cores, at)

    @property
    def last_at(self) -> float:
        """Wall-clock seconds of the last figures."""
        return self._last_at

    def replica(self, is_running: bool) -> Replica:
        """What it comes to. Looks may go on after it."""
        self._end_minute()
        target, days = self._target, self._days()
        cpu = usage_in(self._cpu)
        hours = [total / count for total, count in self._hours.values()]
        return Replica(
            id=target.id, name=target.name, is_running=is_running,
            memory=usage_in(self._memory), cpu=cpu,
            anon_peak=self._anon, file_peak=self._file, shmem_peak=self._shmem, pressure_peak=self._pressure,
            throttled_ratio=self._throttled / self._periods if self._periods else None,
            kills=tuple(self._kills), memory_limit=self._memory_limit, cpu_limit=self._cpu_limit,
            changes=tuple(self._changes),
            vpa_memory=vpa.estimate(self._peaks_seen, days, vpa.FLOOR_BYTES),
            vpa_cpu=vpa.estimate(self._cpu_seen, days, vpa.FLOOR_CORES),
            was_busy=is_busy(cpu, hours),
        )  # fmt: skip

    def _days(self) -> float:
        return vpa.confidence_days(self._first_at or 0.0, self._last_at, self._minutes)

    def _use_memory(self, used: float, at: float) -> None:
        self._memory.add(used)
        self._peaks.add(used, at)

    def _use_cpu(self, cores: float, at: float) -> None:
        self._cpu.add(cores)
        minute = int(at) // _MINUTE_S
        if minute != self._minute:
            self._end_minute()
            self._minute = minute
        self._minute_sum += cores
        self._minute_count += 1
        hour = self._hours.get(int(at) // _HOUR_S)
        if hour is not None:
            hour[0] += cores
            hour[1] += 1
        elif len(self._hours) < _MOST_HOURS:
            self._hours[int(at) // _HOUR_S] = [cores, 1]

    def _end_minute(self) -> None:
        """A minute's mean is one sample of VPA's, as metrics come to it."""
        if self._minute_count:
            self._cpu_seen.add(self._minute_sum / self._minute_count, self._minute * _MINUTE_S)
            self._minutes += 1
        self._minute_sum, self._minute_count = 0.0, 0

    def _extremes(self, new: Reading) -> None:
        self._anon = _larger(self._anon, new.memory_anon_bytes)
        self._file = _larger(self._file, new.memory_file_bytes)
        self._shmem = _larger(self._shmem, new.memory_shmem_bytes)
        if new.memory_pressure is not None:
            self._pressure = _larger(self._pressure, new.memory_pressure.some_avg10)

    def _count_periods(self, old: Reading, new: Reading) -> None:
        if None in (old.cpu_periods, new.cpu_periods, old.cpu_throttled_periods, new.cpu_throttled_periods):
            return
        before = float(old.cpu_periods or 0), float(old.cpu_throttled_periods or 0)
        self._add_periods(float(new.cpu_periods or 0), float(new.cpu_throttled_periods or 0), before)

    def _add_periods(self, periods: float, throttled: float, before: tuple[float, float] | None) -> None:
        """A counter that fell was reset: that interval says nothing."""
        if before is not None and periods >= before[0] and throttled >= before[1]:
            self._periods += periods - before[0]
            self._throttled += min(throttled - before[1], periods - before[0])

    def _limits(self, memory: float | None, cores: float | None, at: float, is_first: bool) -> None:
        if not is_first and memory != self._memory_limit and self._memory_limit is not None:
            self._change(Change(at, "memory", self._memory_limit, memory))
        if not is_first and cores != self._cpu_limit and self._cpu_limit is not None:
            self._change(Change(at, "cpu", self._cpu_limit, cores))
            # What another quota held back says nothing of this one.
            self._periods = self._throttled = 0.0
        # Who was killed since the look before, was so at the limit of then.
        self._limit_before = self._memory_limit or memory
        self._memory_limit, self._cpu_limit = memory, cores

    def _change(self, change: Change) -> None:
        if len(self._changes) < _MOST_CHANGES:
            self._changes.append(change)

    def _count_kills(self, total: int | None, at: float) -> None:
        """The kernel's count begins anew with every run; what the engine says of the last run outlives it."""
        if total is None:
            if self._last is not None and self._target.kind is Kind.CONTAINER:
                # Where the kernel does not count the engine tells of kills alone: until now of none.
                self._killed = self._killed or 0
            return
        before, self._killed = self._killed, total
        more = total - (before or 0)
        if more > 0 and len(self._kills) < _MOST_KILLS:
            # Those before the first look have no time; the limit is the one there was then, as far as one knows.
            limit = self._limit_before or self._target.memory_limit_bytes
            self._kills.append(Kill(None if before is None else at, limit, more))
            if before is not None:
                self._peaks.kill(limit, at)


def working_set(new: Reading) -> float | None:
    """Usage without pages of files that can be dropped at once."""
    if new.memory_working_set_bytes is not None:
        return float(new.memory_working_set_bytes)
    usage, inactive = new.memory_usage_bytes, new.memory_inactive_file_bytes
    return None if usage is None or inactive is None else float(max(0, usage - inactive))


def _kills(target: Target, new: Reading | None) -> int | None:
    """The larger of the kernel's count and the engine's; None where neither counts."""
    said = max(target.oom_events, int(target.oom_killed))
    if new is None or new.oom_kills is None:
        return said or None
    return max(new.oom_kills, said)


def _cores(old: Reading | None, new: Reading) -> float | None:
    if old is None:
        return None
    if old is new:
        # Looked again, and the counter stood still.
        return None if new.cpu_usage_s is None else 0.0
    since = old.read_at if new.previous_at is None else new.previous_at
    return per_second(old.cpu_usage_s, new.cpu_usage_s, new.read_at - since)


def _larger(old: float | None, new: float | None) -> float | None:
    return new if old is None else old if new is None else max(old, new)
