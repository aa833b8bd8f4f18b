"""Counters to rates: what changed between two readings of the same thing, over the time between them.

A counter that fell was reset (a restart), and that interval has no rate; neither has the first reading.
"""

from __future__ import annotations

from mcptop.model.instance import Cpu, Device, Disk, Interface, Network
from mcptop.model.snapshot import Counters, Reading, Traffic

_INSTANT_S = 1e-3
"""Two readings closer than this have no time between them that a rate could be over."""


def per_second(old: float | None, new: float | None, seconds: float) -> float | None:
    """The rate of a counter; None without two readings, without time between them, or after a reset."""
    if old is None or new is None or seconds < _INSTANT_S or new < old:
        return None
    return (new - old) / seconds


def ratio(part: float | None, whole: float | None) -> float | None:
    """part / whole; None when either is unknown or the whole is zero."""
    return None if part is None or not whole else part / whole


def cpu(old: Reading | None, new: Reading, configured_cores: float | None) -> Cpu:
    """CPU use since the look before. The kernel's quota goes before the configured one."""
    limit = new.cpu_limit_cores if new.cpu_limit_cores is not None else configured_cores
    pressure = new.cpu_pressure.some_avg10 if new.cpu_pressure else None
    if old is None:
        return Cpu(limit_cores=limit, pressure_some_avg10=pressure)
    cores = _cores(old, new)
    throttled = _throttled(old, new) if limit else None
    return Cpu(cores, limit, ratio(cores, limit), throttled, pressure)


def _cores(old: Reading, new: Reading) -> float | None:
    if old is new:
        # Looked again, and the counter stood still.
        return None if new.cpu_usage_s is None else 0.0
    since = old.read_at if new.previous_at is None else new.previous_at
    return per_second(old.cpu_usage_s, new.cpu_usage_s, new.read_at - since)


def _throttled(old: Reading, new: Reading) -> float | None:
    if None in (old.cpu_periods, new.cpu_periods, old.cpu_throttled_periods, new.cpu_throttled_periods):
        return None
    periods = (new.cpu_periods or 0) - (old.cpu_periods or 0)
    throttled = (new.cpu_throttled_periods or 0) - (old.cpu_throttled_periods or 0)
    if periods < 0 or throttled < 0:
        return None
    # No period passed: nothing wanted to run, so nothing was held back.
    return min(1.0, throttled / periods) if periods else 0.0


def network(old: Counters | None, new: Counters, uplinks: frozenset[str] = frozenset()) -> Network:
    """Rates of all interfaces, and their sum: over `uplinks` only, where some of the interfaces are.

    A nameless part is itself a sum.
    """
    rates = tuple(Interface(*rate) for rate in _rates(old, new, first=None))
    counted = [rate for rate in rates if rate.name in uplinks] or rates
    named = tuple(rate for rate in rates if rate.name)
    return Network(_total([r.rx_bytes_per_s for r in counted]), _total([r.tx_bytes_per_s for r in counted]), named)


_NO_NETWORK = Network()


def network_now(
    shown: Network | None, old: Counters | None, new: Counters | None, uplinks: frozenset[str] = frozenset()
) -> Network:
    """What to show after `shown`: while the counters are the same ones, so is the rate."""
    if new is None:
        return _NO_NETWORK
    return shown if shown is not None and old is new else network(old, new, uplinks)


def disk(old: Counters | None, new: Counters) -> Disk:
    """Rates of all devices and their sum. The nameless one of processes is in the sum only.

    A device that appears had no traffic before: the kernel lists it from its first byte on.
    """
    if old is None:
        return Disk()
    rates = [Device(*rate) for rate in _rates(old, new, first=0)]
    read, written = [r.read_bytes_per_s for r in rates], [r.write_bytes_per_s for r in rates]
    return Disk(
        _total(read) if rates else 0.0, _total(written) if rates else 0.0, tuple(rate for rate in rates if rate.name)
    )


def _rates(old: Counters | None, new: Counters, first: int | None) -> list[tuple[str, float | None, float | None]]:
    """Name and both rates of each part; a part that was not there before counts from `first`."""
    if old is None:
        return [(part.name, None, None) for part in new.parts]
    seconds = new.read_at - old.read_at
    before = {part.name: part for part in old.parts}
    return [_part_rates(before.get(part.name), part, seconds, first) for part in new.parts]


def _part_rates(
    old: Traffic | None, new: Traffic, seconds: float, first: int | None
) -> tuple[str, float | None, float | None]:
    inward, outward = (old.inward, old.outward) if old else (first, first)
    return new.name, per_second(inward, new.inward, seconds), per_second(outward, new.outward, seconds)


def _total(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
