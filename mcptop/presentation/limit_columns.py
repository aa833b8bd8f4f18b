"""The columns of the table of limits."""

from __future__ import annotations

from collections.abc import Callable

from mcptop import units
from mcptop.analysis.sizing import LEAST_SAMPLES, Advice, Sized
from mcptop.presentation import runs
from mcptop.presentation.limit_rows import RANKS, LimitRow
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import MAIN, Column, Moment, Sheet

_TONES = {Advice.RAISE: "warning", Advice.SET: "text", Advice.KEEP: "ok", Advice.UNKNOWN: "dim"}


_NONE = "none"
"""A limit that is not there."""


def _cores(cores: float | None) -> str:
    return units.UNKNOWN if cores is None else f"{cores:.2f}"


def _figure(
    text: Callable[[LimitRow], str], style: Callable[[LimitRow], str] = lambda row: "text"
) -> Callable[[LimitRow, int, Moment], Runs]:
    def cell(row: LimitRow, width: int, moment: Moment) -> Runs:
        said = text(row)
        return ((runs.fit(said, width, "right"), "dim" if said in (units.UNKNOWN, _NONE) else style(row)),)

    return cell


def _advice(part: Callable[[LimitRow], Sized], text: Callable[[float | None], str]) -> Callable[..., Runs]:
    def cell(row: LimitRow, width: int, moment: Moment) -> Runs:
        sized = part(row)
        return ((runs.fit(_advised(sized, text, row.interval_s), width), _TONES[sized.advice]),)

    return cell


def _advised(sized: Sized, text: Callable[[float | None], str], interval_s: float) -> str:
    if sized.advice is Advice.UNKNOWN:
        # Nothing is known of what nobody measures; the rest is a matter of time.
        missing_s = (LEAST_SAMPLES - sized.samples) * interval_s
        return f"wait {units.about(missing_s)}" if sized.samples else units.UNKNOWN
    if sized.limit is None and sized.advice is Advice.KEEP:
        return "no limit"
    wanted = None if sized.advice is Advice.KEEP else sized.wanted
    return sized.advice if wanted is None else f"{sized.advice} {text(wanted)}"


def _peak(row: LimitRow) -> float | None:
    """The advice is not worked out at every tick, and what is used now was seen as well."""
    known = [value for value in (row.memory.peak, _used(row)) if value is not None]
    return max(known, default=None)


def _name(row: LimitRow, width: int, moment: Moment) -> Runs:
    judged = row.service.judgement
    return ((f"{judged.symbol} ", judged.style), (runs.fit(row.name, width - 2), "strong"))


def _because(row: LimitRow) -> str:
    """The reason of the more urgent of both."""
    one, other = row.memory, row.cpu
    said, about = (one, "memory") if RANKS[one.advice] >= RANKS[other.advice] else (other, "CPU")
    return f"{about}: {said.because}" if said.because else ""


def why(row: LimitRow) -> str:
    """What both advices rest on."""
    parts = [f"{name}: {sized.because}" for name, sized in (("memory", row.memory), ("CPU", row.cpu)) if sized.because]
    return "; ".join(parts)


def _used(row: LimitRow) -> int | None:
    return row.instance.memory.working_set_bytes


def _cpu(row: LimitRow) -> Sized:
    return row.cpu


def _memory(row: LimitRow) -> Sized:
    return row.memory


LIMITS: Sheet[LimitRow] = Sheet((
    Column("service", "INSTANCE", "the instance, with its service", 14, _name, 0,
           lambda row: row.name, 36, "left", names=True),
    Column("memory.limit", "MEM LIM", "memory limit", 7,
           _figure(lambda row: units.size(row.memory.limit) if row.memory.limit else _NONE), 0,
           lambda row: row.memory.limit),
    Column("memory", "NOW", "working set now", 5, _figure(lambda row: units.size(_used(row))), 60, _used),
    Column("memory.peak", "PEAK", "most that was seen, at most 15 minutes back", 5,
           _figure(lambda row: units.size(_peak(row))), 0, _peak),
    Column("memory.advice", "MEMORY", "what the limit should be, by the peak and 15 %", 12,
           _advice(_memory, units.size), 0, lambda row: float(RANKS[row.memory.advice]), align="left"),
    Column("cpu.limit", "CPU LIM", "CPU quota, in cores", 7, _figure(
        lambda row: _cores(row.cpu.limit) if row.cpu.limit else _NONE), 0, lambda row: row.cpu.limit),
    Column("cpu", "NOW", "cores used now", 5, _figure(lambda row: _cores(row.instance.cpu.cores)), 92,
           lambda row: row.instance.cpu.cores),
    Column("cpu.typical", "P95", "cores that 95 % of the samples stay below", 5,
           _figure(lambda row: _cores(row.cpu.typical)), 0, lambda row: row.cpu.typical),
    Column("throttled", "THR", "share of periods in which the quota held it back", 4,
           _figure(lambda row: units.percent(row.instance.cpu.throttled_ratio)), MAIN, 
           lambda row: row.instance.cpu.throttled_ratio),
    Column("cpu.advice", "CPU", "what the quota should be, by the 95th percentile and 15 %", 11,
           _advice(_cpu, _cores), 0, lambda row: float(RANKS[row.cpu.advice]), align="left"),
    Column("oom", "OOM", "kills for lack of memory", 3, _figure(
        lambda row: units.count(row.instance.oom_kills)), 84,
           lambda row: row.instance.oom_kills),
    Column("pids", "PIDS", "processes and threads, and their limit", 9, _figure(
        lambda row: f"{units.count(row.instance.pids)}/{units.count(row.instance.pids_limit)}"
        if row.instance.pids_limit else units.count(row.instance.pids)), 110, lambda row: row.instance.pids),
    Column("fds", "FD", "open files, against the limit of the process nearest to it", 5, _figure(
        lambda row: units.percent(row.instance.fds.limit_ratio)), 116, lambda row: row.instance.fds.limit_ratio),
    Column("level", "WHY", "what the more urgent advice rests on", 20,
           lambda row, width, moment: ((runs.fit(_because(row), width), "muted"),), 140, lambda row: row.rank, 70,
           "left"),
))  # fmt: skip
