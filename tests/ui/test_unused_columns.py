"""Columns that have nothing to show are left out, and do not come and go."""

from __future__ import annotations

import frames
import pytest
from msgspec.structs import replace

from mcptop.model.instance import Cpu, Disk, Memory, Network
from mcptop.model.value import Kind

BARE = {"throttled", "net", "disk", "pressure", "restarts"}


def process(name: str, *pids: int):
    """A service of host processes: no quota, no limit, no traffic and no pressure of their own."""
    made = (frames.instance(f"shop.services.{name}[{pid}]", 0.05, 60, restarts=None, oom_kills=None) for pid in pids)
    bare = (
        replace(one, cpu=Cpu(0.05), memory=Memory(working_set_bytes=60 << 20), network=Network(), disk=Disk())
        for one in made
    )
    pools = tuple(frames.pool("requests", 3, 10, instance=f"shop.services.{name}[{pid}]") for pid in pids)
    return frames.service(name, *bare, kind=Kind.PROCESS, pools=pools)


STACK = (process("mcp-api", 22004, 22005), process("mcp-worker", 22010))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_stack_of_processes(size, dashboard, snapshot):
    app, monitor = dashboard(frames.frame(1000, STACK))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        monitor.tick(frames.frame(1010, STACK))
        await pilot.pause()
        await pilot.press("right")
        await pilot.pause()
        assert not BARE & set(app.screen.placed)
        snapshot(app, f"unused-{size[0]}x{size[1]}")


async def test_what_once_was_there_stays_and_the_first_seconds_hide_nothing(dashboard):
    app, monitor = dashboard(frames.frame(1000, STACK))
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.pause()
        assert set(app.screen.placed) >= BARE
        monitor.tick(frames.frame(1006, STACK))
        await pilot.pause()
        assert not BARE & set(app.screen.placed)
        monitor.tick(frames.frame(1007, (*STACK, *frames.stack())))
        await pilot.pause()
        assert set(app.screen.placed) >= BARE
        monitor.tick(frames.frame(1008, STACK))
        await pilot.pause()
        assert set(app.screen.placed) >= BARE
