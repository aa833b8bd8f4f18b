"""The thread that looks: one look at a time, only what is wanted, and nothing a reader does ends it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from mcptop.closeup.looker import HURRIED_SHARE, SHARE, Looker
from mcptop.closeup.world import Reader, World
from mcptop.model.closeup import Aspect, Closeup, FileCloseup, ProcessKey
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.sources.address_book import AddressBook
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.procfs import Roots
from tests.closeup.programs import no_engine, program, service, world

NOWHERE = World(Roots("/nonexistent"), ProcessTable(Roots("/nonexistent")), AddressBook(), no_engine)
PATIENCE_S = 30.0


def named(name: str, *ids: str) -> Service:
    instances = tuple(Instance(id=id, name=id) for id in ids or (name,))
    return Service("shop", name, Kind.CONTAINER, len(instances), instances)


def assert_set(event: threading.Event) -> None:
    assert event.wait(PATIENCE_S)


class Script:
    """A reader that does as it is told, and remembers what was asked of it."""

    aspect = Aspect.FILES
    every_s = 0.0

    def __init__(self, act: Callable[[Service], None] = lambda service: None) -> None:
        self._act = act
        self.at_once = 0
        self.most_at_once = 0
        self.closed = threading.Event()
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def look(self, service: Service, instances: Sequence[Instance]) -> Closeup:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.append((service.name, tuple(each.id for each in instances)))
        try:
            self._act(service)
        finally:
            self.at_once -= 1
        names = tuple(instance.name for instance in instances)
        return FileCloseup(at=datetime.now(UTC), service=service.key, instances=names)

    def close(self) -> None:
        self.closed.set()


@contextmanager
def looking(
    make: Callable[[World], Reader], deadline_s: float = 5.0
) -> Iterator[tuple[Looker, queue.SimpleQueue[Closeup]]]:
    got: queue.SimpleQueue[Closeup] = queue.SimpleQueue()
    looker = Looker(NOWHERE, got.put, {Aspect.FILES: make, Aspect.SOCKETS: make}, deadline_s)
    looker.start()
    try:
        yield looker, got
    finally:
        looker.stop()


def test_looks_again_and_again_at_what_is_wanted():
    script = Script()
    with looking(lambda world: script) as (looker, got):
        looker.want(Aspect.FILES, api := named("api"), api.instances)
        found = [got.get(timeout=PATIENCE_S) for _ in range(3)]
        assert {each.service for each in found} == {api.key}
    assert script.closed.is_set()
    assert script.most_at_once == 1


def test_a_changed_wish_drops_the_result_of_the_one_before():
    began, go_on = threading.Event(), threading.Event()

    def act(service: Service) -> None:
        if service.name == "slow":
            began.set()
            assert_set(go_on)

    scripts: list[Script] = []

    def make(world: World) -> Script:
        scripts.append(Script(act))
        return scripts[-1]

    with looking(make) as (looker, got):
        looker.want(Aspect.FILES, slow := named("slow"), slow.instances)
        assert began.wait(PATIENCE_S)
        looker.want(Aspect.FILES, fast := named("fast"), fast.instances)
        assert len(scripts) == 1
        go_on.set()
        assert got.get(timeout=PATIENCE_S).service == fast.key
        assert scripts[0].closed.is_set()
        assert scripts[0].asked == [("slow", ("slow",))]


def test_newer_objects_of_the_same_service_keep_the_reader_and_its_rates():
    made: list[Script] = []

    def make(world: World) -> Script:
        made.append(Script())
        return made[-1]

    with looking(make) as (looker, got):
        looker.want(Aspect.FILES, one := named("api"), one.instances)
        got.get(timeout=PATIENCE_S)
        looker.want(Aspect.FILES, more := named("api", "api-1", "api-2"), more.instances)
        while got.get(timeout=PATIENCE_S).instances != ("api-1", "api-2"):
            continue
        assert len(made) == 1


def test_nothing_is_looked_at_when_nothing_is_wanted():
    script = Script()
    with looking(lambda world: script) as (looker, got):
        looker.want(Aspect.FILES, api := named("api"), api.instances)
        got.get(timeout=PATIENCE_S)
        looker.want_nothing()
        assert script.closed.wait(PATIENCE_S)
        asked = len(script.asked)
        while not got.empty():
            got.get()
        with pytest.raises(queue.Empty):
            got.get(timeout=0.05)
        assert len(script.asked) == asked


class Sick(Script):
    """Cannot be closed."""

    def close(self) -> None:
        super().close()
        raise OSError("no\x1b[2J")


def test_a_reader_that_cannot_be_made_or_closed_does_not_end_the_looking():
    script, fails = Sick(), iter([True, False])

    def make(world: World) -> Reader:
        if next(fails, False):
            raise ValueError("bad\x1b[2J\nbytes")
        return script

    with looking(make) as (looker, got):
        looker.want(Aspect.FILES, api := named("api"), api.instances)
        assert got.get(timeout=PATIENCE_S).problem == "defect in mcptop: ValueError: bad [2J bytes"
        looker.want(Aspect.FILES, web := named("web"), web.instances)
        while got.get(timeout=PATIENCE_S).service != web.key:
            continue
        looker.want(Aspect.FILES, api, api.instances)
        assert script.closed.wait(PATIENCE_S)
        while got.get(timeout=PATIENCE_S).service != api.key:
            continue


def test_a_reader_that_raises_is_one_line_and_is_asked_again():
    fails = iter([True, False])

    def act(service: Service) -> None:
        if next(fails, False):
            raise ValueError("bad\x1b[2J\nbytes")

    with looking(lambda world: Script(act)) as (looker, got):
        looker.want(Aspect.FILES, api := named("api"), api.instances)
        assert got.get(timeout=PATIENCE_S).problem == "defect in mcptop: ValueError: bad [2J bytes"
        assert got.get(timeout=PATIENCE_S).problem is None


def test_a_reader_that_hangs_says_so_and_holds_up_no_other_aspect_and_no_end():
    go_on = threading.Event()
    hangs = Script(lambda service: assert_set(go_on))
    quick = Script()
    readers = iter([hangs, quick])
    with looking(lambda world: next(readers), deadline_s=0.05) as (looker, got):
        looker.want(Aspect.FILES, api := named("api"), api.instances)
        problem = got.get(timeout=PATIENCE_S).problem
        assert problem == "no answer for 0 s: still waiting"
        looker.want(Aspect.SOCKETS, api, api.instances)
        while got.get(timeout=PATIENCE_S).problem is not None:
            continue
        assert hangs.most_at_once == 1
        assert not hangs.closed.is_set()
        looker.stop()
        assert quick.closed.wait(PATIENCE_S)
    go_on.set()


def test_a_dear_look_is_followed_by_a_pause_that_keeps_it_below_its_share():
    """Two looks are as far apart as the CPU time of the first demands."""
    at: list[float] = []

    def act(service: Service) -> None:
        at.append(time.monotonic())
        end = time.thread_time() + 0.03
        while time.thread_time() < end:
            pass

    with looking(lambda world: Script(act)) as (looker, got):
        looker.want(Aspect.FILES, api := named("api"), api.instances)
        for _ in range(2):
            got.get(timeout=PATIENCE_S)
    assert at[1] - at[0] >= 0.03 / SHARE


def test_who_hurries_does_not_make_it_dearer_than_a_fifth_of_a_core():
    at: list[float] = []

    def act(service: Service) -> None:
        at.append(time.monotonic())
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass

    with looking(lambda world: Script(act)) as (looker, got):
        looker.want(Aspect.FILES, api := named("api"), api.instances)
        got.get(timeout=PATIENCE_S)
        looker.threads_of(ProcessKey(1, 1))
        got.get(timeout=PATIENCE_S)
    assert 0.05 / HURRIED_SHARE <= at[1] - at[0] < 0.05 / SHARE


def test_the_threads_of_a_real_process_come_with_the_next_look():
    with program("answer(); sys.stdin.readline()") as one:
        seen = world()
        of = service(seen, one.pid)
        got: queue.SimpleQueue[Closeup] = queue.SimpleQueue()
        looker = Looker(seen, got.put)
        looker.start()
        try:
            looker.want(Aspect.PROCESSES, of, of.instances)
            first = got.get(timeout=PATIENCE_S)
            (line,) = first.lines
            assert isinstance(line.key, ProcessKey)
            looker.threads_of(line.key)
            while (found := got.get(timeout=PATIENCE_S)).threads_of is None:
                continue
            assert [thread.tid for thread in found.threads] == [one.pid]
        finally:
            looker.stop()
