"""The columns of the table of limits."""

from __future__ import annotations

from collections.abc import Callable

from mcptop import units
from mcptop.advice.sized import Advice, Sized
from mcptop.analysis.krr import LEAST_POINTS
from mcptop.presentation import runs
from mcptop.presentation.limit_rows import RANKS, LimitRow
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import MAIN, Column, Moment, Sheet

_TONES = {Advice.RAISE: "warning", Advice.SET: "text", Advice.LOWER: "accent", Advice.KEEP: "ok", Advice.UNKNOWN: "dim"}


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
        missing_s = (LEAST_POINTS - sized.samples) * interval_s
        if missing_s <= 0:
            return "no limit" if sized.current is None else units.UNKNOWN
        return f"wait {units.about(missing_s)}" if sized.samples else units.UNKNOWN
    if sized.current is None and sized.advice is Advice.KEEP:
        return "no limit"
    wanted = None if sized.advice is Advice.KEEP else sized.wanted
    return sized.advice if wanted is None else f"{sized.advice} {text(wanted)}"


def _peak(row: LimitRow) -> float | None:
    """The advice is not worked out at every tick, and what is used now was seen as well."""
    known = [value for value in (row.memory_use.peak if row.memory_use else None, _used(row)) if value is not None]
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


def _memory_limit(row: LimitRow) -> int | None:
    return row.instance.memory.limit_bytes


def _cpu_limit(row: LimitRow) -> float | None:
    return row.instance.cpu.limit_cores


def _typical(row: LimitRow) -> float | None:
    return row.cpu_use.p95 if row.cpu_use is not None else None


def _scale(row: LimitRow) -> str:
    if row.scale is None:
        return units.UNKNOWN
    change = row.scale.wanted != row.scale.replicas
    return f"{row.scale.replicas}→{row.scale.wanted}" if change else f"{row.scale.replicas}"


def _scale_tone(row: LimitRow) -> str:
    return "warning" if row.scale is not None and row.scale.wanted > row.scale.replicas else "text"


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
           _figure(lambda row: units.size(_memory_limit(row)) if _memory_limit(row) else _NONE), 0, _memory_limit),
    Column("memory", "NOW", "working set now", 5, _figure(lambda row: units.size(_used(row))), 60, _used),
    Column("memory.peak", "PEAK", "most that was seen, at most 15 minutes back", 5,
           _figure(lambda row: units.size(_peak(row))), 0, _peak),
    Column("memory.advice", "MEMORY", "what the limit should be, by the peak and 15 %", 12,
           _advice(_memory, units.size), 0, lambda row: float(RANKS[row.memory.advice]), align="left"),
    Column("cpu.limit", "CPU LIM", "CPU quota, in cores", 7, _figure(
        lambda row: _cores(_cpu_limit(row)) if _cpu_limit(row) else _NONE), 0, _cpu_limit),
    Column("cpu", "NOW", "cores used now", 5, _figure(lambda row: _cores(row.instance.cpu.cores)), 92,
           lambda row: row.instance.cpu.cores),
    Column("cpu.typical", "P95", "cores that 95 % of the samples stay below", 5,
           _figure(lambda row: _cores(_typical(row))), 0, _typical),
    Column("throttled", "THR", "share of periods in which the quota held it back", 4,
           _figure(lambda row: units.percent(row.instance.cpu.throttled_ratio)), MAIN, 
           lambda row: row.instance.cpu.throttled_ratio),
    Column("cpu.advice", "CPU", "what the quota should be, by bursts and what it held back", 11,
           _advice(_cpu, _cores), 0, lambda row: float(RANKS[row.cpu.advice]), align="left"),
    Column("replicas", "HPA", "replicas that a HorizontalPodAutoscaler would run now", 5, _figure(_scale, _scale_tone),
           MAIN, lambda row: None if row.scale is None else float(row.scale.wanted - row.scale.replicas)),
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
