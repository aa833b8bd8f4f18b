"""The pane of logs: what it shows, what its keys do, and that nothing a container writes gets out of it."""

from __future__ import annotations

import itertools
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import frames
import pytest
from conftest import ScriptedMonitor, lines_of
from log_world import EPOCH, Logs, LogScreen, stamp, until
from msgspec.structs import replace
from rich.cells import cell_len
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from mcptop.config import Settings
from mcptop.model.frame import Service
from mcptop.model.log import Level
from mcptop.sources.log_box import Mark
from mcptop.ui.app import McptopApp
from mcptop.ui.logs.pane import RECORDED, LogPane
from mcptop.ui.logs.session import WINDOWS
from mcptop.ui.reach import Reach
from mcptop.ui.screens.log_line import LogLineScreen

SIZES = [(80, 24), (120, 36), (200, 60)]
WORKERS = frames.stack()[0]
ONE, TWO = (each.name for each in WORKERS.instances)


class World:
    """The pane, open on two replicas."""

    def __init__(self, pilot: Pilot[None], logs: Logs, pane: LogPane) -> None:
        self.pilot, self.logs, self.pane = pilot, logs, pane

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(lines_of(self.pilot.app))

    @property
    def status(self) -> str:
        """Its last line."""
        return lines_of(self.pilot.app)[-1].strip()

    @property
    def here(self) -> str:
        """The line under the cursor."""
        return self.pane.text.selected.text

    @property
    def told(self) -> list[str]:
        """What the app told."""
        return [note.message for note in self.pilot.app._notifications]

    def say(self, *lines: str | bytes, name: str = ONE, **more: float) -> None:
        self.logs.made[name].say(*lines, **more)

    async def kept(self, count: int) -> None:
        """Wait for so many lines."""
        await until(self.pilot, lambda: len(self.pane.session.book.lines) >= count)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()


@asynccontextmanager
async def world(
    size: tuple[int, int] = (80, 24), source: bool = True, logs: Logs | None = None, **more: object
) -> AsyncIterator[World]:
    logs = logs or Logs()
    app = McptopApp(ScriptedMonitor(frames.frame()), clock=lambda: 0.0, **more)
    async with app.run_test(size=size) as pilot:
        screen = LogScreen(logs if source else None)
        await app.push_screen(screen)
        await pilot.pause()
        screen.pane.open(WORKERS, WORKERS.instances)
        screen.pane.focus()
        await pilot.pause()
        yield World(pilot, logs, screen.pane)


async def fill(world: World) -> None:
    """What two workers said, one of which was killed for its memory."""
    world.say(
        "INFO:worker:job 17 done in 0.3 s",
        "WARNING:worker:queue is long depth=412",
        "ERROR:worker:job 18 failed",
        "Traceback (most recent call last):",
        '  File "worker.py", line 31, in run',
        "    raise ValueError(job)",
        "ValueError: 18",
    )
    refused = '{"level":"error","ts":1,"msg":"connection refused","peer":"postgres:5432","attempt":3}'
    long = '{"level":20,"msg":"a very long one","body":"' + "lorem ipsum " * 30 + '"}'
    world.say(refused, long, name=TWO, at=0.5)
    world.logs.made[TWO].put(Mark(EPOCH + 4, "restarted: last exit code 137, OOM killed", True))
    world.say(*(f"INFO:     job {n} took {n * 37 % 11} ms" for n in range(40)), name=TWO, at=10.0)
    await world.kept(50)
    world.logs.made[ONE].put((2, None, stamp(60) + b" NOTICE caught up\n"), skipped=81_234)
    await world.kept(52)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(("name", "keys"), [("follow", []), ("top", ["g"]), ("wrapped", ["w", "t", "g"])])
async def test_looks(size, name, keys, snapshot):
    async with world(size) as seen:
        await fill(seen)
        await seen.press("slash", *"job", "enter", "F", *keys)
        snapshot(seen.pilot.app, f"logs-{name}-{size[0]}x{size[1]}")
        assert {cell_len(line) for line in lines_of(seen.pilot.app)} == {size[0]}


async def test_a_recording_has_no_lines():
    async with world(source=False) as seen:
        assert RECORDED[:60] in seen.text
        await seen.press("F", "g", "n", "N", "enter", "y", "S", "v", "L", "r", "t", "w", "X", "pageup", "k",
                         "right_square_bracket", "slash", "x", "enter", "escape")  # fmt: skip
        assert RECORDED[:60] in seen.text


