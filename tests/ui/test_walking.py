"""The keys of time: back into the last minutes, to and fro in a recording, two moments compared."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from mcptop.history import KEPT_S
from mcptop.model.frame import Frame
from mcptop.monitor import Monitor
from mcptop.playback import Playback
from mcptop.player import Player, Position
from mcptop.recording.reader import Reader
from mcptop.recording.ring import Ring
from mcptop.ui.messages import PositionChanged
from mcptop.ui.moments.past import faster
from mcptop.ui.reach import Reach
from mcptop.ui.screens.comparing import ComparingScreen
from tests.unit import recorded

SIZE = (120, 36)
TICKS = 120


@pytest.fixture
def live(dashboard):
    """The dashboard after two minutes of a small stack, and the frames it was given."""
    ring = Ring(1.0, KEPT_S)
    monitor = Monitor(recorded.Script(recorded.ticks(TICKS)), 1.0, ring)
    seen = [monitor.step() for _ in range(TICKS)]
    assert set(recorded.EVENTS) <= set(ring.log().events)
    app, source = dashboard(seen[-1], reach=Reach(past=ring.log))
    return app, source, seen


async def until(pilot: Pilot[None], app, at: Frame) -> None:
    """Wait for the player's thread: the picture is of this time."""
    for _ in range(500):
        await pilot.pause(0.01)
        if app.frame.at == at.at and app.picture.past.tape is not None and not app.picture.past.tape.loading:
            return
    raise AssertionError(f"still at {app.frame.at}, not at {at.at}")


async def test_back_and_forward_and_to_the_present(live, screen):
    app, source, seen = live
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("comma", "comma", "comma")
        await until(pilot, app, seen[-4])
        assert "PAST " in screen(app)
        assert " 3s ago " in screen(app)
        await pilot.press("full_stop")
        await until(pilot, app, seen[-3])
        source.tick(seen[0])
        await pilot.pause()
        assert app.frame.at == seen[-3].at, "the present does not push the past away"
        await pilot.press("Z")
        await pilot.pause()
        assert app.frame is seen[0]
        assert app.picture.past.tape is None


async def test_to_what_happened_and_the_charts_stay_where_they_were(live, screen):
    app, _, seen = live
    async with app.run_test(size=SIZE) as pilot:
        at_the_end = [line for line in screen(app).splitlines() if "⣿" in line]
        await pilot.press("left_curly_bracket")
        for _ in range(200):
            await pilot.pause(0.01)
            if app.frame is not seen[-1] and not app.picture.past.tape.loading:
                break
        assert 0 < app.picture.lens.cursor_s < TICKS
        assert "▲" in screen(app).splitlines()[-6] or "│" in screen(app)
        assert at_the_end, "there were charts to compare with"
        assert app.picture.lens.frame is seen[-1]


