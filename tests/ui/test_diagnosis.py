"""From a row to a running diagnosis and its report; with a scripted one, and once with a real one."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import frames
import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.color import ColorType
from scripted import Workshop
from textual.widgets import OptionList

from mcptop.model.frame import Frame
from mcptop.model.value import Kind
from mcptop.playbook import bundle, shelf
from mcptop.playbook.steps import catalogue
from mcptop.playbook.subjects import NoSubject
from mcptop.ui.reach import Reach
from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.screens.diagnosis import DiagnosisScreen
from mcptop.ui.screens.evidence import EvidenceScreen
from mcptop.ui.screens.help import HelpScreen
from mcptop.ui.screens.playbooks import PlaybookMenu
from mcptop.ui.screens.service import ServiceScreen
from mcptop.ui.widgets.problems import Problems
from tests.playbook import examples

SIZE = (120, 36)
SIZES = [(80, 24), (120, 36), (200, 60)]
THREADS = ("mcptop-diagnosis", "mcptop-step")


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture(autouse=True)
def _playbooks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tests' own playbooks, whatever this machine and the present release have."""
    monkeypatch.setattr(shelf, "shipped", lambda: examples.FOLDER)
    monkeypatch.setattr(shelf, "own", lambda: tmp_path / "none")


@pytest.fixture
def app_of(dashboard, workshop):
    """An app whose diagnoses are scripted, at the workshop's time."""

    def make(*shown: Frame, **more):
        return dashboard(*(shown or (frames.frame(),)), diagnosis=workshop, clock=lambda: workshop.now, **more)

    return make


async def until(pilot, holds: Callable[[], object]) -> None:
    """Let the app work until it holds; what a thread posts arrives some time."""
    for _ in range(1500):
        if holds():
            await pilot.pause()
            return
        await pilot.pause(0.01)
    pytest.fail("it never held")


async def begin(pilot, workshop: Workshop) -> DiagnosisScreen:
    """Diagnose what is selected with the first playbook; back when its first steps are on the screen."""
    await pilot.press("d", "enter")
    await until(pilot, lambda: workshop.made and workshop.last.heard.is_set())
    screen = pilot.app.screen
    assert isinstance(screen, DiagnosisScreen)
    await until(pilot, lambda: len(screen._stage.steps) == 3 or not screen.in_progress)
    return screen


async def finish(pilot, workshop: Workshop) -> DiagnosisScreen:
    screen = await begin(pilot, workshop)
    workshop.last.let_go.set()
    await until(pilot, lambda: not screen.in_progress)
    return screen


def left_running() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(THREADS)]


def messages(app) -> list[str]:
    return [note.message for note in app._notifications]


async def test_the_menu_offers_what_shows_first(app_of, workshop, snapshot):
    app, monitor = app_of()
    async with app.run_test(size=SIZE) as pilot:
        for at in range(20):
            monitor.tick(frames.frame(1001 + at))
        await pilot.press("d")
        assert isinstance(app.screen, PlaybookMenu)
        await pilot.pause()
        snapshot(app, "playbooks-120x36")
        await pilot.press("escape")
        assert isinstance(app.screen, Dashboard)
        assert not workshop.made


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_running_and_finished(size, app_of, workshop, snapshot, screen):
    app, _ = app_of()
    async with app.run_test(size=size) as pilot:
        await begin(pilot, workshop)
        workshop.now += 24
        await until(pilot, lambda: "about 36s left" in screen(app))
        snapshot(app, f"diagnosis-running-{size[0]}x{size[1]}")
        assert {cell_len(line) for line in screen(app).splitlines()} == {size[0]}
        workshop.last.let_go.set()
        await until(pilot, lambda: "PROBLEM" in screen(app))
        snapshot(app, f"diagnosis-finished-{size[0]}x{size[1]}")
        assert {cell_len(line) for line in screen(app).splitlines()} == {size[0]}