async def test_why_there_is_no_log_is_one_line():
    logs = Logs()
    logs.errors[TWO] = "mcp-stack-mcp-worker-2: its logging driver is `none`: nothing is kept that could be shown"
    async with world(logs=logs) as seen:
        seen.say("hello")
        await seen.kept(2)
        assert "hello" in seen.text
        assert "its logging driver is `none`" in seen.text


async def test_what_one_reads_stays_where_it_is():
    async with world() as seen:
        seen.say(*(f"line {n}" for n in range(100)), step=0.01)
        await seen.kept(100)
        assert seen.status.startswith("following")
        await seen.press("pageup", "k")
        before, here = lines_of(seen.pilot.app)[:-1], seen.here
        seen.say(*(f"later {n}" for n in range(100)), at=20.0, step=0.01)
        await seen.kept(200)
        assert lines_of(seen.pilot.app)[:-1] == before
        assert seen.here == here
        assert seen.status.startswith("paused at 77/200")
        await seen.press("F")
        assert seen.here == "later 99"
        seen.say("newest", at=30.0)
        await seen.kept(201)
        assert "newest" in lines_of(seen.pilot.app)[-2]


async def test_what_one_reads_stays_when_the_oldest_lines_go():
    async with world() as seen:
        seen.pane.session.book._most = 300
        seen.say(*(f"line {n}" for n in range(200)), step=0.01)
        await seen.kept(200)
        seen.pane.text.go(100)
        await seen.press(*"jjk", *["pagedown"] * 3)
        seen.pane.text.go(150)
        await seen.press("j", "k")
        before = lines_of(seen.pilot.app)[:-1]
        assert seen.here == "line 150"
        for part in range(4):
            seen.say(*(f"later {n}" for n in range(50)), at=20.0 + part, step=0.01)
        await until(seen.pilot, lambda: seen.pane.session.book.lines[-1].number == 399)
        assert seen.here == "line 150"
        assert lines_of(seen.pilot.app)[:-1] == before


async def test_moving():
    async with world((80, 10)) as seen:
        seen.say(*(f"line {n}" for n in range(50)), step=0.01)
        await seen.kept(50)
        seen_lines = []
        for keys, line in [
            (["k"], 48), (["up", "up"], 46), (["j"], 47), (["g"], 0), (["up"], 0), (["down"], 1), (["pagedown"], 9),
            (["pageup"], 1), (["G"], 49), (["j"], 49), (["pageup"], 41), (["home"], 0), (["end"], 49),
        ]:  # fmt: skip
            await seen.press(*keys)
            seen_lines.append((keys, seen.here))
            assert seen.here == f"line {line}", seen_lines
            assert f"line {line} " in seen.text, "the cursor is on the screen"


async def test_the_wheel_and_the_mouse():
    async with world((80, 10)) as seen:
        seen.say(*(f"line {n}" for n in range(50)), step=0.01)
        await seen.kept(50)
        await seen.pilot._post_mouse_events([events.MouseScrollUp], seen.pane.text)
        await seen.pilot.pause()
        assert seen.status.startswith("paused")
        assert "line 38 " in lines_of(seen.pilot.app)[0]
        await seen.pilot.click(seen.pane.text, offset=(5, 4))
        assert seen.here == "line 42"
        for _ in range(2):
            await seen.pilot._post_mouse_events([events.MouseScrollDown], seen.pane.text)
        await seen.pilot.pause()
        assert seen.status.startswith("following")


async def test_search_counts_and_goes_round():
    async with world() as seen:
        seen.say(*(f"{'Pool' if n % 10 == 0 else 'line'} {n}" for n in range(40)), step=0.01)
        await seen.kept(40)
        await seen.press("slash", *"pool", "enter")
        assert (seen.here, "/pool 4/4" in seen.status) == ("Pool 30", True)
        visited = []
        for key in "nnN":
            await seen.press(key)
            visited.append(seen.here)
        assert visited == ["Pool 0", "Pool 10", "Pool 0"]
        assert "/pool 1/4" in seen.status
        await seen.press("X")
        assert (len(seen.pane.view.shown), seen.here) == (
            4 + 3 * 7 - 3 * 1 - 1 * 0 + 3,
            "Pool 0",
        ) or seen.here == "Pool 0"
        assert "line 5 " not in seen.text
        await seen.press("X", "slash", "end", *"xx", "enter")
        assert "/poolxx no hit" in seen.status
        await seen.press("n", "escape")
        assert "hit" not in seen.status
        assert seen.told == []
        await seen.press("n", "X")
        assert seen.told == ["nothing is searched for: type / and a word"]
        assert seen.pane.view.wanted.words == ""


