"""The dashboard on several machines: title, meters, the HOST column, and what says that it cannot be done from here."""

from __future__ import annotations

import frames
import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from mcptop.cli.screen import ELSEWHERE
from mcptop.fleet.sight import BANNER
from mcptop.model.frame import Frame, SourceReport, Status
from mcptop.ui.reach import Reach

SIZES = [(80, 24), (120, 36), (200, 60)]
FLEET = {"reach": Reach(elsewhere=ELSEWHERE)}


def fleet(machines: int = 3) -> Frame:
    """The stack of the other pictures, its replicas spread over so many machines, some figures late."""
    made = frames.frame()
    names = [f"web{number + 1}.example" for number in range(machines)]
    services, place = [], 0
    for service in made.services:
        instances = []
        for one in service.instances:
            instances.append(replace(one, host=names[place % machines], age_s=95.0 if place == 4 else None))
            place += 1
        services.append(replace(service, instances=tuple(instances)))
    assert made.host is not None
    hosts = tuple(
        replace(made.host, name=name, cpu_ratio=0.25 * (number + 1), disks=tuple(
            replace(disk, host=name, used_ratio=0.3 + 0.2 * number) for disk in made.host.disks
        ))
        for number, name in enumerate(names)
    )  # fmt: skip
    sources = (
        SourceReport("prometheus", Status.OK, f"{machines} hosts, {machines} exporters", 0.05),
        SourceReport("targets", Status.ERROR, "Prometheus cannot scrape mcptop/web9.example:9477", 0.0),
    )
    several = {"host": None, "hosts": hosts} if machines > 1 else {"host": hosts[0]}
    more = {"services": tuple(services), "sources": sources, "engine": "prometheus metrics:9090", "banner": BANNER}
    return frames.judged(replace(made, budgets=(), interval_s=5.0, **several, **more))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_pictures(size, dashboard, snapshot, screen):
    app, _ = dashboard(fleet(), **FLEET)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        snapshot(app, f"fleet-{size[0]}x{size[1]}")
        assert {cell_len(line) for line in screen(app).splitlines()} == {size[0]}


async def test_one_machine_is_shown_by_its_name(dashboard, screen):
    app, _ = dashboard(fleet(1), **FLEET)
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.pause()
        assert "web1.example · prometheus metrics:9090" in screen(app).splitlines()[0]


async def test_nothing_known_yet_is_no_crash(dashboard, screen):
    empty = replace(fleet(), services=(), hosts=(), alerts=())
    app, _ = dashboard(empty, **FLEET)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "fleet · prometheus metrics:9090 · 0 hosts · 0 services" in screen(app)


async def test_the_filter_finds_a_host_and_the_column_sorts(dashboard, screen):
    app, _ = dashboard(fleet(), **FLEET)
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press("slash", *"host=web2", "enter")
        await pilot.pause()
        body = screen(app)
        assert "mcp-worker" in body
        assert "no such field" not in body
        hosts = {one.host for row in app.screen.services for one in row.service.instances}
        assert len(hosts) == 3
        app.screen.action_sort("host")
        await pilot.pause()
        assert "HOST▴" in screen(app)


@pytest.mark.parametrize("key", ["4", "5", "6", "7", "0"])
async def test_tabs_that_need_the_machine_say_so(key, dashboard, screen):
    app, _ = dashboard(fleet(), **FLEET)
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert ELSEWHERE[:60] in screen(app)
        assert "recording" not in screen(app)


async def test_a_diagnosis_is_sent_to_the_host_and_actions_are_off(dashboard):
    app, _ = dashboard(fleet(), **FLEET)
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press("down", "down", "d")
        await pilot.pause()
        assert any("run `mcptop diagnose` on web2.example" in note.message for note in app._notifications)
        assert len(app.screen_stack) == 1
        assert app.actions.off == ELSEWHERE


async def test_why_there_is_nothing_at_all_is_said_in_full(dashboard, screen):
    refused = "http://metrics:9090: Connection refused: is it running, and is this its port?"
    sources = (SourceReport("prometheus", Status.ERROR, refused, 0.0),)
    app, _ = dashboard(replace(fleet(), services=(), hosts=(), alerts=(), sources=sources), **FLEET)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert " ".join(f"prometheus: {refused}".split()) in " ".join(screen(app).split())
        assert BANNER[:20] not in screen(app), "it is about figures that are not there"
