"""The tabs of one service as the dashboard shows them: processes, sockets, files, its log, what it was started with."""

from __future__ import annotations

import frames
import pytest
from close_world import ScriptedLooks
from conftest import lines_of
from log_world import EPOCH, Logs, stamp, until
from rich.cells import cell_len

from mcptop.sources.log_box import Mark
from mcptop.ui.reach import Reach

SIZES = [(80, 24), (120, 36), (200, 60)]
ONE, TWO = (each.name for each in frames.stack()[0].instances)
sizes = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def assert_exact(app, size) -> None:
    assert [cell_len(line) for line in lines_of(app)] == [size[0]] * size[1]


@sizes
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("processes", ["4", "down"]),
        ("sockets", ["5"]),
        ("files", ["6"]),
        ("inspect", ["0", "down", "down"]),
        ("inspect-revealed", ["0", "U", "U", "end"]),
    ],
)
async def test_looks(size, name, keys, dashboard, snapshot, screen):
    app, _ = dashboard(frames.frame(), reach=Reach(looks=ScriptedLooks()))
    async with app.run_test(size=size) as pilot:
        await pilot.press(keys[0])
        await until(pilot, lambda: "looked" in screen(app))
        await pilot.press(*keys[1:])
        await pilot.pause()
        snapshot(app, f"{name}-{size[0]}x{size[1]}")
        assert_exact(app, size)
        assert ("hunter2" in screen(app)) is (name == "inspect-revealed")


@sizes
async def test_log(size, dashboard, snapshot):
    logs = Logs()
    app, _ = dashboard(frames.frame(), reach=Reach(logs=logs))
    async with app.run_test(size=size) as pilot:
        await pilot.press("7")
        await until(pilot, lambda: {ONE, TWO} <= set(logs.made))
        tell(logs)
        await until(pilot, lambda: len(app.screen.logs.session.book.lines) == 32)
        snapshot(app, f"logs-tab-{size[0]}x{size[1]}")
        assert_exact(app, size)


def tell(logs: Logs) -> None:
    """A worker that takes too long, and one that was killed and came back."""
    logs.made[ONE].say(*(f"INFO:worker:job {n} done in {n * 37 % 11 / 10} s" for n in range(20)), step=2.0)
    logs.made[ONE].say(
        "ERROR:worker:job 20 failed", "Traceback (most recent call last):",
        '  File "/srv/worker.py", line 31, in run', "TimeoutError: no connection from the pool after 30 s",
        at=41.0, step=0.001,
    )  # fmt: skip
    refused = '{"level":"warn","ts":1,"msg":"pool is exhausted","pool":"db","in_use":10,"waiting":3}'
    logs.made[TWO].say(*[refused] * 3, at=5.3, step=9.0)
    logs.made[TWO].put(Mark(EPOCH + 43, "restarted: last exit code 137, OOM killed", True))
    logs.made[TWO].say("INFO:worker:started", "INFO:worker:connected to postgres", at=44.0)
    logs.made[TWO].put((2, None, stamp(47) + b" WARNING: queue is long depth=412\n"))
    logs.made[ONE].put((2, None, stamp(48) + b" WARNING: queue is long depth=415\n"))
