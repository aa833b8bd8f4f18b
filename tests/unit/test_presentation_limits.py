"""The table of limits: of what is there, as far as it is known."""

from __future__ import annotations

from mcptop.presentation import limit_rows, rows
from mcptop.presentation.rows import View
from mcptop.presentation.scene import Scene
from tests.ui import frames


def scene(*services, sizes=None):
    frame = frames.frame(1000, services)
    return Scene(frame, rows.of_services(frame), sizes={} if sizes is None else sizes)


def worker(number: int):
    return frames.service("worker", frames.instance(f"worker-{number}", 0.5, 100, 512))


def test_what_was_worked_out_of_what_is_gone_is_forgotten():
    sizes: dict = {}
    for number in range(50):
        limit_rows.build(
            scene(worker(number), frames.service("old", frames.instance("old", 0.1, 10)), sizes=sizes), View()
        )
    assert set(sizes) == {"id-worker-49", "id-old"}
