"""The table of limits: of what is there, as far as it is known."""

from __future__ import annotations

from msgspec.structs import replace

from mcptop.presentation import limit_rows, rows, runs
from mcptop.presentation.limit_columns import LIMITS
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


def test_kills_nobody_counted_are_unknown_and_not_none():
    (oom,) = (column for column in LIMITS.columns if column.id == "oom")
    made = worker(1)

    def shown(kills):
        (row,) = limit_rows.build(
            scene(replace(made, instances=(replace(made.instances[0], oom_kills=kills),))), View()
        )
        return runs.text_of(oom.cell(row, 3, None)).strip()

    assert [shown(kills) for kills in (None, 0, 2)] == ["-", "0", "2"]
