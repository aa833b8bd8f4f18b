"""The table of limits: of what is there, as far as it is known."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mcptop.model.instance import Cpu, Instance, Memory
from mcptop.model.swarm import TASK, SwarmService
from mcptop.presentation import limit_columns, limit_detail, limit_rows, rows, runs
from mcptop.presentation.lens import Lens
from mcptop.presentation.limit_columns import LIMITS
from mcptop.presentation.row import View
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
            scene(worker(number), frames.service(f"old-{number}", frames.instance("old", 0.1, 10)), sizes=sizes), View()
        )
    assert set(sizes) == {"container:mcp-stack/worker", "container:mcp-stack/old-49"}


def test_kills_nobody_counted_are_unknown_and_not_none():
    (oom,) = (column for column in LIMITS.columns if column.id == "oom")
    made = worker(1)

    def shown(kills):
        (row,) = limit_rows.build(
            scene(replace(made, instances=(replace(made.instances[0], oom_kills=kills),))), View()
        )
        return runs.text_of(oom.cell(row, 3, None)).strip()

    assert [shown(kills) for kills in (None, 0, 2)] == ["-", "0", "2"]


@pytest.mark.parametrize(("limit", "advice"), [(640, "keep"), (1024, "keep"), (141, "raise 256M")])
def test_a_kill_of_a_time_nobody_knows_raises_only_what_is_nearly_full(limit, advice):
    """Of the present limit the count says nothing by itself: it outlives `docker update`. The peak is 137 MiB."""
    (row,) = limit_rows.build(
        scene(frames.service("worker", frames.instance("worker-1", 0.5, 100, limit, oom_kills=1))), View()
    )
    assert shown(row, "memory.advice") == advice


def shown(row, id: str) -> str:
    (column,) = (column for column in LIMITS.columns if column.id == id)
    return runs.text_of(column.cell(row, 12, None)).strip()


def test_the_peak_is_never_below_what_is_used_now():
    made = worker(1)
    (before,) = limit_rows.build(scene(made), View())
    higher = replace(made.instances[0], memory=Memory(working_set_bytes=400 << 20))
    row = replace(before, instance=higher)
    assert (shown(before, "memory.peak"), shown(row, "memory.peak")) == ("137M", "400M")


def test_what_is_not_known_yet_says_when_and_what_cannot_be_known_is_a_dash():
    series = frames.Shapes(1000, {"id-worker-1 memory.working_set": (1.0, 0.0)}, 960)
    young = frames.frame(1000, (worker(1),), series=series)
    (row,) = limit_rows.build(Scene(young, rows.of_services(young), sizes={}), View())
    assert shown(row, "memory.advice") == "wait 59 s"
    assert shown(row, "cpu.advice") == "-"
    assert "memory: not enough data: 41 of 100 samples" in limit_columns.why(row)


def test_who_has_no_quota_needs_none():
    free = replace(worker(1), instances=(replace(worker(1).instances[0], cpu=Cpu(0.5)),))
    (row,) = limit_rows.build(scene(free), View())
    assert (shown(row, "cpu.limit"), shown(row, "cpu.advice")) == ("none", "no limit")


def test_the_detail_says_why_and_fits():
    (row,) = limit_rows.build(scene(worker(1)), View())
    for width, height in ((80, 3), (120, 16), (40, 1)):
        lines = limit_detail.compose(row, width, height, Lens(frames.frame(1000, (worker(1),))))
        assert len(lines) <= height
        assert all(runs.width(line) <= width for line in lines)
    assert "why memory: " in runs.text_of(limit_detail.compose(row, 80, 3, Lens())[1])


def test_replicas_are_sized_together_and_an_autoscaler_is_asked():
    services = (
        frames.service(
            "worker",
            *(
                frames.instance(f"worker-{n}", used, memory, 512, quota=0.5, throttled=0.0)
                for n, used, memory in ((1, 0.49, 470), (2, 0.45, 100))
            ),
        ),
    )
    one, other = limit_rows.build(scene(*services), View())
    assert one.memory is other.memory
    assert shown(one, "memory.advice") == shown(other, "memory.advice") == "raise 768M"
    assert {shown(one, "memory.peak"), shown(other, "memory.peak")} == {"644M", "137M"}
    assert shown(one, "replicas") == "2→3"
    lines = limit_detail.compose(one, 120, 16, Lens(frames.frame(1000, services)))
    assert "scale HPA would go 2 -> 3 within 1 min: CPU 92 % of the quota / 70 %" in runs.text_of(lines[2])


def test_a_database_is_not_scaled():
    (row,) = (row for row in limit_rows.build(scene(*frames.stack()), View()) if row.service.name == "postgres")
    assert shown(row, "replicas") == "-"


def test_more_replicas_are_held_against_the_connections_of_the_database():
    frame = frames.frame()
    made = limit_rows.build(Scene(frame, rows.of_services(frame), sizes={}), View())
    worker_row = next(row for row in made if row.service.name == "mcp-worker")
    assert worker_row.scale.wanted > worker_row.scale.replicas
    assert "postgres allows 97 connections" in worker_row.scale.says


def test_nothing_is_set_or_lowered_on_a_quarter_of_an_hour():
    large = frames.service("idle", frames.instance("idle-1", 0.01, 30, 8192, quota=8.0, throttled=0.0))
    free = frames.service("free", frames.instance("free-1", 0.5, 400))
    advice = {row.name: row for row in limit_rows.build(scene(large, free), View())}
    assert shown(advice["idle"], "memory.advice") == shown(advice["idle"], "cpu.advice") == "keep"
    assert shown(advice["free"], "memory.advice") == "no limit"
    assert "not enough data: 15 min observed, 3 h needed" in limit_columns.why(advice["free"])


def test_of_a_swarm_service_what_nobody_looks_at_counts_as_missing():
    seen = frames.instance("web.1", 0.45, 100, 512, quota=0.5, throttled=0.0)
    elsewhere = Instance(f"{TASK}abc", "web.2")
    swarm = SwarmService("id", "shop_web", "replicated", 2, 2, "shop")
    made = frames.service("web", seen, elsewhere, project=None, swarm=swarm)
    one = limit_rows.build(scene(made), View())[0]
    # 0 % for what is missing, before replicas are added: 88 % of one become 44 % of two.
    assert (shown(one, "replicas"), "1 without the metric" in one.scale.signal) == ("2", True)
    fixed = frames.service("agent", seen, project=None, swarm=replace(swarm, mode="global"))
    assert limit_rows.build(scene(fixed), View())[0].scale is None
