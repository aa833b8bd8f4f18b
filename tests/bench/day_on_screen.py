"""A day before the reader's eyes: 86,400 recorded samples played as fast as they go through the monitor and the screen.

    python tests/bench/day_on_screen.py [--services 20] [--ticks 86400]

Every container changes with every sample, the screen draws every frame, and now and then a key is pressed. Prints what
stays in memory after each eighth; exit code 1 when the last quarter needs more than the second one and a tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from mcptop.model.frame import Frame
from mcptop.playback import Playback
from mcptop.recording.reader import Reader
from mcptop.recording.writer import Writer
from mcptop.ui.app import McptopApp
from tests.bench.replay_day import day, resident

KEYS = ("2", "3", "8", "9", "1", "M", "down", "down", "enter", "escape", "t", "t", "P", "plus", "minus", "Z", "Z", "f2")
_KEY_EVERY = 97
ALLOWED = 1.1


class Fed:
    """Hands over the frames it is given."""

    def start(self, emit: Callable[[Frame], None]) -> None:
        """Remember to whom."""
        self.emit = emit

    def stop(self) -> None:
        """Nothing runs."""


async def watch(playback: Playback, count: int) -> list[float]:
    """Show every frame; MiB after each eighth."""
    source, keys, seen = Fed(), cycle(KEYS), []
    app = McptopApp(source)
    async with app.run_test(size=(200, 60)) as pilot:
        for index in range(count):
            frame = playback.frame(index)
            assert frame is not None
            source.emit(frame)
            while app.frame is not frame and not app.picture.when.stands_still:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            if index % _KEY_EVERY == 0:
                await pilot.press(next(keys))
            if index % (count // 8) == count // 8 - 1:
                seen.append(resident())
                print(f"{index + 1:6} frames: {seen[-1]:.0f} MiB", flush=True)
    return seen


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--services", type=int, default=20)
    parser.add_argument("--ticks", type=int, default=86_400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.rec"
        writer = Writer(path, 1.0, max_bytes=4 << 30, max_age_s=3 * 86400)
        for snapshot in day(options.services, options.ticks):
            writer.add(snapshot)
        writer.close()
        reader, began = Reader(path), time.process_time()
        seen = asyncio.run(watch(Playback(reader), options.ticks))
        reader.close()
    took, middle, end = time.process_time() - began, max(seen[2:4]), max(seen[6:8])
    print(f"{took / options.ticks * 1e3:.2f} ms a frame; second quarter {middle:.0f} MiB, last quarter {end:.0f} MiB")
    return 0 if end <= middle * ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
