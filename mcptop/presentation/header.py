"""The lines above and below the table: the machine, its sources, and what mcptop itself costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mcptop import units
from mcptop.model.frame import Frame, SourceReport, Status
from mcptop.model.host import Filesystem, Host, Pressure
from mcptop.presentation import cells, fleet, runs
from mcptop.presentation.fleet import Piece, named
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.when import When, badge

_PRESSURE_WARNING = 0.1
_BUSY = 0.9
_SPARK, _BAR = 10, 10
_HOST_NAME = 32
_RARE = frozenset({"swarm"})
"""Most machines have none of these, and nobody misses it."""
_GAP = 2
"""Cells between two sources."""
_APART = "   "
"""Between two pieces on the right of the title."""


def title_line(frame: Frame, width: int, problems: int, when: When, actions_on: bool = False) -> Runs:
    """Brand and machine on the left; problems, liveness and own cost on the right."""
    brand: list[Run] = [(" mcptop ", "brand"), (" ", "head")]
    if frame.number == 0 or (frame.host is None and frame.engine is None):
        return _padded((*brand, ("waiting for the first sample…", "head.muted")), (), width)
    right: list[Piece] = []
    if problems:
        right.append((1, ((f"{problems} {'problem' if problems == 1 else 'problems'}", "head.critical"),)))
    # What keys can do now is never left out for want of room.
    allowed: Runs = ((" actions on ", "badge.warning"), ("  ", "head")) if actions_on else ()
    right.append((0, (*allowed, badge(when, frame, broken(frame.sources)))))
    urgent = sum(runs.width(line) + len(_APART) for _, line in right)
    own = frame.own
    if own.cpu_ratio is not None:
        cost = f"self {own.cpu_ratio * 100:.1f}% {units.long_size(own.rss_bytes)}"
        right.append((2, ((cost, "head.dim"),)))
    # Our own cost goes first, then what kind of machine it is, its problems after that, and "PAUSED" never.
    space = width - runs.width(brand) - urgent
    left = (*brand, *(_machine(frame, frame.host, space) if frame.host is not None else fleet.title(frame, space)))
    room = max(width - runs.width(left) - 3, runs.width(right[1 if problems else 0][1]))
    return _padded(left, _fitted(right, room, _APART, "head"), width)


def meters(frame: Frame, width: int) -> list[Runs]:
    """The machine's CPU, memory, fullest disk and network, on one line or on two."""
    host = frame.host
    if host is None and not frame.hosts:
        return [((" " * width, "head"),)]
    if host is None:
        cpu, memory, disk, network = fleet.meters(frame.hosts)
    else:
        cpu, memory, disk, network = _cpu(frame, host), _memory(host), _disk(host), _network(host)
    if width >= 100:
        return [
            _padded(((" ", "head"), *_fitted([*cpu, *memory, *disk, *network], width - 2, "  ", "head")), (), width)
        ]
    return [
        _padded(((" ", "head"), *_fitted(part, width - 2, "  ", "head")), (), width)
        for part in ([*cpu, *memory], [*disk, *network])
    ]


def status_line(frame: Frame, width: int) -> Runs:
    """Each source in a word, the broken one with what it said; on the right what a tick costs."""
    right = _own_cost(frame, width)
    room = width - runs.width(right) - 3
    return _padded(((" ", "head"), *_sources(frame.sources, room)), right, width)


def _own_cost(frame: Frame, width: int) -> Runs:
    own = frame.own
    facts = []
    if own.tick_s is not None:
        facts.append(f"tick {own.tick_s * 1000:.1f} ms")
    if own.cpu_ratio is not None and width >= NARROW_COST:
        facts.append(f"cpu {own.cpu_ratio * 100:.1f}%")
    if own.rss_bytes is not None and width >= NARROW_COST:
        facts.append(f"rss {units.long_size(own.rss_bytes)}")
    return ((" · ".join(facts) + " ", "head.dim"),) if facts else ()


def _sources(sources: Sequence[SourceReport], room: int) -> Runs:
    """The broken ones first. Where the rest has no room for names, those that are well become a number."""
    sources = [source for source in sources if source.status is not Status.NO_DATA or source.name not in _RARE]
    well = [source for source in sources if source.status is Status.OK]
    others = sorted((s for s in sources if s.status is not Status.OK), key=lambda s: s.status is not Status.ERROR)
    not_well = [run for source in others for run in _source(source)]
    line = (*not_well, *(run for source in well for run in _source(source)))
    if not well or runs.width(line) - _GAP <= room:
        return line
    count = f"{len(well)} sources" if not others else f"{len(well)} of {len(sources)} sources"
    return (*not_well, ("● ", "head.ok"), (count, "head.muted"))


NARROW_COST = 100
"""Below this width the status line has room for the sources and the time of a tick only."""


