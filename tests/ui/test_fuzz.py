"""Random keys, mouse, sizes and frames: nothing raises, and a dashboard is left. Longer: tests/bench/fuzz.py."""

from __future__ import annotations

import pytest
from fuzzing import SIZE, Fuzz
from hand import Hand

from mcptop.playbook import shelf
from tests.playbook import examples

STEPS = 150


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_anything_may_be_done(seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shelf, "shipped", lambda: examples.FOLDER)
    fuzz = Fuzz(seed)
    try:
        async with fuzz.app.run_test(size=SIZE, notifications=True) as pilot:
            hand = Hand(pilot)
            await fuzz.run(hand, STEPS)
            await fuzz.come_back(hand)
    except BaseException as problem:
        problem.add_note(f"seed {seed}, step {len(fuzz.done)}; the last ones: {fuzz.done[-12:]}")
        raise