async def test_it_is_about_the_selected_row_and_has_all_frames(app_of, workshop):
    app, monitor = app_of()
    async with app.run_test(size=SIZE) as pilot:
        for at in range(30):
            monitor.tick(frames.frame(1001 + at))
        await pilot.press("down")
        await begin(pilot, workshop)
        assert workshop.last.wanted.instances == ("id-mcp-stack-mcp-worker-1",)
        await pilot.press("Z")
        for at in range(5):
            monitor.tick(frames.frame(1031 + at))
        numbers = [frame.number for frame in workshop.last.frames.all()]
        assert numbers == list(range(1011, 1036)), "the newest twenty, and each since then, drawn or not"


async def test_from_the_service_screen_a_pool_and_a_group(app_of, workshop):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await finish(pilot, workshop)
        assert len(workshop.last.wanted.instances) == 2
        await pilot.press("escape")
        assert isinstance(app.screen, ServiceScreen)
        await pilot.press("escape", "2", "end", "up", "up", "up")
        await finish(pilot, workshop)
        assert workshop.last.wanted.instances == ("id-mcp-stack-mcp-worker-1",)
        await pilot.press("escape", "1", "home", "d")
        assert isinstance(app.screen, Dashboard)
        assert messages(app)[-1] == "select a service or an instance to diagnose"


async def test_escape_comes_back_with_what_is_known_and_then_leaves(app_of, workshop, screen):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        shown = await begin(pilot, workshop)
        await pilot.press("escape")
        await until(pilot, lambda: not shown.in_progress)
        assert app.screen is shown
        assert "INCONCLUSIVE" in screen(app)
        assert "stopped after" in screen(app)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        assert not left_running()


async def test_whoever_leaves_before_it_came_back_finds_it_later_and_starts_no_other(app_of, workshop, screen):
    workshop.change = lambda scripted: setattr(scripted, "ignores_cancel", True)
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        shown = await begin(pilot, workshop)
        await pilot.press("escape")
        assert "stopping…" in screen(app)
        await pilot.press("escape", "d")
        await pilot.pause()
        assert isinstance(app.screen, PlaybookMenu)
        assert "one at a time: memory-leak on mcp-worker" in screen(app)
        await pilot.press("enter")
        await pilot.pause()
        assert messages(app)[-1].startswith("one diagnosis at a time")
        assert len(workshop.made) == 1
        await pilot.press("D")
        assert messages(app)[-1].startswith("nothing was diagnosed yet")
        workshop.last.let_go.set()
        await until(pilot, lambda: app.diagnoses.reports)
        assert not shown.is_attached
        await pilot.press("D")
        await pilot.pause()
        assert "INCONCLUSIVE" in screen(app)


async def test_reports_of_the_session_are_in_the_palette(app_of, workshop, screen):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await finish(pilot, workshop)
        await pilot.press("escape")
        commands = [each for each in app.get_system_commands(app.screen) if each.title.startswith("Report memory")]
        assert [each.title for each in commands] == ["Report memory-leak mcp-worker"]
        assert commands[0].help.startswith("problem: Anonymous memory grows")
        commands[0].callback()
        await pilot.pause()
        assert "heap-leak" in screen(app)


@pytest.mark.parametrize("typed", ["", "report"], ids=["listed", "searched"])
async def test_brackets_of_a_report_are_text_in_the_palette(typed, app_of, workshop, screen):
    app, _ = app_of()
    async with app.run_test(size=(120, 160)) as pilot:
        await finish(pilot, workshop)
        report = app.diagnoses.reports[0]
        verdict = replace(
            report.verdict,
            says="its log says [ERROR] [/app/main.py:12] x",
            target=replace(report.verdict.target, service="[/x]"),
        )
        app.diagnoses.reports[0] = replace(report, verdict=verdict)
        await pilot.press("escape", "colon", *typed)
        await until(pilot, lambda: "Report memory-leak (/x)" in screen(app))
        assert "its log says (ERROR) (/app/main.py:12) x" in screen(app)


