"""Random keys, mouse, sizes and frames for minutes, through Pilot; with --terminal the real program in a terminal.

PYTHONPATH=. python tests/bench/fuzz.py --minutes 10 --seed 7
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT), str(ROOT / "tests" / "ui")]
STEPS = 400
"""Of one app; then the next seed begins."""


async def through_pilot(seed: int, until: float) -> int:
    """One app; how many steps it took. Raises what the app raised, with the steps before it."""
    from fuzzing import SIZE, Fuzz
    from hand import Hand

    fuzz = Fuzz(seed)
    try:
        async with fuzz.app.run_test(size=SIZE, notifications=True) as pilot:
            hand = Hand(pilot)
            await fuzz.run(hand, STEPS, lambda: time.monotonic() < until)
            await fuzz.come_back(hand)
    except BaseException as problem:
        problem.add_note(f"seed {seed}, step {len(fuzz.done)}; the last ones: {fuzz.done[-15:]}")
        raise
    return len(fuzz.done)


def in_terminal(seed: int, folder: Path) -> int:
    """One program; how many steps it took. Raises `AssertionError` where it does not leave the terminal whole."""
    from terminal import Terminal, storm
    from test_terminal_fuzz import environment, leave

    terminal = Terminal([sys.executable, "-m", "mcptop"], environment(folder), folder)
    try:
        assert terminal.wait_for(b"\x1b[?1049h"), "it never began to draw"
        terminal.read(1.0)
        storm(terminal, random.Random(seed), STEPS)
        code = leave(terminal, "q")
        (folder / "output").write_bytes(terminal.output)
        assert (code, terminal.faults()) == (0, []), f"seed {seed}: exit code {code}, {terminal.faults()}"
    finally:
        terminal.close()
    return STEPS


def main() -> None:
    """Until the time is over or something fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--terminal", action="store_true")
    asked = parser.parse_args()
    until, seed, steps = time.monotonic() + asked.minutes * 60, asked.seed, 0
    while time.monotonic() < until:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {"HOME": folder, "XDG_CONFIG_HOME": f"{folder}/config", "TEXTUAL_ANIMATIONS": "none"}
            os.chdir(folder)
            one = Path(folder)
            steps += in_terminal(seed, one) if asked.terminal else asyncio.run(through_pilot(seed, until))
            os.chdir(ROOT)
        seed += 1
    print(f"{steps} steps, seeds {asked.seed} to {seed - 1}: nothing failed")


if __name__ == "__main__":
    main()