def broken(sources: Iterable[SourceReport]) -> bool:
    """Whether a source failed in this tick."""
    return any(source.status is Status.ERROR for source in sources)


def banner_line(frame: Frame, width: int) -> Runs:
    """What this machine does not let mcptop see."""
    text = f" ▲ {units.plain(frame.banner or '', 400)}"
    return ((runs.fit(text, width), "notice"),)


def fullest(disks: Sequence[Filesystem]) -> Filesystem | None:
    """The file system that will be a problem first."""
    return max(disks, key=lambda disk: disk.used_ratio, default=None)


def _machine(frame: Frame, host: Host, room: int) -> list[Run]:
    """The name, and as many facts as there is room for."""
    facts = [frame.engine and units.plain(frame.engine, 32), f"{host.cpus} cores" if host.cpus != 1 else "1 core"]
    if host.memory_total_bytes is not None:
        facts.append(units.long_size(host.memory_total_bytes))
    return named(units.plain(host.name, _HOST_NAME), [fact for fact in facts if fact], room)


def _cpu(frame: Frame, host: Host) -> list[Piece]:
    values = frame.series.tail("host", "cpu.ratio", _SPARK)
    tone = "warning" if (host.cpu_ratio or 0.0) >= _BUSY else "cpu"
    spark = units.sparkline(values[-_SPARK:], 1.0).rjust(_SPARK)
    line = (("CPU ", "head.muted"), (spark, f"head.{tone}"), (f" {units.percent(host.cpu_ratio):>4}", "head.strong"))
    return [(0, line), *_pressure(host.pressure.cpu)]


def _memory(host: Host) -> list[Piece]:
    total, free = host.memory_total_bytes, host.memory_available_bytes
    used = None if total is None or free is None else total - free
    ratio = used / total if used is not None and total else None
    tone = "warning" if (ratio or 0.0) >= _BUSY else "memory"
    line = (("MEM ", "head.muted"), *cells.bar(ratio, _BAR, tone), (f" {units.percent(ratio):>4}", "head.strong"))
    pieces: list[Piece] = [(0, line)]
    if used is not None:
        pieces.append((2, ((f"{units.size(used)}/{units.size(total)}", "head.muted"),)))
    return [*pieces, *_pressure(host.pressure.memory)]


def _disk(host: Host) -> list[Piece]:
    disk = fullest(host.disks)
    if disk is None:
        return []
    tone = "warning" if disk.used_ratio >= _BUSY else "disk"
    line = ((f"DISK {units.plain(disk.mount, 16)} ", "head.muted"), *cells.bar(disk.used_ratio, _BAR - 2, tone),
            (f" {units.percent(disk.used_ratio):>4}", "head.strong"))  # fmt: skip
    return [(1, line), *_pressure(host.pressure.io)]


def _network(host: Host) -> list[Piece]:
    net = host.network
    received, sent = units.size(net.rx_bytes_per_s), units.size(net.tx_bytes_per_s)
    return [(1, (("NET ", "head.muted"), (f"↓{received:>4} ↑{sent:>4}/s", "head.strong")))]


def _pressure(pressure: Pressure | None) -> list[Piece]:
    if pressure is None:
        return []
    share = pressure.some_avg10
    style = "head.warning" if share >= _PRESSURE_WARNING else "head.dim"
    return [(3, ((f"pressure {units.percent(share):>3}", style),))]


def _source(source: SourceReport) -> list[Run]:
    name = units.plain(source.name, 20)
    if source.status is Status.ERROR:
        message = units.plain(source.message, 120)
        return [(f"✖ {name}", "head.critical"), (f" {message}  " if message else "  ", "head.text")]
    if source.status is Status.NO_DATA:
        return [(f"○ {name} no data  ", "head.dim")]
    return [("● ", "head.ok"), (f"{name}  ", "head.muted")]


def _fitted(pieces: Sequence[Piece], room: int, gap: str, gap_style: str) -> Runs:
    """The pieces that fit, least important left out first, the last of equals before the others."""
    kept = list(pieces)
    while kept and sum(runs.width(line) for _, line in kept) + len(gap) * (len(kept) - 1) > room:
        worst = max(rank for rank, _ in kept)
        last = max(index for index, (rank, _) in enumerate(kept) if rank == worst)
        kept.pop(last)
    line: list[Run] = []
    for index, (_, part) in enumerate(kept):
        line += [*([(gap, gap_style)] if index else []), *part]
    return tuple(line)


def _padded(left: Runs, right: Runs, width: int) -> Runs:
    """A whole line in the colour of the bars, one cell free at its right end."""
    tail = runs.width(right)
    head = runs.clip(left, max(0, width - tail - (1 if tail else 0)))
    room = width - runs.width(head) - tail - (1 if tail else 0)
    if room < 0:
        return runs.clip(head, width)
    return (*head, (" " * room, "head"), *right, (" ", "head")) if tail else (*head, (" " * room, "head"))