async def test_no_menu_is_empty_because_the_row_is_a_server(app_of, workshop):
    server = frames.service("postgres", frames.instance("pg", 0.1, 50), project=None, kind=Kind.SERVER)
    app, _ = app_of(frames.frame(1000, (server,)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "d")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        assert messages(app) == ["no playbook is for a server: diagnose its clients"]


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (NoSubject("no container `x`; nearest: y"), "no container `x`; nearest: y"),
        (ValueError("an [odd] one"), "defect in mcptop: ValueError: an [odd] one"),
    ],
    ids=["nobody", "defect"],
)
async def test_why_there_is_no_verdict(problem, says, app_of, workshop, screen):
    workshop.change = lambda scripted: setattr(scripted, "problem", problem)
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await finish(pilot, workshop)
        assert says in screen(app)
        assert "no verdict" in screen(app)
        await pilot.press("b", "r", "e", "y", "escape")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        assert not app.diagnoses.reports


async def test_saving_and_copying(app_of, workshop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await finish(pilot, workshop)
        await pilot.press("r", "b", "y")
        await app.workers.wait_for_complete()
        await pilot.pause()
        (stem,) = {path.name.partition(".")[0] for path in tmp_path.iterdir()}
        assert stem.startswith("mcptop-memory-leak-mcp-worker-20260131-")
        assert {path.name.removeprefix(stem) for path in tmp_path.iterdir()} == {".md", ".html", ".tar.gz"}
        assert "heap-leak" in (tmp_path / f"{stem}.md").read_text()
        assert bundle.read(tmp_path / f"{stem}.tar.gz").subject.service == "mcp-worker"
        assert app.clipboard.startswith(" mcptop  diagnose memory-leak")
        assert "WHAT TO DO" in app.clipboard
        assert sorted(messages(app)) == [
            "copied the report",
            f"saved {stem}.md and .html",
            f"saved {stem}.tar.gz: `mcptop judge` reads it",
        ]


async def test_saved_again_it_is_another_file(app_of, workshop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await finish(pilot, workshop)
        for _ in range(2):
            await pilot.press("r", "b")
            await app.workers.wait_for_complete()
        await pilot.pause()
        names = sorted(path.name.partition(".")[0] for path in tmp_path.iterdir())
        assert names == [*[names[0]] * 3, *[f"{names[0]}-2"] * 3]
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


async def test_a_folder_nobody_can_write_to_is_one_line(app_of, workshop, monkeypatch):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await finish(pilot, workshop)
        monkeypatch.chdir("/proc")
        await pilot.press("r", "b")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(messages(app)) == 2
        assert all("cannot be written" in each and "\n" not in each for each in messages(app))
        assert isinstance(app.screen, DiagnosisScreen)


async def test_in_a_browser_reports_and_bundles_are_not_written(app_of, workshop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app, _ = app_of(reach=Reach(in_browser=True))
    async with app.run_test(size=SIZE) as pilot:
        await finish(pilot, workshop)
        await pilot.press("r", "b")
        await pilot.pause()
        assert messages(app) == ["no files are written from a browser: run mcptop in a terminal"]
    assert list(tmp_path.iterdir()) == []


async def test_evidence_and_back(app_of, workshop, screen, snapshot, monkeypatch):
    # What values mean is told in words that are often improved; the picture is not about them.
    monkeypatch.setattr(catalogue, "KINDS", {})
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await finish(pilot, workshop)
        await pilot.press("e")
        await pilot.pause()
        assert isinstance(app.screen, EvidenceScreen)
        snapshot(app, "evidence-120x36")
        await pilot.press("end", "y")
        await pilot.pause()
        assert "injecting tools are off" in screen(app)
        assert "py-spy dump --pid 41822 · version 0.4.1" in app.clipboard
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "escape", "escape")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)


async def test_problems_are_reached_by_key_and_by_click(app_of, workshop, screen):
    app, monitor = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: screen(app).splitlines()[2].endswith(" ⏎ diagnose "))
        assert isinstance(app.focused, Problems)
        assert app.screen.footer.keys[1][:2] == ("⏎", "diagnose")
        await pilot.press("down")
        monitor.tick(frames.frame(1001))
        await pilot.press("enter")
        assert isinstance(app.screen, PlaybookMenu)
        await pilot.pause()
        assert "diagnose mcp-api" in screen(app)
        await pilot.press("escape", "escape")
        assert app.focused is app.screen.table
        await pilot.click(Problems, offset=(10, 0))
        await pilot.pause()
        assert "diagnose mcp-worker" in screen(app)
        await pilot.press("escape", "tab")
        monitor.tick(frames.frame(1002, (frames.process("sshd", 0.1, 5),), budgets=()))
        await pilot.pause()
        assert app.focused is app.screen.table
        await pilot.press("tab")
        assert messages(app)[-1].startswith("no problem is shown")


