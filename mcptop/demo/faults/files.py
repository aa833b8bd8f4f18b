"""Open files: those that nobody closes, and those that are meant to stay open."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.demo.faults.tools import in_each_request
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    from mcptop.demo.services.base import Service

_SPARE_FILES = 60
"""Descriptors that are left to the service, or nobody could switch the fault off again."""


def _most() -> int:
    """How many descriptors may be open, ours and the service's."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_FILES


def _open() -> int:
    return len(os.listdir("/proc/self/fd"))


@fault(Mechanism.FD_LEAK, "mcp-worker", "FD rises to the limit; what is open are files")
async def fd_leak(service: Service, per_request: int = 4, most: int = 0) -> AsyncIterator[None]:
    """Every request opens a file and nobody closes it."""
    kept: list[IO[bytes]] = []
    limit = _most()
    path = service.settings.directory / "template.txt"
    path.write_text("a template\n", encoding="utf-8")

    async def leak() -> None:
        for _ in range(per_request):
            if len(kept) < (most or limit) and _open() < limit:
                kept.append(path.open("rb"))

    try:
        with in_each_request(service, leak):
            yield
    finally:
        for file in kept:
            file.close()
        path.unlink(missing_ok=True)


@fault(Mechanism.OPEN_FILES, "mcp-worker", "FD is high and flat: a set number of files, each of them another")
async def many_files(service: Service, count: int = 300) -> AsyncIterator[None]:
    """Control: an index keeps all its segments open, as databases and search engines do."""
    folder = service.settings.directory / "segments"
    folder.mkdir(exist_ok=True)
    try:
        with ExitStack() as held:
            for number in range(min(count, _most() - _open())):
                held.enter_context((folder / f"{number:05}.segment").open("w+b"))
            yield
    finally:
        shutil.rmtree(folder)
