"""What following a log costs that is written as fast as its writer can: lines a second, CPU, and how long a key takes.

`python tests/bench/logs.py [SECONDS]`: a container where an engine answers, else a process that writes a file.
Removes what it started.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from mcptop.config import Settings
from mcptop.logs import source
from mcptop.logs.view import Wanted
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.ui.app import McptopApp
from mcptop.ui.logs.pane import LogPane
from mcptop.ui.logs.reading import LogReading

# A hundred thousand lines a second, held to by the clock.
FLOOD = """
import os, time
line = "2026-01-31 12:00:00,123 %s api.requests: GET /tools/search took %d ms for client 10.0.0.%d, 200 OK\\n"
many = "".join(line % (("INFO", "INFO", "DEBUG", "WARNING")[n % 4], n, n % 250) for n in range(1000)).encode()
due = time.monotonic()
while True:
    at = 0
    while at < len(many):
        at += os.write(1, many[at:])
    due += 0.01
    time.sleep(max(0.0, due - time.monotonic()))
"""
KEYS = ("k", "j", "pageup", "L", "L", "L", "L", "w", "w", "t", "t", "t", "g", "n", "F")


class _NoFrames:
    """A monitor that sees nothing."""

    def start(self, emit: Callable[[Frame], None]) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


class _Screen(Screen[None]):
    def __init__(self) -> None:
        super().__init__()
        self.pane = LogPane(source.live(Settings()))

    def compose(self) -> ComposeResult:
        """The pane alone."""
        yield self.pane


@contextmanager
def _container() -> Iterator[tuple[Service, Instance]]:
    image = os.environ.get("MCPTOP_TEST_IMAGE", "mcptop-test:1")
    words = ["docker", "run", "-d", "--label", "mcptop.bench=logs", "--log-opt", "max-size=50m", "--log-opt",
             "max-file=2", image, "python3", "-c", FLOOD]  # fmt: skip
    id = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    try:
        yield _service(Kind.CONTAINER, id, None)
    finally:
        subprocess.run(["docker", "rm", "-f", "-v", id], capture_output=True)


@contextmanager
def _process() -> Iterator[tuple[Service, Instance]]:
    with tempfile.TemporaryFile() as file, subprocess.Popen([sys.executable, "-c", FLOOD], stdout=file) as child:
        try:
            yield _service(Kind.PROCESS, str(child.pid), child.pid)
        finally:
            child.kill()


def _service(kind: Kind, id: str, pid: int | None) -> tuple[Service, Instance]:
    instance = Instance(id, "flood", pid)
    return Service(None, "flood", kind, 1, (instance,)), instance


async def _measure(service: Service, instance: Instance, seconds: float) -> None:
    app = McptopApp(_NoFrames())
    async with app.run_test(size=(200, 60)) as pilot:
        screen = _Screen()
        await app.push_screen(screen)
        await pilot.pause()
        pane = screen.pane
        _timed(pane)
        pane.open(service, [instance])
        pane.focus()
        pane.view.want(Wanted(words="search"))
        while not pane.session.book.lines:
            await pilot.pause(0.05)
        await pilot.pause(2.0)
        began, cpu, before = time.monotonic(), time.process_time(), _written(pane)
        await pilot.pause(seconds)
        took = time.monotonic() - began
        book = pane.session.book
        print(
            f"{(_written(pane) - before) / took:,.0f} lines/s seen, {(time.process_time() - cpu) / took:.0%} of a core,"
            f" {len(book.lines):,} kept, {book.skipped:,} skipped, {'more' if book.uncounted else 'none'} uncounted, "
            f"the newest is {time.time() - book.lines[-1].at:.2f} s old"
        )
        print("key presses:", _quantiles([await _press(app, pane, key) for _ in range(8) for key in KEYS]))
        pane.close()


def _written(pane: LogPane) -> int:
    lines = pane.session.book.lines
    return pane.session.book.skipped + (lines[-1].number if lines else 0)


async def _press(app: McptopApp, pane: LogPane, key: str) -> float:
    """From the key in the app's queue to the picture behind it."""
    drawn = asyncio.Event()
    pane.drawn = drawn  # type: ignore[attr-defined]
    began = time.monotonic()
    app.post_message(events.Key(key, key if len(key) == 1 else None))
    await asyncio.wait_for(drawn.wait(), 10)
    took = time.monotonic() - began
    await asyncio.sleep(0.03)
    return took


def _timed(pane: LogPane) -> None:
    """Let every action tell when what it did is drawn."""

    def wrap(action: Callable[..., object]) -> Callable[..., None]:
        def run(*given: object) -> None:
            action(*given)
            pane.call_after_refresh(pane.drawn.set)  # type: ignore[attr-defined]

        return run

    for name in dir(LogPane):
        if name.startswith("action_") and name in LogPane.__dict__ | LogReading.__dict__:
            setattr(pane, name, wrap(getattr(pane, name)))


def _quantiles(times: list[float]) -> str:
    times = sorted(times)
    return ", ".join(f"{name} {times[int(share * (len(times) - 1))] * 1000:.1f} ms"
                     for name, share in (("median", 0.5), ("95 %", 0.95), ("worst", 1.0)))  # fmt: skip


def main() -> None:
    """Both, where both can run."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    for name, start in (("container", _container), ("file", _process)):
        print(f"-- {name}")
        try:
            with start() as (service, instance):
                asyncio.run(_measure(service, instance, seconds))
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            print(f"not measured: {error}")


if __name__ == "__main__":
    main()