async def test_more_problems_than_lines_scroll_under_the_cursor(app_of, screen):
    names = [f"svc-{at}" for at in range(7)]
    ill = tuple(frames.service(name, frames.instance(name, 0.1, 50, health="unhealthy")) for name in names)
    app, _ = app_of(frames.frame(1000, ill, budgets=()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "and 4 more" in screen(app)
        await pilot.click(Problems, offset=(5, 3))
        assert isinstance(app.focused, Problems), "the line that counts the rest shows them"
        await pilot.press("end", "k", "d")
        await pilot.pause()
        assert "diagnose svc-5" in screen(app)


async def test_no_colour_both_themes_and_small_screens(app_of, workshop, screen):
    app, _ = app_of(no_color=True)
    async with app.run_test(size=SIZE) as pilot:
        await begin(pilot, workshop)
        for _ in range(2):
            strips = app.screen._compositor.render_strips()
            styles = [segment.style for strip in strips for segment in strip if segment.style]
            colours = [colour for style in styles for colour in (style.color, style.bgcolor) if colour is not None]
            assert {colour.type for colour in colours} <= {ColorType.DEFAULT}
            workshop.last.let_go.set()
            await until(pilot, lambda: "PROBLEM" in screen(app))
    app, _ = app_of(theme="light")
    async with app.run_test(size=SIZE) as pilot:
        shown = await finish(pilot, workshop)
        before = shown._page.render_line(5)
        await pilot.press("f2")
        await pilot.pause()
        assert shown._page.render_line(5) != before
        for size in ((20, 5), (1, 1), (40, 12), (300, 20)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert {cell_len(line) for line in screen(app).splitlines()} == {size[0]}


async def test_hostile_names_stay_text(app_of, workshop, screen):
    name = "[red]x[/]\x1b[2J\u202e数据"
    ill = frames.service(name, frames.instance(name, 0.1, 50, health="unhealthy"), project=name)
    app, _ = app_of(frames.frame(1000, (ill,)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("d")
        await pilot.pause()
        assert "diagnose [red]x[/]" in screen(app)
        await pilot.press("escape")
        shown = await begin(pilot, workshop)
        assert shown.job is not None
        workshop.last.problem = NoSubject(name)
        workshop.last.let_go.set()
        await until(pilot, lambda: not shown.in_progress)
        assert "[red]x[/]" in screen(app)
        assert not set(screen(app)) & set("\x1b\u202e")


async def test_quitting_leaves_nobody_behind(app_of, workshop):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await begin(pilot, workshop)
        await pilot.press("q")
    assert workshop.last.cancelled.is_set()
    assert not left_running()


@pytest.fixture
def child():
    """A process that does nothing."""
    code = "import sys; print('here', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


async def test_a_real_diagnosis_of_a_real_process(child, dashboard, screen, monkeypatch):
    monkeypatch.setattr(shelf, "shipped", lambda: Path(__file__).parent / "nothing")
    monkeypatch.setattr(shelf, "own", lambda: Path(__file__).parent / "playbooks")
    instance = frames.instance("child", 0.0, 10, pid=child.pid, health=None)
    service = frames.service("child", instance, project=None, kind=Kind.PROCESS)
    app, _ = dashboard(*(frames.frame(1000 + at, (service,)) for at in range(3)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "d")
        await pilot.pause()
        assert "A second of looking" in screen(app)
        assert app.screen.query_one(OptionList).option_count == 1
        await pilot.press("enter")
        await until(pilot, lambda: app.diagnoses.reports)
        text = screen(app)
        assert f"diagnose short · child (pid {child.pid})" in text
        assert "HEALTHY" in text
        assert "idle-process" in text
        assert not left_running()
        verdict = app.diagnoses.reports[-1].verdict
        assert verdict.target.pid == child.pid
        assert verdict.evidence[0].values["samples"] >= 2
