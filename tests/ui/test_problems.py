"""The list of problems: a line each at every size, the whole text of the selected one, what nobody can look into."""

from __future__ import annotations

from datetime import timedelta

import frames
import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from mcptop.model.frame import Frame, Service, Status
from mcptop.model.host import Filesystem
from mcptop.presentation import problems, rows, runs, strip
from mcptop.ui.screens.playbooks import PlaybookMenu
from mcptop.ui.widgets.problems import Problems

SIZES = [(80, 24), (120, 36), (200, 60)]
OUTPUT = "HTTP 503 from http://localhost:8000/health: the database does not answer, tried 3 times within 10 s"


def ill() -> tuple[Service, ...]:
    """A stack in which several things are wrong at once."""
    worker, api, runner, *rest = frames.stack()
    sick = replace(api.instances[0], health="unhealthy", health_output=OUTPUT)
    ended = frames.instance("mcp-stack-ui-2", None, None, state="exited", exit_code=1)
    return worker, replace(api, instances=(sick,)), runner, *rest, frames.service("cron", ended)


def frame(number: int = 1000, **more: object) -> Frame:
    """The sick stack on a machine with a full disk and a broken source."""
    full = Filesystem("/var", "vdb", 100 * frames.GIB, 4 * frames.GIB, 0.96)
    broken = frames.SourceReport("redis", Status.ERROR, "redis at 10.0.0.7:6379: connection refused", 0.1)
    host = replace(frames.HOST, disks=(full,))
    return frames.frame(number, ill(), host=host, sources=(*frames.SOURCES, broken), **more)


def lines(width: int, cursor: int | None = None, made: Frame | None = None) -> list[str]:
    made = made or frame()
    troubles = problems.of_frame(made, rows.of_services(made))
    return [runs.text_of(line) for line, _ in strip.lines(troubles, made.at, width, 50, cursor)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_problems_at_every_size(size, dashboard, snapshot, screen):
    app, _ = dashboard(frame())
    async with app.run_test(size=size) as pilot:
        await pilot.press("p", "down")
        await pilot.pause()
        snapshot(app, f"problems-{size[0]}x{size[1]}")
        assert {cell_len(line) for line in screen(app).splitlines()} == {size[0]}


def test_a_narrow_line_gives_up_the_key_then_the_playbook_then_the_time():
    def shown(width: int) -> tuple[bool, bool, bool]:
        line = lines(width)[0]
        return "diagnose" in line, "restarts" in line, "4 min" in line

    found = [shown(width) for width in (120, 100, 80, 60)]
    assert found == [(True, True, True), (False, True, True), (False, False, True), (False, False, False)]


@pytest.mark.parametrize("width", [1, 10, 30, 64, 80, 100, 119, 200])
def test_no_line_is_wider_than_the_screen(width):
    for cursor in (None, 0, 3):
        assert max(cell_len(line) for line in lines(width, cursor)) <= width


def test_the_selected_one_is_told_in_full():
    text = "".join(line.strip("▌✖ ") + " " for line in lines(80, 1))
    assert OUTPUT[-30:] in text
    assert OUTPUT[-30:] not in "".join(lines(80))


def test_figures_are_marked():
    made = frames.frame()
    troubles = problems.of_frame(made, rows.of_services(made))
    (first, _), (second, _), *_ = strip.lines(troubles, made.at, 120, 9)
    marked = [
        text for line in (first, second) for text, style in line if style in ("critical.strong", "warning.strong")
    ]
    assert marked == ["92%", "17 min", "512 MiB", "50/50", "7", "800 ms"]


def test_since_goes_on_and_a_problem_without_more_text_stays_one_line():
    made = frames.frame(services=(frames.service("api", frames.instance("a", 0.1, 5, state="paused")),), budgets=())
    assert [line.split()[-4:-2] for line in lines(120, 0, made)] == [["4", "min"]]
    older = replace(made, at=made.at + timedelta(hours=3))
    assert "3 h" in lines(120, 0, older)[0]


async def test_what_nobody_can_look_into_is_explained(dashboard, screen):
    app, _ = dashboard(frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("p", "end")
        await pilot.pause()
        assert "⏎ explain" in screen(app)
        await pilot.press("enter")
        await pilot.pause()
        says = list(app._notifications)[-1].message
        assert says.startswith("mcptop: source redis: redis at 10.0.0.7:6379: connection refused. What to do: `mcptop")
        await pilot.press("home", "down", "down", "down", "d")
        await pilot.pause()
        assert "host: /var is 96% full, 4.0 GiB free" in list(app._notifications)[-1].message


async def test_those_that_have_the_problem_are_diagnosed(dashboard, screen):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("p")
        monitor.tick(frames.frame(1001))
        await pilot.pause()
        chosen = app.screen.problems.selected
        assert chosen is not None
        assert chosen.instances == {"mcp-stack-mcp-worker-1", "mcp-stack-mcp-worker-2"}
        await pilot.press("enter")
        assert isinstance(app.screen, PlaybookMenu)
        await pilot.press("escape", "down", "down", "enter")
        assert isinstance(app.screen, PlaybookMenu)
        await pilot.pause()
        names = ("queue-backlog", "memory-leak", "restarts")
        places = [screen(app).rindex(name) for name in names]
        assert places == sorted(places), "the problem's own playbook stands first"


async def test_the_cursor_stays_on_its_problem_when_a_worse_one_comes(dashboard):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("p", "down")
        before = app.screen.query_one(Problems).selected
        monitor.tick(frame(1001))
        await pilot.pause()
        after = app.screen.query_one(Problems).selected
        assert before is not None
        assert after is not None
        assert (before.name, after.key) == ("mcp-api", before.key)


async def test_hostile_text_stays_text(dashboard, screen):
    bad = "\x1b[31m[red]x[/red]\u202e\n\x07"
    one = frames.instance(f"{bad}-1", 0.1, 5, health="unhealthy", health_output=bad * 40)
    app, _ = dashboard(frames.frame(services=(frames.service(bad, one, project=bad),), budgets=()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("p")
        await pilot.pause()
        assert "[red]x[/red]" in screen(app)
        assert all(line.isprintable() for line in screen(app).splitlines())
