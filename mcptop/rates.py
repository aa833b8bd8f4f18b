"""Counters to rates: what changed between two readings of the same thing, over the time between them.

A counter that fell was reset (a restart), and that interval has no rate; neither has the first reading.
"""

from __future__ import annotations

from mcptop.model.frame import Cpu, Device, Disk, Interface, Network
from mcptop.model.snapshot import DiskCounters, HostReading, Reading, Traffic


def per_second(old: float | None, new: float | None, seconds: float) -> float | None:
    """The rate of a counter; None without two readings, without time between them, or after a reset."""
    if old is None or new is None or seconds <= 0 or new < old:
        return None
    return (new - old) / seconds


def ratio(part: float | None, whole: float | None) -> float | None:
    """part / whole; None when either is unknown or the whole is zero."""
    return None if part is None or not whole else part / whole


def cpu(old: Reading | None, new: Reading, configured_cores: float | None) -> Cpu:
    """CPU use between two readings. The kernel's quota goes before the configured one."""
    limit = new.cpu_limit_cores if new.cpu_limit_cores is not None else configured_cores
    pressure = new.cpu_pressure.some_avg10 if new.cpu_pressure else None
    if old is None:
        return Cpu(limit_cores=limit, pressure_some_avg10=pressure)
    cores = per_second(old.cpu_usage_s, new.cpu_usage_s, new.read_at - old.read_at)
    return Cpu(
        cores=cores,
        limit_cores=limit,
        limit_ratio=ratio(cores, limit),
        throttled_ratio=_throttled(old, new) if limit else None,
        pressure_some_avg10=pressure,
    )


def _throttled(old: Reading, new: Reading) -> float | None:
    if None in (old.cpu_periods, new.cpu_periods, old.cpu_throttled_periods, new.cpu_throttled_periods):
        return None
    periods = (new.cpu_periods or 0) - (old.cpu_periods or 0)
    throttled = (new.cpu_throttled_periods or 0) - (old.cpu_throttled_periods or 0)
    if periods < 0 or throttled < 0:
        return None
    # No period passed: nothing wanted to run, so nothing was held back.
    return min(1.0, throttled / periods) if periods else 0.0


def network(old: Reading | HostReading | None, new: Reading | HostReading) -> Network | None:
    """Rates of all interfaces and their sum; None where there are no counters."""
    if new.interfaces is None:
        return None
    before = {t.name: t for t in old.interfaces or ()} if old else {}
    seconds = new.read_at - old.read_at if old else 0.0
    rates = tuple(_interface(before.get(traffic.name), traffic, seconds) for traffic in new.interfaces)
    counted = [rate for rate in rates if rate.name in new.uplinks] if isinstance(new, HostReading) else rates
    counted = counted or rates
    return Network(_total([r.rx_bytes_per_s for r in counted]), _total([r.tx_bytes_per_s for r in counted]), rates)


def _interface(old: Traffic | None, new: Traffic, seconds: float) -> Interface:
    if old is None:
        return Interface(new.name)
    return Interface(
        new.name, per_second(old.inward, new.inward, seconds), per_second(old.outward, new.outward, seconds)
    )


def disk(old: DiskCounters | None, new: DiskCounters | None) -> Disk:
    """Rates of all devices and their sum.

    A device that appears had no traffic before: the kernel lists it from its first byte on.
    """
    if new is None or old is None:
        return Disk()
    before = {t.name: t for t in old.devices}
    seconds = new.read_at - old.read_at
    devices = []
    for traffic in new.devices:
        known = before.get(traffic.name)
        read = per_second(known.inward if known else 0, traffic.inward, seconds)
        written = per_second(known.outward if known else 0, traffic.outward, seconds)
        devices.append(Device(traffic.name, read, written))
    return Disk(
        _total([d.read_bytes_per_s for d in devices]) if devices else 0.0,
        _total([d.write_bytes_per_s for d in devices]) if devices else 0.0,
        tuple(device for device in devices if device.name),
    )


def _total(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
