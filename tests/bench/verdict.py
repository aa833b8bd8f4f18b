"""From measured windows to ratios beside `docker stats`, and to which commitments were kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from statistics import median

BASELINE = "docker stats"
DASHBOARD = "mcptop"
WATCH = "mcptop watch"
TOOL = "tool"
"""The part of the CPU time that is the program's own; the others are the engine's."""


@dataclass
class Window:
    """One program in one window."""

    tool: str
    containers: int
    round: int
    seconds: float
    cpu: dict[str, float]
    """CPU seconds by part (tool, dockerd, containerd, shims), the idle machine's subtracted."""
    samples: int | None
    rss_bytes: int
    first_rows_s: float | None
    first_cpu_s: float | None

    @property
    def share(self) -> float:
        """Of one core. Noise may make the engine look cheaper than idle; that is never counted as a gain."""
        engine = sum(seconds for part, seconds in self.cpu.items() if part != TOOL)
        return (self.cpu[TOOL] + max(0.0, engine)) / self.seconds

    @property
    def samples_per_s(self) -> float | None:
        """Per container."""
        return None if self.samples is None else self.samples / self.seconds / self.containers


@dataclass
class Result:
    """Medians over the rounds of one program with one number of containers."""

    tool: str
    containers: int
    percent: float
    parts: dict[str, float]
    samples_per_s: float | None
    rss_mib: float
    first_rows_s: float | None
    first_cpu_s: float | None
    times_cheaper: float | None = None
    """Than `docker stats` in the same round, per second."""
    times_cheaper_per_sample: float | None = None
    windows: list[dict[str, object]] = field(default_factory=list)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _ratios(windows: list[Window], baseline: dict[int, Window]) -> list[float]:
    return [baseline[w.round].share / max(w.share, 1e-6) for w in windows if w.round in baseline]


def results(windows: list[Window]) -> list[Result]:
    """One result a program and number of containers."""
    found = []
    for containers in sorted({w.containers for w in windows}):
        here = [w for w in windows if w.containers == containers]
        baseline = {w.round: w for w in here if w.tool == BASELINE}
        for tool in dict.fromkeys(w.tool for w in here):
            found.append(_result([w for w in here if w.tool == tool], baseline))
    for result in found:
        _per_sample(result, found)
    return found


def _result(mine: list[Window], baseline: dict[int, Window]) -> Result:
    first = mine[0]
    return Result(
        first.tool,
        first.containers,
        100 * median(w.share for w in mine),
        {part: 100 * median(w.cpu[part] / w.seconds for w in mine) for part in first.cpu},
        _median(w.samples_per_s for w in mine),
        median(w.rss_bytes for w in mine) / (1 << 20),
        _median(w.first_rows_s for w in mine),
        _median(w.first_cpu_s for w in mine),
        None if first.tool == BASELINE else _median(_ratios(mine, baseline)),
        windows=[asdict(w) for w in mine],
    )


def _per_sample(result: Result, everything: list[Result]) -> None:
    """The dashboard's rows cannot all be seen; its sampler is the one of `--watch`, whose samples can."""
    by_tool = {r.tool: r for r in everything if r.containers == result.containers}
    baseline = by_tool.get(BASELINE)
    source = by_tool.get(WATCH) if result.tool == DASHBOARD else result
    if baseline and source and result.times_cheaper and source.samples_per_s and baseline.samples_per_s:
        result.times_cheaper_per_sample = result.times_cheaper * source.samples_per_s / baseline.samples_per_s


def commitments(found: list[Result]) -> list[tuple[str, str, bool | None]]:
    """What the design promises for the largest number of containers: promise, measured, kept (None: not measured)."""
    most = max(r.containers for r in found)
    tools = {r.tool: r for r in found if r.containers == most}
    dashboard, watch = tools.get(DASHBOARD), tools.get(WATCH)
    return [
        _at_least("dashboard at most 1/10 of docker stats", dashboard and dashboard.times_cheaper, 10, "1/{:.1f}"),
        _at_least("watch at most 1/30 of docker stats", watch and watch.times_cheaper, 30, "1/{:.1f}"),
        _at_most("first rows within 0.4 s", dashboard and dashboard.first_rows_s, 0.4, "{:.2f} s"),
        _at_most("CPU values within 0.7 s", dashboard and dashboard.first_cpu_s, 0.7, "{:.2f} s"),
        _at_most("dashboard in at most 80 MiB", dashboard and dashboard.rss_mib, 80, "{:.1f} MiB"),
        _at_least("one sample a second and container", watch and watch.samples_per_s, 0.95, "{:.2f} /s"),
    ]


def _at_least(promise: str, value: float | None, bound: float, form: str) -> tuple[str, str, bool | None]:
    return (promise, "-", None) if value is None else (promise, form.format(value), value >= bound)


def _at_most(promise: str, value: float | None, bound: float, form: str) -> tuple[str, str, bool | None]:
    return (promise, "-", None) if value is None else (promise, form.format(value), value <= bound)


_HEAD = ("containers", "tool", "CPU %", "tool", "dockerd", "containerd", "shims", "samples/s", "RSS MiB")
_TAIL = ("rows s", "CPU s", "cheaper", "per sample")


def table(found: list[Result]) -> str:
    """The results as text. CPU is in percent of one core; `cheaper` is how many times than docker stats."""
    lines = [[*_HEAD, *_TAIL]]
    for r in found:
        numbers = [r.percent, *r.parts.values(), r.samples_per_s, r.rss_mib, r.first_rows_s, r.first_cpu_s]
        cheaper = ["-" if each is None else f"{each:.1f}x" for each in (r.times_cheaper, r.times_cheaper_per_sample)]
        cells = ["-" if each is None else f"{each:.2f}" for each in numbers]
        lines.append([str(r.containers), r.tool, *cells, *cheaper])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
