"""Switches in a service: a file says which faults shall be on, a task makes it so, another file says what is.

The files are the whole protocol: they work for a process and for a container (bind mount), without a listener, and a
service that was restarted takes up where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcptop.demo.faults import catalogue

if TYPE_CHECKING:
    from mcptop.demo.services.base import Service

Params = dict[str, Any]

WANTED = "faults.json"
"""Fault -> parameters; written by whoever switches."""
PRESENT = "faults.state.json"
"""Fault -> `on`, or why it is not; written by the service."""

_EVERY_S = 0.25


def read(path: Path) -> Any:
    """A small JSON file; an empty object where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Replace it at once, so that a reader never sees half of it."""
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps(content), encoding="utf-8")
    os.replace(partial, path)


class Switches:
    """Keeps a service's faults as its file wants them."""

    def __init__(self, service: Service, directory: Path) -> None:
        self._service = service
        self._wanted_path, self._present_path = directory / WANTED, directory / PRESENT
        self._running: dict[str, tuple[Params, asyncio.Task[None], asyncio.Event]] = {}
        self._present: dict[str, str] = {}
        self._seen: tuple[int, int] | None = None

    async def run(self) -> None:
        """Until cancelled; then every fault is put back."""
        try:
            while True:
                if self._changed():
                    await self._reconcile(read(self._wanted_path))
                await asyncio.sleep(_EVERY_S)
        finally:
            await self._reconcile({})

    def _changed(self) -> bool:
        try:
            found = self._wanted_path.stat()
        except FileNotFoundError:
            return False
        stamp = (found.st_ino, found.st_mtime_ns)
        changed, self._seen = stamp != self._seen, stamp
        return changed

    async def _reconcile(self, wanted: Mapping[str, Params]) -> None:
        ending = [name for name, (params, _, _) in self._running.items() if wanted.get(name) != params]
        for name in ending:
            self._running[name][2].set()
        for name in ending:
            _, task, _ = self._running.pop(name)
            with contextlib.suppress(Exception):
                await task
            self._present.pop(name, None)
        for name, params in wanted.items():
            if name not in self._running:
                off = asyncio.Event()
                self._running[name] = (params, asyncio.create_task(self._hold(name, params, off)), off)
        if wanted:
            # Let those that were just started come up, so that what is written is true.
            await asyncio.sleep(0.05)
        # Also when there is nothing: what stands there may be of the process before this one.
        self._tell()

    async def _hold(self, name: str, params: Params, off: asyncio.Event) -> None:
        log = self._service.log
        try:
            async with catalogue.BY_NAME[name].inject(self._service, **params):
                self._present[name] = "on"
                self._tell()
                log.warning("fault %s is on: %s", name, params)
                await off.wait()
            log.warning("fault %s is off", name)
        except Exception as problem:
            self._present[name] = f"failed: {type(problem).__name__}: {problem}"
            self._tell()
            log.exception("fault %s failed", name)

    def _tell(self) -> None:
        with contextlib.suppress(OSError):
            write(self._present_path, self._present)
