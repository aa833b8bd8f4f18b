"""A dashboard that is told to end does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import frames
import pytest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_however_much_waits_in_the_loops_pipe(dashboard, number):
    before = signal.getsignal(number)
    app, _ = dashboard(frames.frame())
    async with app.run_test():
        pipe = asyncio.get_running_loop()._csock
        with contextlib.suppress(BlockingIOError):
            while True:
                pipe.send(b"\0")
        os.kill(os.getpid(), number)
        async with asyncio.timeout(20):
            while app.is_running:
                await asyncio.sleep(0.01)
    assert app.return_code == 0
    assert signal.getsignal(number) is before


async def test_who_was_started_to_outlive_its_terminal_does(dashboard):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        app, _ = dashboard(frames.frame())
        async with app.run_test():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
