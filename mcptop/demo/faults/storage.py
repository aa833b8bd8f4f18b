"""Disk: many small syncs, floods of log lines, a file that is gone and still grows, and a log kept as it should be."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import AsyncIterator
from logging.handlers import TimedRotatingFileHandler
from typing import TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.demo.faults.tools import every, threads
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    import threading

    from mcptop.demo.services.base import Service

_MIB = 1024 * 1024
_STEPS = 10
"""How often in a second a log is written to."""


@fault(Mechanism.FSYNC_HEAVY, "mcp-worker", "DISK writes of mcp-worker; a thread waits for the disk; I/O pressure")
async def fsync_writer(service: Service, record_bytes: int = 512) -> AsyncIterator[None]:
    """A journal is forced to disk after every small record."""
    path = service.settings.directory / "journal"

    def journal(off: threading.Event) -> None:
        handle = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            written = 0
            while not off.is_set():
                written += os.pwrite(handle, b"\x2a" * record_bytes, written % _MIB)
                os.fsync(handle)
        finally:
            os.close(handle)

    try:
        async with threads(1, journal, "journal"):
            yield
    finally:
        path.unlink(missing_ok=True)


@fault(Mechanism.LOG_FLOOD, "mcp-api", "DISK writes of mcp-api; its log grows by thousands of lines a second")
async def log_flood(service: Service, lines_per_s: int = 20000) -> AsyncIterator[None]:
    """Debug lines for everything, all the time."""
    line = f"DEBUG {service.name} state of the pool: {'idle ' * 12}\n"

    def flood(off: threading.Event) -> None:
        block = (line * max(1, lines_per_s // 20)).encode()
        while not off.wait(0.05):
            os.write(2, block)

    async with threads(1, flood, "flood"):
        yield


@fault(Mechanism.DELETED_OPEN_FILE, "mcp-worker", "DISK writes; the disk fills, yet no folder holds the file")
async def deleted_open_file(service: Service, mib_per_s: int = 8, most_mib: int = 256) -> AsyncIterator[None]:
    """A log was deleted while the program still writes to it: its space comes back when the program closes it."""
    path = service.settings.directory / "access.log"
    with path.open("wb", buffering=0) as file:
        path.unlink()
        written = 0

        async def write() -> None:
            nonlocal written
            if written < most_mib:
                file.write(b"\x4c" * (mib_per_s * _MIB))
                written += mib_per_s

        async with every(1.0, write):
            yield


@fault(Mechanism.LOG_ROTATION, "mcp-api", "DISK writes a little; the log is often a new file, no deleted one is open")
async def log_rotation(service: Service, lines_per_s: int = 400, rotate_s: int = 3) -> AsyncIterator[None]:
    """Control: a log is renamed and begun anew at intervals, and the oldest one deleted after it was closed."""
    path = service.settings.directory / "requests.log"
    handler = TimedRotatingFileHandler(path, when="S", interval=max(1, rotate_s), backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.Logger("requests")
    log.addHandler(handler)
    numbers = itertools.count()

    async def write() -> None:
        for _ in range(max(1, lines_per_s // _STEPS)):
            log.info("request %d answered with 200", next(numbers))

    try:
        async with every(1 / _STEPS, write):
            yield
    finally:
        handler.close()
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
