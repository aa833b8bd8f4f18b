"""Open files that nobody closes."""

from __future__ import annotations

import os
import resource
from collections.abc import AsyncIterator
from typing import IO, TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.demo.faults.tools import in_each_request
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    from mcptop.demo.services.base import Service

_SPARE_FILES = 60
"""Descriptors a leak leaves to its service, or nobody could switch it off again."""


@fault(Mechanism.FD_LEAK, "mcp-worker", "FD rises to the limit; what is open are files")
async def fd_leak(service: Service, per_request: int = 4, most: int = 0) -> AsyncIterator[None]:
    """Every request opens a file and nobody closes it."""
    kept: list[IO[bytes]] = []
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_FILES
    path = service.settings.directory / "template.txt"
    path.write_text("a template\n", encoding="utf-8")

    async def leak() -> None:
        for _ in range(per_request):
            if len(kept) < (most or limit) and len(os.listdir("/proc/self/fd")) < limit:
                kept.append(path.open("rb"))

    try:
        with in_each_request(service, leak):
            yield
    finally:
        for file in kept:
            file.close()
        path.unlink(missing_ok=True)
