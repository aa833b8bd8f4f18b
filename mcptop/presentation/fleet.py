"""The lines above the table where there are several machines: how many, and the fullest of them by name."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop import units
from mcptop.model.frame import Frame
from mcptop.model.host import Host
from mcptop.presentation import cells
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.runs import cells as length

Piece = tuple[int, Runs]
"""How early it is left out where room is short (higher goes first), and what it says."""
_BUSY, _BAR, _NAME = 0.9, 8, 14


def named(name: str, facts: Sequence[str], room: int) -> list[Run]:
    """A name, and as many facts behind it as there is room for."""
    rest = [f" · {fact}" for fact in facts]
    while rest and length(name) + sum(map(length, rest)) > room:
        rest.pop()
    return [(name, "head.strong"), ("".join(rest), "head.muted")]


def short(host: str) -> str:
    """Without its domain; an address is what it is."""
    return host if host.replace(".", "").isdigit() else host.partition(".")[0]


def hosts_of(frame: Frame) -> int:
    """How many machines its services are on."""
    return len({one.host for service in frame.services for one in service.instances if one.host} | _known(frame))


def _known(frame: Frame) -> set[str]:
    return {host.name for host in frame.hosts}


def title(frame: Frame, room: int) -> list[Run]:
    """`fleet`, where its figures come from, how many hosts and services."""
    counts = [units.many(hosts_of(frame), "host"), units.many(len(frame.services), "service")]
    return named("fleet", [*([units.plain(frame.engine, 40)] if frame.engine else []), *counts], room)


def meters(hosts: Sequence[Host]) -> tuple[list[Piece], list[Piece], list[Piece], list[Piece]]:
    """CPU and memory of all together and of the fullest; the fullest disk; network in sum, where it is known."""
    cpu, memory = _cpu(hosts), _memory(hosts)
    disks = [(disk.used_ratio, f"{short(host.name)}:{disk.mount}") for host in hosts for disk in host.disks]
    return cpu, memory, _worst("DISK", disks), []


def _cpu(hosts: Sequence[Host]) -> list[Piece]:
    known = [(host.cpu_ratio, host.cpus) for host in hosts if host.cpu_ratio is not None]
    cpus = sum(count for _, count in known)
    mean = sum(ratio * count for ratio, count in known) / cpus if cpus else None
    fullest = [(host.cpu_ratio, short(host.name)) for host in hosts if host.cpu_ratio is not None]
    return [_bar("CPU", mean, "cpu", 0), *_worst("max", fullest, 2)]


def _memory(hosts: Sequence[Host]) -> list[Piece]:
    used = [(_used(host), host.memory_total_bytes, host.name) for host in hosts]
    known = [(part, whole, name) for part, whole, name in used if part is not None and whole]
    total = sum(whole for _, whole, _ in known)
    mean = sum(part for part, _, _ in known) / total if total else None
    return [
        _bar("MEM", mean, "memory", 0),
        *_worst("max", [(part / whole, short(name)) for part, whole, name in known], 2),
    ]


def _used(host: Host) -> int | None:
    total, available = host.memory_total_bytes, host.memory_available_bytes
    return None if total is None or available is None else total - available


def _bar(word: str, ratio: float | None, tone: str, rank: int) -> Piece:
    tone = "warning" if (ratio or 0.0) >= _BUSY else tone
    return rank, (
        (f"{word} ", "head.muted"),
        *cells.bar(ratio, _BAR, tone),
        (f" {units.percent(ratio):>4}", "head.strong"),
    )


def _worst(word: str, of: Sequence[tuple[float, str]], rank: int = 1) -> list[Piece]:
    """The fullest of several, by name."""
    if not of:
        return []
    ratio, name = max(of)
    style = "head.warning" if ratio >= _BUSY else "head.strong"
    return [(rank, ((f"{word} {units.plain(name, _NAME)} ", "head.muted"), (units.percent(ratio), style)))]
