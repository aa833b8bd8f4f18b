"""Actions from the selected row to the order, with a scripted performer; and that without the flag none is reached."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from inspect import isawaitable

import frames
import pytest
from actor import MIB, NOON, Actor
from msgspec.structs import replace
from textual.command import CommandPalette
from textual.widgets import Input, OptionList

from mcptop.actions.command_log import CommandLog
from mcptop.history import KEPT_S
from mcptop.model.action import Action, ActionTarget, ContainerFacts, Verb
from mcptop.model.flow import Budget, Share
from mcptop.model.swarm import SwarmService
from mcptop.model.value import Kind
from mcptop.playback import Playback
from mcptop.player import Player
from mcptop.recording.ring import Ring
from mcptop.ui.actions.running import OFF, REPLAY, Actions
from mcptop.ui.app import McptopApp
from mcptop.ui.keys import bindings
from mcptop.ui.messages import News
from mcptop.ui.reach import Reach
from mcptop.ui.screens.action_menu import ActionMenu
from mcptop.ui.screens.command_log import CommandLogScreen
from mcptop.ui.screens.confirm import ConfirmScreen
from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.screens.limits_form import LimitsForm
from mcptop.ui.screens.service import ServiceScreen
from mcptop.ui.widgets.table import SheetTable
from tests.unit import recorded

SIZE = (120, 36)
SIZES = [(80, 24), (120, 36), (200, 60)]
HOSTILE = "[red]no\x1b[31m[/]\u202eyes\n'; rm -rf $(x)"


def played() -> Playback:
    """A recording of a small stack."""
    ring = Ring(1.0, KEPT_S)
    for snapshot in recorded.ticks(100):
        ring.add(snapshot)
    return Playback(ring.log())


@pytest.fixture
def actor() -> Actor:
    return Actor()


@pytest.fixture
def app_of(dashboard, actor):
    """An app that may act, by the actor."""

    def make(*shown, allowed=True, replay=False, **more):
        reach = Reach(performer=actor, allow_actions=allowed)
        if replay:
            app, monitor = McptopApp(Player(played(), index=99, playing=False), reach=reach, **more), None
        else:
            app, monitor = dashboard(*(shown or (frames.frame(),)), reach=reach, **more)
        app.actions.log = CommandLog(lambda: NOON)
        return app, monitor

    return make


async def until(pilot, holds: Callable[[], object]) -> None:
    """Let the app work until it holds; what a thread posts arrives some time."""
    for _ in range(1500):
        if holds():
            await pilot.pause()
            return
        await pilot.pause(0.01)
    pytest.fail("it never held")


async def select(pilot, name: str) -> None:
    """The row of this name."""
    table = pilot.app.screen.table
    await pilot.press("home")
    for _ in table.rows:
        if table.selected is not None and table.selected.name == name:
            return
        await pilot.press("down")
    pytest.fail(f"no row {name}")


async def at(pilot, screen: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, screen))


async def menu(pilot, name: str, key: str = "x") -> None:
    await select(pilot, name)
    await pilot.press(key)
    await at(pilot, ActionMenu)


def words(app) -> list[str]:
    """The first words of the menu."""
    options = app.screen.query_one("#menu-list", OptionList).options
    return [str(option.prompt).splitlines()[0][:17].strip() for option in options]


async def choose(pilot, word: str) -> None:
    options = pilot.app.screen.query_one("#menu-list", OptionList)
    options.highlighted = words(pilot.app).index(word)
    await pilot.press("enter")
    await pilot.pause()


async def notified(pilot, part: str) -> None:
    await until(pilot, lambda: any(part in note.message for note in pilot.app._notifications))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_pictures(app_of, snapshot, size):
    app, _ = app_of()
    name = f"{size[0]}x{size[1]}"
    async with app.run_test(size=size, notifications=False) as pilot:
        await menu(pilot, "mcp-worker")
        snapshot(app, f"actions-menu-{name}")
        await choose(pilot, "restart all 2")
        snapshot(app, f"actions-confirm-{name}")
        await pilot.press("escape", "up")
        await menu(pilot, "mcp-api", "f9")
        await choose(pilot, "signal…")
        snapshot(app, f"actions-signals-{name}")
        await choose(pilot, "TERM")
        await pilot.press("y")
        await until(pilot, lambda: app.actions.log.entries)
        await menu(pilot, "mcp-api")
        await choose(pilot, "limits…")
        await pilot.press(*"1.5g")
        await pilot.pause()
        snapshot(app, f"actions-limits-{name}")
        await pilot.press("escape", "X")
        await pilot.pause()
        entry = app.actions.log.entries[0]
        app.actions.log._entries.clear()
        app.actions.log._entries += [replace(entry, outcome="ok in 0.1 s"), replace(entry, ok=False, outcome="gone")]
        app.screen.show(app.frame)
        await pilot.pause()
        snapshot(app, f"actions-log-{name}")


async def test_a_yes_does_it_once_and_logs_it(app_of, actor, screen):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        assert "actions on" in screen(app)
        await menu(pilot, "mcp-api")
        assert words(app) == ["stop", "restart", "pause", "signal…", "limits…", "shell"]
        await choose(pilot, "stop")
        text = screen(app)
        for part in ("build-7", "mcp-stack", "mcp-api", "docker stop mcp-stack-mcp-api-1", "killed after 10 s",
                     "it is down meanwhile"):  # fmt: skip
            assert part in text
        await pilot.press("y")
        await notified(pilot, "stopped mcp-stack-mcp-api-1")
        assert actor.done == ["stop mcp-stack-mcp-api-1"]
        entry = app.actions.log.entries[0]
        assert (entry.at, entry.command, entry.ok) == (NOON, "docker stop mcp-stack-mcp-api-1", True)
        assert entry.outcome.startswith("ok in ")


@pytest.mark.parametrize("keys", [["enter"], ["escape"], ["n"], ["q"], ["down", "up", "enter"]], ids="+".join)
async def test_everything_but_a_yes_is_a_no(app_of, actor, keys):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        await choose(pilot, "stop")
        await pilot.press(*keys)
        await at(pilot, Dashboard)
        assert not actor.orders
        assert not app.actions.log.entries


async def test_yes_can_be_selected(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        await choose(pilot, "pause")
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.actions.log.entries)
        assert actor.done == ["pause mcp-stack-mcp-api-1"]


async def test_kill_wants_the_name_of_the_service(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        await choose(pilot, "signal…")
        await choose(pilot, "KILL")
        await pilot.press("y", "enter", *"mcp-ap", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmScreen)
        assert not actor.orders
        await pilot.press(*"mcp-api", "enter")
        await until(pilot, lambda: app.actions.log.entries)
        assert actor.done == ["signal KILL mcp-stack-mcp-api-1"]


async def test_all_replicas_one_after_the_other_up_to_the_first_failure(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-worker")
        await choose(pilot, "restart all 2")
        actor.problem = "docker refuses: no space"
        await pilot.press(*"mcp-worker", "enter")
        await notified(pilot, "docker refuses: no space; nothing was done before, 2 of 2 not done")
        assert actor.done == ["restart mcp-stack-mcp-worker-1"]
        assert [(one.ok, one.outcome) for one in app.actions.log.entries] == [(False, "docker refuses: no space")]


async def test_one_replica_of_several(app_of, actor, screen):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-worker")
        options = app.screen.query_one("#menu-list", OptionList)
        options.highlighted = len(options.options) - 1
        await pilot.press("enter")
        await pilot.pause()
        await choose(pilot, "stop")
        assert "1 other replica runs" in screen(app)
        await pilot.press("y")
        await until(pilot, lambda: app.actions.log.entries)
        assert actor.done == ["stop mcp-stack-mcp-worker-2"]


async def test_limits_are_checked_and_below_use_takes_a_second_yes(app_of, actor, screen):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        await choose(pilot, "limits…")
        assert isinstance(app.screen, LimitsForm)
        await pilot.press(*"much", "enter")
        await pilot.pause()
        assert "`much` is no size" in screen(app)
        app.screen.query_one("#limits-memory", Input).value = "100m"
        app.screen.query_one("#limits-cpus", Input).value = "1.5"
        await pilot.pause()
        assert "docker update --memory 100m --memory-swap 100m --cpus 1.5 mcp-stack-mcp-api-1" in screen(app)
        await pilot.press("enter")
        await at(pilot, ConfirmScreen)
        await pilot.press("y")
        await until(pilot, lambda: "has 212 MiB in use, more than 100 MiB" in screen(app))
        assert not actor.orders
        await pilot.press("y")
        await until(pilot, lambda: app.actions.log.entries)
        ((action, _),) = actor.orders
        assert action.limits[0].memory_swap_bytes == action.limits[0].memory_bytes == 100 * MIB


async def test_what_is_offered_follows_the_state(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        actor.facts = lambda target: ContainerFacts("paused")
        await menu(pilot, "mcp-api")
        assert words(app) == ["stop", "unpause", "signal…", "limits…"]
        await pilot.press("escape")
        actor.facts = lambda target: ContainerFacts("exited")
        await menu(pilot, "mcp-api")
        assert words(app) == ["start", "limits…"]
        await pilot.press("escape")
        actor.facts = lambda target: ContainerFacts("removing")
        await pilot.press("x")
        await notified(pilot, "nothing can be done to it while it is removing")


async def test_a_swarm_task_is_not_stopped(app_of, actor, screen):
    app, _ = app_of()
    actor.facts = lambda target: ContainerFacts("running", swarm_task=True)
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        assert "a Swarm task: Swarm replaces it at once" in screen(app)
        disabled = [option.disabled for option in app.screen.query_one("#menu-list", OptionList).options]
        assert disabled == [True, True, False, False, False, False]


async def test_one_at_a_time(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        actor.let_go.clear()
        await choose(pilot, "pause")
        await pilot.press("y")
        await notified(pilot, "pausing mcp-stack-mcp-api-1 …")
        await pilot.press("x")
        await notified(pilot, "one action at a time")
        assert isinstance(app.screen, Dashboard)
        actor.let_go.set()
        await notified(pilot, "paused mcp-stack-mcp-api-1")


async def test_gone_between_menu_and_yes(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        await choose(pilot, "stop")
        actor.problem = "mcp-stack-mcp-api-1 is gone"
        await pilot.press("y")
        await notified(pilot, "mcp-stack-mcp-api-1 is gone")
        assert [one.ok for one in app.actions.log.entries] == [False]


async def test_the_look_may_fail_or_come_too_late(app_of, actor):
    app, _ = app_of()
    actor.problem = "no docker engine at unix:///nope"
    async with app.run_test(size=SIZE) as pilot:
        await select(pilot, "mcp-api")
        await pilot.press("x")
        await notified(pilot, "no docker engine")
        actor.problem = ""
        actor.let_go.clear()
        await pilot.press("x", "question_mark")
        actor.let_go.set()
        await until(pilot, lambda: actor.asked == 2 and not app.actions.busy)
        await pilot.pause()
        assert not any(isinstance(one, ActionMenu) for one in app.screen_stack)


async def test_from_the_screen_of_one_service(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await select(pilot, "mcp-api")
        await pilot.press("enter")
        await at(pilot, ServiceScreen)
        await pilot.press("x")
        await at(pilot, ActionMenu)
        await choose(pilot, "restart")
        await pilot.press("y")
        await until(pilot, lambda: app.actions.log.entries)
        assert actor.done == ["restart mcp-stack-mcp-api-1"]


async def test_a_host_process_gets_signals_only(app_of, actor, screen):
    one = frames.process("sshd", 0.1, 40)
    one = replace(one, instances=(replace(one.instances[0], id="4242-777", name="sshd (4242)"),))
    app, _ = app_of(frames.frame(1000, (one,)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("right")
        await menu(pilot, "sshd")
        assert words(app) == ["signal…"]
        await choose(pilot, "signal…")
        await choose(pilot, "HUP")
        assert "kill -HUP 4242" in screen(app)
        assert "only this process gets the signal" in screen(app)
        await pilot.press("y")
        await until(pilot, lambda: app.actions.log.entries)
        assert app.actions.log.entries[0].command == "kill -HUP 4242"
        await pilot.press("e")
        await notified(pilot, "a host process has no shell of its own")


class Late(threading.Thread):
    """Has not come to its turn before somebody waits for it."""

    def start(self) -> None:
        """Not yet."""

    def join(self, timeout: float | None = None) -> None:
        """Now."""
        super().start()
        super().join(timeout)


def test_what_was_begun_at_the_moment_of_quitting_is_left_out(actor, monkeypatch):
    monkeypatch.setattr("mcptop.ui.actions.running.threading.Thread", Late)
    told: list[News] = []
    actions = Actions(actor, told.append, allowed=True)
    actions.begin(Action(Verb.STOP, (ActionTarget("a" * 64, "web", Kind.CONTAINER, "shop", "web"),), "here"))
    actions.stop()
    assert not actor.orders
    assert [news.says for news in told] == ["mcptop ended"]


async def test_another_engine_is_named(app_of, actor, screen):
    app, _ = app_of()
    actor.host = actor.engine = "tcp://10.0.0.5:2376"
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        await choose(pilot, "stop")
        assert "host       tcp://10.0.0.5:2376" in screen(app)
        assert "docker -H tcp://10.0.0.5:2376 stop mcp-stack-mcp-api-1" in screen(app)


async def test_a_shell_is_asked_about_and_needs_a_terminal(app_of, screen, tmp_path, monkeypatch):
    app, _ = app_of()
    (tmp_path / "docker").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    async with app.run_test(size=SIZE) as pilot:
        await select(pilot, "mcp-api")
        await pilot.press("e")
        await at(pilot, ConfirmScreen)
        assert "docker exec -it mcp-stack-mcp-api-1 sh -c" in screen(app)
        await pilot.press("n")
        await at(pilot, Dashboard)
        assert not (tmp_path / "ran").exists(), "nothing is run, or even looked for, without a yes"
        await pilot.press("e")
        await at(pilot, ConfirmScreen)
        await pilot.press("y")
        # A test's screen cannot be lent.
        await notified(pilot, "no shell from here; in a terminal: docker exec -it mcp-stack-mcp-api-1 sh -c")
        assert not app.is_lent
        (tmp_path / "docker").unlink()
        await pilot.press("e")
        await at(pilot, ConfirmScreen)
        await pilot.press("y")
        await notified(pilot, "there is no docker program on PATH")


async def test_a_shell_in_one_of_several(app_of):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-worker", "e")
        assert words(app) == ["shell", "shell"]


async def test_the_log_is_copied(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        app.actions.log.add(NOON, "docker stop a", False, "a is gone")
        await pilot.press("X")
        await at(pilot, CommandLogScreen)
        await pilot.press("y")
        assert app.clipboard == "2026-01-31 12:00:00  docker stop a  # a is gone"
        await pilot.press("escape")
        await at(pilot, Dashboard)


async def test_hostile_names_are_text(app_of, actor, screen):
    one = frames.service(HOSTILE, frames.instance(HOSTILE, 0.1, 40, 512), project=HOSTILE)
    one = replace(one, instances=(replace(one.instances[0], id="f" * 64), replace(one.instances[0], id="e" * 64)))
    app, _ = app_of(frames.frame(1000, (one,)))
    actor.host = HOSTILE
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home", "down", "x")
        await at(pilot, ActionMenu)
        seen = [screen(app)]
        await choose(pilot, "stop all 2")
        seen.append(screen(app))
        assert "docker stop ffffffffffff" in seen[-1]
        await pilot.press(*"confirm", "enter")
        await until(pilot, lambda: len(app.actions.log.entries) == 2)
        await pilot.press("X")
        await at(pilot, CommandLogScreen)
        seen.append(screen(app))
        for text in seen:
            assert "\x1b" not in text
            assert "\u202e" not in text
        assert "[red]no" in seen[0]
        assert "[red]no" in seen[1]


async def test_a_name_that_could_be_markup_is_typed_as_it_is(app_of, actor, screen):
    many = tuple(frames.instance(f"web-{n}", 0.1, 40) for n in range(30))
    app, _ = app_of(frames.frame(1000, (frames.service("[b]x", *many),)))
    async with app.run_test(size=(80, 24)) as pilot:
        await menu(pilot, "[b]x")
        await choose(pilot, "pause all 30")
        assert "type [b]x and Enter" in screen(app)
        assert "docker pause web-29" not in screen(app)
        await pilot.press(*["pagedown"] * 5)
        await pilot.pause()
        assert "docker pause web-29" in screen(app)
        await pilot.press(*"[b]x", "enter")
        await until(pilot, lambda: len(app.actions.log.entries) == 30)
        assert actor.done[-1] == "pause web-29"


OUTSIDE = frozenset({"q,ctrl+c", "ctrl+s"})
"""Leave, and write a file."""


async def as_it_was(pilot) -> None:
    """The keys of a yes into whatever was opened; then a service is selected in the overview again."""
    app = pilot.app
    if len(app.screen_stack) > 1 or app.focused is not app.screen.table:
        await pilot.press("y", "escape")
    while len(app.screen_stack) > 1:
        app.pop_screen()
    dashboard = app.screen
    dashboard.action_back()
    dashboard.action_tab("overview")
    await pilot.pause()
    if dashboard.selected() is None:
        await pilot.press("home", "down")
    assert dashboard.selected() is not None


@pytest.mark.parametrize(
    ("more", "says"), [({"allowed": False}, OFF), ({"replay": True}, REPLAY)], ids=["no flag", "replay"]
)
async def test_without_the_flag_no_key_reaches_an_action(app_of, actor, more, says):
    every = [*bindings.APP_KEYS, *bindings.DASHBOARD_KEYS, *bindings.ACTION_KEYS, *SheetTable.BINDINGS]
    bound = {key for one in every if one.key not in OUTSIDE for key in one.key.split(",")}
    letters = {chr(code + upper) for code in range(ord("a"), ord("z") + 1) for upper in (0, -32)}
    minutes = itertools.count(0, 60)
    now = next(minutes)
    # No notice stands any more when the next key is pressed: what x says is said anew, however long the keys took.
    app, _ = app_of(**more, clock=lambda: now)
    async with app.run_test(size=SIZE) as pilot:
        await as_it_was(pilot)
        for key in sorted(bound | letters - {"q"}):
            now = next(minutes)
            await pilot.press(key)
            await as_it_was(pilot)
        assert (actor.made, actor.asked, actor.orders) == (0, 0, [])
        assert not app.actions.log.entries
        now = next(minutes)
        await pilot.press("x")
        await notified(pilot, says)


@pytest.mark.parametrize("more", [{"allowed": False}, {"replay": True}], ids=["no flag", "replay"])
async def test_without_the_flag_no_palette_word_reaches_an_action(app_of, actor, screen, more, monkeypatch, tmp_path):
    app, _ = app_of(**more)
    async with app.run_test(size=SIZE) as pilot:
        await as_it_was(pilot)
        assert "actions on" not in screen(app)
        for command in app.get_system_commands(app.screen):
            if command.title != "Quit":
                done = command.callback()
                if isawaitable(done):
                    await done
                await pilot.pause()
                await as_it_was(pilot)
        assert (actor.made, actor.asked, actor.orders) == (0, 0, [])


async def test_with_the_flag_the_palette_has_them(app_of):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await select(pilot, "mcp-api")
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"actions")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count > 0)
        await pilot.press("enter")
        await at(pilot, ActionMenu)


async def test_nobody_is_selected(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home", "x")
        await notified(pilot, "select a service or an instance")
        assert not actor.asked


async def test_a_server_that_is_only_asked(app_of, actor):
    server = replace(frames.stack()[3], kind=Kind.SERVER, name="elsewhere")
    app, _ = app_of(frames.frame(1000, (server,)))
    async with app.run_test(size=SIZE) as pilot:
        await select(pilot, "elsewhere")
        await pilot.press("x")
        await notified(pilot, "cannot be acted on")
        assert not actor.asked


async def test_leaving_while_something_is_under_way_begins_nothing_more(app_of, actor):
    app, _ = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-worker")
        actor.let_go.clear()
        await choose(pilot, "restart all 2")
        await pilot.press(*"mcp-worker", "enter")
        await until(pilot, lambda: actor.orders)
        app.actions._run.cancelled.set()
        actor.let_go.set()
        await until(pilot, lambda: not app.actions.busy)
    assert actor.done == ["restart mcp-stack-mcp-worker-1"]


def swarm_frame(**more):
    """The stack, with `mcp-api` a Swarm service of three; a database that gives for one more."""
    services = tuple(
        replace(each, swarm=SwarmService("s1", "mcp-stack_mcp-api", "replicated", 3, 3, "mcp-stack"))
        if each.name == "mcp-api" else each
        for each in frames.stack()
    )  # fmt: skip
    return frames.frame(services=services, **more)


async def test_a_swarm_service_is_scaled_after_a_yes(app_of, actor, screen):
    app, _ = app_of(swarm_frame(budgets=()))
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        await choose(pilot, "scale…")
        await until(pilot, lambda: "4 replicas" in words(app))
        assert words(app) == ["4 replicas", "5 replicas", "6 replicas", "2 replicas", "1 replicas", "0 replicas"]
        assert "docker service scale mcp-stack_mcp-api=4" in screen(app)
        await choose(pilot, "4 replicas")
        await at(pilot, ConfirmScreen)
        assert "3 → 4" in screen(app)
        assert not actor.orders
        await pilot.press("y")
        await notified(pilot, "scaled mcp-stack_mcp-api")
        (action, target), = actor.orders  # fmt: skip
        assert (action.verb, action.replicas, target.id) == (Verb.SCALE, 4, "s1")


async def test_no_replica_at_all_wants_the_name_typed(app_of, actor, screen):
    app, _ = app_of(swarm_frame(budgets=()))
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        await choose(pilot, "scale…")
        await until(pilot, lambda: "0 replicas" in words(app))
        await choose(pilot, "0 replicas")
        await at(pilot, ConfirmScreen)
        assert "none is left" in screen(app)
        await pilot.press("y")
        assert not actor.orders


async def test_what_the_database_does_not_give_is_refused_with_the_sum(app_of, screen):
    shares = (Share("mcp-api", "db", 50, 3, "mcp-stack"),)
    budget = Budget("postgres", 160, "", shares, 150, "mcp-api db 50 x 3 = 150 <= 160", False)
    shown = swarm_frame(budgets=(budget,))
    pools = tuple(frames.pool("db", 1, 50, kind="db", peer="postgres", instance=f"api-{n}") for n in range(3))
    services = tuple(replace(each, pools=pools) if each.name == "mcp-api" else each for each in shown.services)
    app, _ = app_of(replace(shown, services=services))
    async with app.run_test(size=SIZE) as pilot:
        await menu(pilot, "mcp-api")
        await choose(pilot, "scale…")
        await until(pilot, lambda: "4 replicas" in words(app))
        assert "mcp-api db 50 x 4 = 200 > 160" in screen(app)
        options = app.screen.query_one("#menu-list", OptionList).options
        assert [option.disabled for option in options][:4] == [True, True, True, False]