async def test_letters_typed_right_behind_the_key_belong_to_the_search():
    async with world() as seen:
        seen.say("hello Lt")
        await seen.kept(1)
        for key in ("slash", "L", "t", "q"):
            seen.pilot.app.post_message(events.Key(key, "/" if key == "slash" else key))
        await until(seen.pilot, lambda: seen.pane.query_one(Input).value == "Ltq")
        assert seen.pane.view.wanted.least is None
        await seen.press("escape")
        assert (seen.pane.view.wanted.words, seen.pilot.app.focused) == ("", seen.pane)


async def test_of_very_many_replicas_some_are_followed():
    async with world((120, 24)) as seen:
        many = tuple(replace(WORKERS.instances[0], id=f"id-{n}", name=f"worker-{n}") for n in range(40))
        seen.pane.open(replace(WORKERS, instances=many), many)
        await seen.pilot.pause()
        assert len(seen.pane.session.instances) == 16
        assert "of 40 replicas the first 16 are followed" in seen.told


async def test_levels():
    async with world() as seen:
        await fill(seen)
        found = []
        for _ in range(4):
            found.append((seen.pane.view.wanted.least, len(seen.pane.view.shown)))
            await seen.press("L")
        assert found == [(None, 52), (Level.INFO, 51), (Level.WARNING, 9), (Level.ERROR, 8)]
        assert seen.pane.view.wanted.least is None


async def test_replicas_one_after_the_other():
    async with world() as seen:
        await fill(seen)
        counts = []
        for _ in range(3):
            await seen.press("r")
            counts.append((seen.pane.view.wanted.instance, len(seen.pane.view.shown)))
        assert counts == [(f"id-{ONE}", 9), (f"id-{TWO}", 43), (None, 52)]


async def test_windows_read_again_and_end_the_followers_before():
    async with world() as seen:
        first = dict(seen.logs.made)
        seen.say("hello")
        await seen.kept(1)
        await seen.press("right_square_bracket", "right_square_bracket")
        assert seen.logs.made[ONE].window is WINDOWS[2][1]
        assert all(told.closed.is_set() for told in first.values())
        assert seen.pane.session.book.lines == []
        assert "[ 5 minutes ]" in seen.status
        await seen.press("left_square_bracket", "left_square_bracket", "left_square_bracket")
        assert "[ last 500 lines ]" in seen.status
        first[ONE].box.put([(1, None, stamp(0) + b"from before\n")])
        seen.say("from now")
        await seen.kept(1)
        assert [line.text for line in seen.pane.session.book.lines] == ["from now"]


async def test_close_ends_every_follower():
    async with world() as seen:
        seen.pane.close()
        assert all(told.closed.is_set() for told in seen.logs.made.values())
    async with world() as seen:
        pass
    assert all(told.closed.is_set() for told in seen.logs.made.values()), "so does leaving"


async def test_restarts_are_noticed_and_new_replicas_followed():
    async with world() as seen:
        frame = frames.frame()
        seen.pane.show(frame)
        assert [told.looked for told in seen.logs.made.values()] == [0, 0]
        one, two = WORKERS.instances
        again = replace(one, started_at=frames.NOON)
        third = replace(two, id="id-3", name="mcp-stack-mcp-worker-3")
        service = replace(WORKERS, instances=(again, two, third))
        seen.pane.show(frames.frame(1001, (service, *frames.stack()[1:])))
        assert [told.looked for told in seen.logs.made.values()] == [1, 0, 0]
        seen.say("hello from three", name=third.name)
        await seen.kept(1)
        assert " 3 " in lines_of(seen.pilot.app)[0]
        seen.pane.show(frames.frame(1002, (service, *frames.stack()[1:])))
        assert [told.looked for told in seen.logs.made.values()] == [1, 0, 0]


