"""How far a diagnosis is, while it is unknown, while it is known, and at the end."""

from __future__ import annotations

import io

from rich.console import Console

from mcptop.headless.progress import Shown


def text(shown: Shown) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(shown._render())
    return out.getvalue().strip()


def test_nothing_is_almost_done_before_it_has_begun() -> None:
    shown = Shown(quiet=True)
    assert text(shown) == "● asking the engine Ctrl+C stops"
    shown.waiting("looking at every service", 15)
    assert text(shown) == "● looking at every service about 15 s left, Ctrl+C: with what is known"
    shown.waiting("looking at every service", 0.4)
    assert text(shown).endswith("almost done")
