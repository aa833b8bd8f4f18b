"""What is watched, under which name, for how long; and that nothing ever reaches the service."""

from __future__ import annotations

import asyncio
import gc
import logging
import queue
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest

from mcptop import instrument
from mcptop.instrument.figures import CACHE, POOL, QUEUE
from mcptop.instrument.page import tables
from mcptop.instrument.registry import Registry


def _names(registry: Registry) -> list[str]:
    return [seen.name for seen in registry.look()]


def test_watch_returns_the_thing_and_the_page_has_it_until_it_is_gone() -> None:
    jobs = instrument.watch(asyncio.Queue(7), "seven")
    assert isinstance(jobs, asyncio.Queue)
    assert 'mcp_queue_capacity{service="here",queue="seven"} 7\n' in instrument.render("here")
    del jobs
    gc.collect()
    assert "seven" not in instrument.render("here")


def test_forget() -> None:
    jobs = instrument.watch(queue.Queue(), "forgotten")
    instrument.forget(jobs)
    assert "forgotten" not in instrument.render()


def test_two_of_one_name_are_told_apart_and_keep_their_names() -> None:
    registry = Registry()
    first, second, third = asyncio.Queue(), asyncio.Queue(), asyncio.Semaphore(1)
    registry.watch(first, "jobs")
    registry.watch(second, "jobs")
    # A pool is on other lines of the page.
    registry.watch(third, "jobs")
    assert _names(registry) == ["jobs", "jobs-2", "jobs"]
    del first
    gc.collect()
    assert _names(registry) == ["jobs-2", "jobs"]
    registry.watch(fourth := asyncio.Queue(), "jobs")
    assert _names(registry) == ["jobs-2", "jobs", "jobs"]
    assert fourth.empty()


def test_a_thing_watched_twice_has_the_later_name_once() -> None:
    registry = Registry()
    jobs = asyncio.Queue()
    for name in ("old", "jobs", "jobs"):
        registry.watch(jobs, name)
    assert _names(registry) == ["jobs"]


class Counted:
    """What a service counts itself."""

    waits = 3
    wait_s = 1.5
    max = 9
    idle = None

    @property
    def timeouts(self) -> int:
        raise RuntimeError("not now")


def test_what_the_service_counts_is_added_and_comes_first() -> None:
    registry = Registry()
    gate, counted = asyncio.BoundedSemaphore(2), Counted()
    registry.watch(gate, "gate", counted)
    (seen,) = registry.look()
    assert seen.figures == {"max": 9, "in_use": 0, "idle": 2, "waiting": 0, "waits": 3, "wait_s": 1.5}
    # Once when it was watched, once now.
    assert registry.errors.count == 2
    del counted
    gc.collect()
    (seen,) = registry.look()
    assert seen.figures == {"max": 2, "in_use": 0, "idle": 2, "waiting": 0}


class Broken(asyncio.Queue):  # type: ignore[type-arg]
    """A library that has changed."""

    maxsize = property(lambda self: 1 / 0, lambda self, value: None)  # type: ignore[assignment]


class Unspeakable(Exception):
    """Cannot be printed either."""

    def __str__(self) -> str:
        raise RuntimeError


class Nameless(type):
    """The type of a type that cannot be printed."""

    def __repr__(cls) -> str:
        raise Unspeakable


class Hostile(metaclass=Nameless):
    """Raises at every touch."""

    def __getattr__(self, name: str) -> Any:
        raise Unspeakable

    def __eq__(self, other: object) -> bool:
        raise Unspeakable

    def __hash__(self) -> int:
        raise Unspeakable

    def __str__(self) -> str:
        raise Unspeakable


@pytest.mark.parametrize("make", [lambda: None, int, str, list, object, Hostile, lambda: Hostile], ids=range(7))
def test_what_nobody_can_read_is_left_out_and_counted(make: Callable[[], object]) -> None:
    registry, thing = Registry(), make()
    registry.watch(thing)
    assert registry.look() == []
    assert registry.errors.count == 1
    registry.forget(thing)


def test_a_name_that_cannot_be_had_is_an_error_like_any_other() -> None:
    registry = Registry()
    registry.watch(jobs := asyncio.Queue(), Hostile())  # type: ignore[arg-type]
    assert (jobs.qsize(), registry.look(), registry.errors.count) == (0, [], 1)


def test_an_attribute_that_is_gone_takes_no_other_with_it_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    broken = Broken()
    broken.put_nowait(1)
    registry.watch(broken, "jobs")
    for _ in range(3):
        assert [dict(seen.figures) for seen in registry.look()] == [{"depth": 1}]
    assert registry.errors.count == 4
    assert [record.getMessage() for record in caplog.records] == [
        "cannot read jobs capacity: ZeroDivisionError: division by zero"
    ]
    (errors,) = (table for table in tables(registry, "api") if table.name == "mcp_instrument_errors")
    assert errors.rows == {("api",): 5}


def test_a_log_that_fails_is_not_the_services_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError

    monkeypatch.setattr(logging.getLogger("mcptop.instrument"), "handlers", [Failing()])
    registry = Registry()
    registry.watch(object())
    assert registry.errors.count == 1


def test_what_ends_the_program_is_let_through() -> None:
    class Leaving:
        @property
        def waits(self) -> int:
            raise KeyboardInterrupt

    registry, gate, leaving = Registry(), asyncio.Semaphore(1), Leaving()
    with pytest.raises(KeyboardInterrupt):
        registry.watch(gate, "gate", leaving)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, None])
def test_a_number_that_can_be_no_figure_has_no_sample(value: float | None) -> None:
    class Counts:
        waits = value

    registry, gate, counts = Registry(), asyncio.Semaphore(1), Counts()
    registry.watch(gate, "gate", counts)
    assert "waits" not in registry.look()[0].figures
    assert registry.errors.count == 0


def test_threads_may_watch_and_look_at_once() -> None:
    registry = Registry()
    kept, troubles, over = [], [], threading.Event()

    def busy() -> None:
        try:
            while not over.is_set():
                list(tables(registry, "api"))
                registry.watch(lru_cache(str))
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(200):
        registry.watch(each := queue.Queue(), f"q{number % 5}")
        kept.append(each)
    over.set()
    for thread in threads:
        thread.join(20)
    assert troubles == []
    assert len({name for name in _names(registry) if name.startswith("q")}) == len(kept)
    assert registry.errors.count == 0


def test_kinds_do_not_share_a_field_with_different_names() -> None:
    """`also` is read by field: the same word must mean the same figure."""
    for kind in (POOL, QUEUE, CACHE):
        fields = [figure.field for figure in kind.figures]
        assert len(set(fields)) == len(fields)