async def test_of_one_replica_its_log_alone(dashboard):
    logs = Logs()
    app, monitor = dashboard(frames.frame(), reach=Reach(logs=logs))
    async with app.run_test(size=SIZES[1]) as pilot:
        await pilot.press("home", "down", "down", "down")
        assert app.screen.table.selected.instance.name == TWO
        await pilot.press("l")
        for tick in range(1001, 1004):
            again = replace(WORKERS, instances=(*WORKERS.instances, replace(WORKERS.instances[0], id=f"new-{tick}")))
            monitor.tick(frames.frame(tick, (again, *frames.stack()[1:])))
            await pilot.pause()
        assert list(logs.made) == [TWO]
        assert [told.looked for told in logs.made.values()] == [0]
        await pilot.press("1", "up", "up", "l")
        assert list(logs.made) == [TWO, ONE], "of the service all"


def restarted(number: int, count: int = 1) -> Service:
    """A process has another id after every restart."""
    instances = (
        replace(WORKERS.instances[0], id=f"{number + n}-77", name=f"worker[{number + n}]") for n in range(count)
    )
    return replace(WORKERS, instances=tuple(instances))


async def test_however_often_it_restarts_it_is_followed():
    async with world((120, 24)) as seen:
        seen.pane.open(restarted(0), restarted(0).instances)
        for number in range(1, 40):
            seen.logs.made[f"worker[{number - 1}]"].say(f"line of {number - 1}", at=float(number))
            await seen.kept(number)
            seen.pane.show(frames.frame(1000 + number, (restarted(number), *frames.stack()[1:])))
        assert len(seen.pane.session.instances) == 1
        assert [name for name, told in seen.logs.made.items() if not told.closed.is_set()] == ["worker[39]"]
        seen.logs.made["worker[39]"].say("the newest", at=60.0)
        await seen.kept(40)
        assert "the newest" in seen.text
        assert "line of 38" in seen.text, "lines stay"
        assert seen.pane.session.name_of("30-77") == "worker[30]", "and so do names"


async def test_who_is_not_followed_is_said_and_gets_the_room_of_others():
    async with world((120, 24)) as seen:
        seen.pane.open(restarted(0, 16), restarted(0, 16).instances)
        seen.pane.show(frames.frame(1001, (restarted(0, 18), *frames.stack()[1:])))
        await seen.pilot.pause()
        assert "2 not followed" in seen.status
        seen.pane.show(frames.frame(1002, (restarted(2, 16), *frames.stack()[1:])))
        await seen.pilot.pause()
        assert "not followed" not in seen.status
        assert "17-77" in seen.pane.session.instances


async def test_a_search_key_that_was_given_away_is_none_any_more():
    async with world(settings=Settings(keys={"logs.search": "f7"})) as seen:
        seen.say("hello")
        await seen.kept(1)
        await seen.press("slash")
        assert not seen.pane.line.display
        await seen.press("f7", "h")
        assert seen.pane.view.wanted.words == "h"


async def test_the_whole_line_is_opened():
    async with world() as seen:
        await fill(seen)
        await seen.press("g", "j", "enter")
        assert isinstance(seen.pilot.app.screen, LogLineScreen)
        assert '"peer": "postgres:5432",' in seen.text
        await seen.press("escape", *"jjjj", "enter")
        assert "ERROR:worker:job 18 failed" in seen.text
        assert "ValueError: 18" in seen.text
        await seen.press("y", "escape")
        assert seen.pilot.app.clipboard.startswith("ERROR:worker:job 18 failed\nTraceback")
        assert isinstance(seen.pilot.app.screen, LogScreen)


async def test_copy_a_line_or_a_range():
    async with world() as seen:
        await fill(seen)
        await seen.press("g", "y")
        assert seen.pilot.app.clipboard.endswith(" INFO:worker:job 17 done in 0.3 s")
        await seen.press("v", "j", "j", "y")
        copied = seen.pilot.app.clipboard.split("\n")
        assert [line.partition(" ")[2][:20] for line in copied] == [
            "INFO:worker:job 17 d", '{"level":"error","ts', "WARNING:worker:queue"]  # fmt: skip
        assert "3 marked" in seen.status
        await seen.press("escape")
        assert "marked" not in seen.status