@pytest.mark.parametrize("size", [(80, 24), SIZE, (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_line_of_time_while_walking_back(size, live, snapshot, screen):
    app, _, seen = live
    async with app.run_test(size=size) as pilot:
        await pilot.press("left_parenthesis", "comma")
        await until(pilot, app, seen[-32])
        await pilot.pause()
        snapshot(app, f"walking-{size[0]}x{size[1]}")
        assert {cell_len(line) for line in screen(app).splitlines()} == {size[0]}


async def test_what_is_walked_to_is_what_was_seen(live):
    app, _, seen = live
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("left_parenthesis")
        await until(pilot, app, seen[-31])
        assert recorded.shown(app.frame) == recorded.shown(seen[-31])


def at(index, problem=""):
    moment = recorded.NOON
    return PositionChanged(Position(index, 9, moment, moment, moment, 1.0, False, False, problem))


def test_of_waiting_positions_the_newest_counts_but_a_problem_is_heard():
    assert at(1).can_replace(at(2))
    assert at(1).can_replace(at(2, "it is broken"))
    assert at(1, "it is broken").can_replace(at(2, "it is broken"))
    assert not at(1, "it is broken").can_replace(at(2))


async def test_a_problem_is_told_when_it_begins_not_at_each_key(live):
    app, _, _ = live
    async with app.run_test(size=SIZE) as pilot:
        for problem in ("it is broken", "it is broken", "", "it is broken", "otherwise"):
            app.post(at(1, problem))
            await pilot.pause()
        assert [note.message for note in app._notifications] == ["it is broken", "otherwise"]


async def test_a_time_is_asked_for(live):
    app, _, seen = live
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("at", *"-1m", "enter")
        await until(pilot, app, seen[-61])
        await pilot.press("at", *"soon", "enter")
        await pilot.pause()
        assert app.screen.query("Input"), "what is no time is asked for again"
        await pilot.press("escape")


async def test_two_moments_compared(live, screen, snapshot):
    app, _, seen = live
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("m", "left_parenthesis")
        await until(pilot, app, seen[-31])
        await pilot.press("m")
        await pilot.pause()
        assert isinstance(app.screen, ComparingScreen)
        snapshot(app, "comparing-120x36")
        await pilot.press("escape", "m", "m")
        assert app.picture.marked is None


async def test_the_last_minutes_are_saved_and_can_be_played(live, monkeypatch, tmp_path, screen):
    monkeypatch.chdir(tmp_path)
    app, _, seen = live
    kept = app.reach.past()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+s")
        await app.workers.wait_for_complete()
        await pilot.pause()
    (file,) = tmp_path.iterdir()
    assert (file.suffix, file.stat().st_mode & 0o777) == (".rec", 0o600)
    reader = Reader(Path(file))
    assert (reader.count, reader.at(0), reader.at(TICKS - 1)) == (TICKS, seen[0].at, seen[-1].at)
    assert list(reader.events) == list(kept.events)
    assert len(kept.events) >= len(recorded.EVENTS)
    again = Playback(reader)
    assert [recorded.shown(again.frame(index)) for index in range(TICKS)] == [recorded.shown(each) for each in seen]
    reader.close()


@pytest.mark.parametrize("key", ["ctrl+s", "f12", "H"])
async def test_a_defect_while_something_is_saved_is_one_line_and_the_dashboard_goes_on(
    key, live, monkeypatch, tmp_path
):
    def broken(*_):
        raise RuntimeError("a [bold]defect[/]\nof it")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mcptop.ui.saving.write_new", broken)
    monkeypatch.setattr("mcptop.handover.files.write_new", broken)
    app, _, _ = live
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(key)
        await app.workers.wait_for_complete()
        await pilot.pause()
        (note,) = app._notifications
        assert note.message == "defect in mcptop: RuntimeError: a [bold]defect[/] of it"
        assert app.is_running
    assert list(tmp_path.iterdir()) == []


async def test_a_recording_is_played_stood_still_in_and_left(tmp_path, screen):
    from mcptop.ui.app import McptopApp

    file = recorded.write(tmp_path / "it.rec", recorded.ticks(TICKS))
    moved = threading.Event()
    player = Player(Playback(Reader(file)), index=50, playing=False)
    app = McptopApp(player)
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(500):
            await pilot.pause(0.01)
            if app.frame.number == 51:
                break
        assert "REPLAY ❚❚" in screen(app)
        assert screen(app).splitlines()[2].count("●") == 1
        await pilot.press("right_square_bracket", "full_stop")
        for _ in range(500):
            await pilot.pause(0.01)
            if app.frame.number == 52:
                break
        assert "\N{MULTIPLICATION SIGN}2" in screen(app)
        await pilot.press("Z")
        for _ in range(500):
            await pilot.pause(0.01)
            if app.frame.number > 53:
                moved.set()
                break
        assert moved.is_set(), "it plays"
        await pilot.press("Z", "ctrl+s")
        await pilot.pause()
        assert not player.position.playing
    assert [path.name for path in tmp_path.iterdir()] == ["it.rec"], "a recording is not saved again"


def test_speeds_have_ends():
    assert [faster(1.0, 1), faster(64.0, 1), faster(0.25, -1)] == [2.0, 64.0, 0.25]
