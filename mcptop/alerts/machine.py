"""The machine: disks that are full or will be, waiting for memory and disks; and mcptop's own sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from mcptop import units
from mcptop.alerts import rules
from mcptop.alerts.finding import Finding, Look
from mcptop.alerts.growing import Asked, Growing
from mcptop.model.frame import SourceReport, Status
from mcptop.model.host import Filesystem, Host, host_key
from mcptop.model.playbook import Severity
from mcptop.model.rule import Rule
from mcptop.units import plain

_ELSEWHERE = {
    "prometheus": "check its address, and [prometheus] in config.toml",
    "targets": "see Status, Targets of that Prometheus, and whether `mcptop exporter` runs there",
}
"""What to do about a source that is not of this machine."""


class Disks:
    """How fast each file system fills."""

    def __init__(self) -> None:
        self._growing: dict[str, Growing] = {}

    def judge(self, host: Host, look: Look) -> Iterator[Finding]:
        """Full now, or soon."""
        for disk in host.disks:
            full = _full(disk, look)
            if full is not None:
                yield full
            filling = self._filling(disk, look)
            if filling is not None:
                yield filling
        if len(self._growing) > len(host.disks):
            keys = {disk.key for disk in host.disks}
            self._growing = {key: growing for key, growing in self._growing.items() if key in keys}

    def _filling(self, disk: Filesystem, look: Look) -> Finding | None:
        key, rule = disk.key, look.rule(rules.DISK_FILLING)
        growing = self._growing.get(key)
        if growing is None:
            growing = self._growing[key] = Growing(look.now, key)
        found = growing.update(look, Asked(key, "disk.used_ratio", disk.used_ratio, 0.0, rule.warning, 0.0))
        if found is None or found.slope_per_s <= 0:
            return None
        left_s = max(0.0, 1 - disk.used_ratio) / found.slope_per_s
        held = look.held(rule, key)
        if left_s > rule.also["full_in"] * (1.0 if held is None else 1.25):
            return None
        severity = (
            Severity.CRITICAL
            if left_s <= rule.also["full_soon"] * (1.25 if held is Severity.CRITICAL else 1.0)
            else Severity.WARNING
        )
        says = f"{plain(disk.mount, 40)} is full in {units.about(left_s)} at this rate, {_free(disk)}"
        return Finding(rule, key, severity, says, found.slope_per_s, rule.warning, left_s=left_s, cause=key)


def pressed(host: Host, look: Look, subject: str = "host") -> Iterator[Finding]:
    """Everybody waits for memory or for a disk; swap space counts where there is no memory either."""
    memory, io = host.pressure.memory, host.pressure.io
    if memory is not None and (memory.full_avg10 or 0.0) > 0.0:
        says = f"everybody waits for memory {units.percent(memory.full_avg10)} of the time{_swapped(host)}"
        yield from _found(rules.HOST_MEMORY, memory.full_avg10, says, look, subject)
    if io is not None and (io.full_avg10 or 0.0) > 0.0:
        says = f"everybody waits for a disk {units.percent(io.full_avg10)} of the time"
        yield from _found(rules.HOST_IO, io.full_avg10, says, look, subject)
    swap = _swap_ratio(host)
    if swap is not None and _is_short(host, look.rule(rules.HOST_SWAP)):
        says = f"no memory left, and swap space {units.percent(swap)} full"
        yield from _found(rules.HOST_SWAP, swap, says, look, subject)


class Machines:
    """All of several machines; each finding has the name of its own."""

    def __init__(self) -> None:
        self._disks: dict[str, Disks] = {}

    def judge(self, hosts: Iterable[Host], look: Look) -> Iterator[Finding]:
        """Disks and pressure of each."""
        present: dict[str, Disks] = {}
        for host in hosts:
            disks = present[host.name] = self._disks.get(host.name) or Disks()
            for finding in (*disks.judge(host, look), *pressed(host, look, host_key(host.name))):
                yield msgspec.structs.replace(finding, server=host.name)
        self._disks = present


def broken(sources: Iterable[SourceReport], look: Look) -> Iterator[Finding]:
    """What mcptop cannot read, with what it said."""
    rule = look.rule(rules.SOURCE_BROKEN)
    for source in sources:
        if source.status is Status.ERROR:
            name = plain(source.name, 40)
            says = f"source {name}: {plain(source.message) or 'no answer'}"
            subject = f"source:{source.name}"
            # The doctor looks at this machine, and what is wrong here is elsewhere.
            do = _ELSEWHERE.get(source.name) if rule.do == rules.SOURCE_BROKEN.do else None
            told = rule if do is None else msgspec.structs.replace(rule, do=do)
            yield Finding(told, subject, told.severity, says, cause=subject)


def _full(disk: Filesystem, look: Look) -> Finding | None:
    rule, ratio = look.rule(rules.DISK_FULL), disk.used_ratio
    severity = rule.judge(ratio, look.held(rule, disk.key))
    if severity is None:
        return None
    says = f"{plain(disk.mount, 40)} is {units.percent(ratio)} full, {_free(disk)}"
    return Finding(rule, disk.key, severity, says, ratio, rule.threshold(severity), cause=disk.key)


def _free(disk: Filesystem) -> str:
    return f"{units.long_size(disk.available_bytes)} free"


def _found(shipped: Rule, value: float | None, says: str, look: Look, subject: str) -> Iterator[Finding]:
    rule = look.rule(shipped)
    severity = rule.judge(value, look.held(rule, subject))
    if severity is not None:
        yield Finding(rule, subject, severity, says, value, rule.threshold(severity))


def _swap_ratio(host: Host) -> float | None:
    total, free = host.swap_total_bytes, host.swap_free_bytes
    return 1 - free / total if total and free is not None else None


def _swapped(host: Host) -> str:
    ratio = _swap_ratio(host)
    return f", swap space {units.percent(ratio)} full" if ratio else ""


def _is_short(host: Host, rule: Rule) -> bool:
    total, available = host.memory_total_bytes, host.memory_available_bytes
    return bool(total) and available is not None and available < rule.also["no_memory"] * (total or 0)
