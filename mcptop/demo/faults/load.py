"""Healthy controls of the load itself."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.demo.faults.tools import every
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    from mcptop.demo.services.load import Load


@fault(Mechanism.LOAD_CHANGE, "load", "CPU of all services rises and falls with the load")
async def load_ramp(service: Load, most: float = 3.0, period_s: float = 40.0) -> AsyncIterator[None]:
    """Control: the load goes up to a multiple and down again, over and over."""
    before, began = service.per_minute, time.monotonic()

    async def set_rate() -> None:
        phase = ((time.monotonic() - began) % period_s) / period_s
        service.per_minute = before * (1 + (most - 1) * (1 - abs(2 * phase - 1)))

    try:
        async with every(0.5, set_rate):
            yield
    finally:
        service.per_minute = before


@fault(Mechanism.STEADY_LOAD, "load", "CPU of all services is higher and flat; nothing waits")
async def steady_high_load(service: Load, times: float = 2.5) -> AsyncIterator[None]:
    """Control: a multiple of the usual load that the stack can carry."""
    before = service.per_minute
    service.per_minute = before * times
    try:
        yield
    finally:
        service.per_minute = before


@fault(Mechanism.IDLE, "load", "CPU of all services falls to next to nothing and stays; nothing waits, for nobody asks")
async def quiet(service: Load) -> AsyncIterator[None]:
    """Control: nobody comes any more, and the stack has nothing to do."""
    before, service.per_minute = service.per_minute, 0.0
    try:
        yield
    finally:
        service.per_minute = before
