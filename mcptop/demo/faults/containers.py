"""What needs a container: limits that are too low, neighbours, restarts, health. In the program, or done to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    from mcptop.demo.containers.docker_stack import DockerStack
    from mcptop.demo.services.base import Service

_PRESENT = "faults.state.json"
"""`switches.PRESENT`, which lies above the faults."""


@fault(Mechanism.UNHEALTHY, "mcp-api", "HEALTH says unhealthy after a few failed checks", needs_docker=True)
async def unhealthy(service: Service) -> AsyncIterator[None]:
    """The health check answers 503."""
    service.unhealthy = "switched off by the fault `unhealthy`"
    try:
        yield
    finally:
        service.unhealthy = None


@fault(Mechanism.CRASH_LOOP, "mcp-worker", "restarts count up; HEALTH says restarting", needs_docker=True)
async def crash_loop(service: Service, after_s: float = 1.5) -> AsyncIterator[None]:
    """The program fails shortly after every start."""

    async def crash() -> None:
        await asyncio.sleep(after_s)
        service.log.critical("the configuration of the embedding index is missing")
        # Nobody could take it back while the program is down, and the engine waits ever longer to start it.
        (service.settings.directory / _PRESENT).unlink(missing_ok=True)
        os._exit(1)

    task = asyncio.create_task(crash())
    try:
        yield
    finally:
        task.cancel()


@fault(Mechanism.CPU_THROTTLED, "model-runner", "THR rises: the quota holds the service back", on_stack=True)
async def cpu_throttled(stack: DockerStack, cpus: str = "0.1") -> AsyncIterator[None]:
    """The CPU limit of the service is far below what its load needs."""
    await stack.limit("model-runner", cpus=cpus)
    try:
        yield
    finally:
        await stack.limit("model-runner")


@fault(
    Mechanism.OOM_KILLED,
    "model-runner",
    "MEM reaches its limit; ↻ counts restarts and OOM kills",
    on_stack=True,
)
async def memory_limit_too_low(stack: DockerStack, memory: str = "64m") -> AsyncIterator[None]:
    """The memory limit of the service is below what its models need: the kernel kills it when they load."""
    await stack.limit("model-runner", memory=memory)
    try:
        yield
    finally:
        await stack.limit("model-runner")


@fault(
    Mechanism.NOISY_NEIGHBOUR,
    "neighbour",
    "a container beside them takes the CPU: pressure rises",
    on_stack=True,
)
async def noisy_neighbour_cpu(stack: DockerStack, processes: int = 4) -> AsyncIterator[None]:
    """A container beside the stack computes with every core it can get."""
    async with stack.neighbour("cpu", str(processes)):
        yield


@fault(Mechanism.NOISY_NEIGHBOUR, "neighbour", "a container beside them keeps the disk busy", on_stack=True)
async def noisy_neighbour_disk(stack: DockerStack, processes: int = 2) -> AsyncIterator[None]:
    """A container beside the stack forces small writes to disk without a pause."""
    async with stack.neighbour("disk", str(processes)):
        yield