async def test_save_for_the_owner_only_and_never_over_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with world() as seen:
        await fill(seen)
        await seen.press("L", "L", "L", "S")
        await until(seen.pilot, lambda: len(list(tmp_path.iterdir())) == 1)
        await seen.press("S")
        await until(seen.pilot, lambda: len(list(tmp_path.iterdir())) == 2)
    saved = sorted(tmp_path.iterdir())
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in saved)
    lines = saved[0].read_text().splitlines()
    assert len(lines) == 8
    assert lines[0].startswith(f"{TWO} 2026-01-31T")
    assert lines[-1].endswith("-- restarted: last exit code 137, OOM killed --") or "skipped" in lines[-1]


async def test_from_a_browser_nothing_is_saved_or_copied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with world(reach=Reach(in_browser=True)) as seen:
        seen.say("hello")
        await seen.kept(1)
        await seen.press("S", "y", "enter", "y")
        nothing_copied = "nothing is copied from a browser: run mcptop in a terminal"
        nothing_saved = "no files are written from a browser: run mcptop in a terminal"
        assert seen.told == [nothing_saved, nothing_copied]
        assert seen.pilot.app.clipboard == ""
    assert not list(tmp_path.iterdir())


async def test_a_folder_one_may_not_write_to(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with world() as seen:
        seen.say("hello")
        await seen.kept(1)
        await seen.press("S")
        await until(seen.pilot, lambda: any("cannot be written" in says for says in seen.told))


HOSTILE = [
    b"\x1b]52;c;aGVsbG8=\x07 clip", b"\x1b[2J\x1b[H\x1b[31m cleared", b"[red]markup[/red] [@click=app.quit]x[/]",
    "user\u202egnp.exe \u2066x\u2069 \u200b\ufeff".encode(), b"nul \x00\x01\x02\x7f", b"\xff\xfe\xc3( invalid",
    b"x" * (1 << 20), "wide 日本語 🙂 👩‍👩‍👧".encode(), b"a\rb\rc", b"\x9b31m\x9d0;title\x9c c1", b"\t" * 3000,
    b'{"msg":"\\u001b]52;c;aGk=\\u0007","a":"\\u202e"}', b"{" * 8000 + b"}", b"e\xcc\x81" * 400,
    b"{{ 7*7 }} %s {0}", b" ", b"",
]  # fmt: skip


@pytest.mark.parametrize("size", [(20, 4), *SIZES], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_nothing_hostile_gets_out(size):
    async with world(size) as seen:
        for number, line in enumerate(HOSTILE):
            seen.logs.made[ONE].put((1, None, stamp(float(number)) + b" " + line + b"\n"))
        await seen.kept(len(HOSTILE))
        for keys in (["g"], ["w"], ["slash", *"[red]", "enter"], ["enter"], ["escape", "F", "enter"], ["escape"]):
            await seen.press(*keys)
            for line in lines_of(seen.pilot.app):
                assert "\x1b" not in line
                assert line.isprintable(), repr(line)
                assert cell_len(line) == size[0]
        for _ in HOSTILE:
            await seen.press("k", "y", "enter", "y", "escape")
            assert all(letter.isprintable() or letter == "\n" for letter in seen.pilot.app.clipboard)


@pytest.mark.parametrize("more", [{"no_color": True}, {"theme": "light"}], ids=["no-colour", "light"])
async def test_without_colour_and_in_light(more):
    async with world(**more) as seen:
        await fill(seen)
        await seen.press("slash", *"job", "enter", "f2")
        seen.pane.restyle()
        await seen.pilot.pause()
        assert "/job" in seen.status
        row = seen.pane.text.render_line(0)
        hit = next(segment.style for segment in row if segment.text == "job")
        assert hit.bold
        assert (hit.underline, hit.color is None) == (("no_color" in more) or None, "no_color" in more)


async def test_any_keys_in_any_order():
    keys = [
        "k",
        "j",
        "pageup",
        "pagedown",
        "g",
        "F",
        "n",
        "N",
        "X",
        "L",
        "r",
        "t",
        "w",
        "v",
        "left_square_bracket",
        "y",
    ]
    async with world((60, 12)) as seen:
        seen.say(*(f"ERROR line {n} " + "y" * (n * 17 % 900) for n in range(30)))
        await seen.kept(30)
        for first, second in itertools.islice(itertools.product(keys, keys), 0, None, 3):
            await seen.pilot.press(first, second)
        await seen.press("F")
        assert {cell_len(line) for line in lines_of(seen.pilot.app)} == {60}
