"""Python stacks: which frames are the program's own, and where a thread stands."""

from __future__ import annotations

from typing import Any

import pytest

from mcptop.playbook.steps.places import stuck, works
from mcptop.playbook.steps.stacks import StackFrame, commonest, of_dump
from mcptop.sources.task_look import TaskLook

SITE = "/srv/venv/lib/python3.11/site-packages"
LIB = "/usr/lib/python3.11"
BOOT = (("_bootstrap", f"{LIB}/threading.py"), ("run", f"{LIB}/threading.py"))


def thread(*frames: tuple[str, str], tid: int | None = 7, **more: Any) -> dict[str, Any]:
    """As py-spy dumps it; the outermost call first, as one reads it here."""
    calls = [{"name": name, "filename": file, "line": at} for at, (name, file) in enumerate(frames, 1)]
    given = {"thread_id": 99, "thread_name": "T", "os_thread_id": tid, "active": True, "owns_gil": False}
    return {**given, "frames": calls[::-1], **more}


def own(*threads: dict[str, Any]) -> list[str]:
    return [frame.name for stack in of_dump(threads) for frame in stack.frames if frame.own]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ([("<module>", "/srv/app/main.py")], ["mine", "<module>"]),
        ([("_run_code", "<frozen runpy>"), ("<module>", f"{SITE}/api/__main__.py")], ["handle", "<module>"]),
        ([("<module>", f"{SITE}/api/__main__.py")], ["handle", "<module>"]),
        ([("<module>", "/usr/local/bin/uvicorn"), ("<module>", f"{SITE}/api/x.py")], ["mine", "<module>"]),
        ([("<module>", "<string>")], ["mine", "<module>"]),
    ],
)
def test_the_programs_own_frames(start: list[tuple[str, str]], expected: list[str]) -> None:
    calls = [
        *start,
        ("run", f"{SITE}/uvicorn/server.py"),
        ("handle", f"{SITE}/api/routes.py"),
        ("wait", f"{LIB}/queue.py"),
    ]
    if "mine" in expected:
        calls.insert(-1, ("mine", "/srv/app/own.py"))
    assert own(thread(*calls)) == expected


def test_the_package_that_was_started_is_that_of_all_threads() -> None:
    main = thread(("_run_module_as_main", "<frozen runpy>"), ("<module>", f"{SITE}/api/__main__.py"))
    worker = thread(*BOOT, ("work", f"{SITE}/api/jobs.py"), ("get", f"{SITE}/redis/client.py"), tid=8)
    assert own(worker, main) == ["work", "<module>"]
    assert own(worker) == []


def test_where_a_thread_stands() -> None:
    idle = thread(*BOOT, ("get", f"{LIB}/queue.py"), ("wait", f"{LIB}/threading.py"), thread_name="pool_0")
    selecting = thread(("<module>", "/srv/a.py"), ("run_forever", f"{LIB}/asyncio/base_events.py"),
                       ("_run_once", f"{LIB}/asyncio/base_events.py"), ("select", f"{LIB}/selectors.py"))  # fmt: skip
    between = thread(("run_forever", "x.py"), ("BaseEventLoop._run_once", f"{LIB}/asyncio/base_events.py"))
    held = thread(("_run_once", f"{LIB}/asyncio/base_events.py"), ("_run", f"{LIB}/asyncio/events.py"),
                  ("handler", "/srv/a.py"), ("sleep", f"{LIB}/x.py"))  # fmt: skip
    lazy, waiting, turning, blocked = of_dump([idle, selecting, between, held])
    assert [each.is_idle_worker for each in (lazy, waiting, turning, blocked)] == [True, False, False, False]
    assert [each.in_callback for each in (lazy, waiting, turning, blocked)] == [False, False, False, True]
    assert blocked.own is not None
    assert blocked.own.where == "handler() in a.py:3"
    assert lazy.thread == "pool_0"


@pytest.mark.parametrize(
    ("calls", "loop", "callback"),
    [
        ([("Runner.run", f"{LIB}/asyncio/runners.py")], True, False),
        ([("Runner.run", f"{LIB}/asyncio/runners.py"), ("handler", "/srv/a.py")], True, True),
        ([("wrapper", f"{SITE}/uvloop/__init__.py"), ("serve", f"{SITE}/uvicorn/server.py")], True, True),
        ([("asyncio_run", f"{SITE}/uvicorn/_compat.py")], True, False),
        ([("Worker.run_forever", "/srv/a.py")], False, False),
        ([("run_forever", "/srv/a.py"), ("blpop", f"{SITE}/redis/client.py")], False, False),
        ([("run", "/srv/a.py"), ("run", f"{LIB}/subprocess.py")], False, False),
    ],
)
def test_which_loop_is_an_event_loop(calls: list[tuple[str, str]], loop: bool, callback: bool) -> None:
    (stack,) = of_dump([thread(("<module>", "/srv/a.py"), *calls)])
    assert (stack.in_loop, stack.in_callback) == (loop, callback)


WAIT = ("Condition.wait", f"{LIB}/threading.py")


@pytest.mark.parametrize(
    ("calls", "for_ever", "idle"),
    [
        ([("work", "/srv/a.py"), ("Queue.get", f"{LIB}/queue.py"), WAIT], False, True),
        ([("work", "/srv/a.py"), ("Queue.get", f"{LIB}/queue.py"), WAIT], True, True),
        ([("work", "/srv/a.py"), ("Queue.get", f"{LIB}/multiprocessing/queues.py"), ("x", f"{LIB}/x.py")], True, True),
        ([("work", "/srv/a.py"), ("Event.wait", f"{LIB}/threading.py"), WAIT], True, True),
        ([("work", "/srv/a.py"), ("Event.wait", f"{LIB}/threading.py"), WAIT], False, False),
        ([("work", "/srv/a.py"), ("Semaphore.acquire", f"{LIB}/threading.py"), WAIT], True, False),
        ([("work", "/srv/a.py")], True, False),
        ([("work", "/srv/a.py"), ("acquire", f"{LIB}/logging/__init__.py")], True, False),
        ([("work", "/srv/a.py"), ("_get_conn", f"{SITE}/urllib3/pool.py"), ("Queue.get", f"{LIB}/queue.py"), WAIT],
         True, False),
        ([("work", "/srv/a.py"), ("Queue.get", f"{SITE}/sqlalchemy/util/queue.py"), WAIT], True, False),
        ([("get", "/srv/queue.py")], True, False),
        ([("_worker", f"{LIB}/concurrent/futures/thread.py")], True, True),
    ],
)  # fmt: skip
def test_who_waits_to_be_given_something_has_no_work(calls: list[tuple[str, str]], for_ever: bool, idle: bool) -> None:
    look = TaskLook(7, 7, "x", "S", 1.0, 0.0, 55, waits_in="futex", for_ever=for_ever, where="0x7f")
    (stack,) = of_dump([thread(*BOOT, *calls)], [look])
    assert stack.is_idle_worker is idle
    assert (works(stack) is None) is idle


def test_what_the_kernel_says_of_the_threads_is_joined_by_their_number_inside() -> None:
    looks = [
        TaskLook(700, 7, "x", "S", 1.0, 0.0, 55, waits_in="futex", for_ever=True, where="0x7f"),
        TaskLook(800, 8, "x", "S", 1.0, 0.0, 66, waits_in="futex", for_ever=False, where="0x7f"),
    ]
    one, two, three = of_dump([thread(*BOOT), thread(*BOOT, tid=8), thread(*BOOT, tid=None)], looks)
    assert (one.slices, one.lock, two.slices, two.lock, three.slices, three.lock) == (55, "0x7f", 66, None, None, None)


def test_a_thread_nobody_looked_at_is_not_stuck() -> None:
    look = TaskLook(7, 7, "x", "S", 1.0, 0.0, 55, waits_in="futex", for_ever=True, where="0x7f")
    waits = thread(*BOOT, ("work", "/srv/a.py"), active=False, thread_name="w")
    assert stuck([of_dump([waits], [look])] * 3)["threads"] == 1
    assert stuck([of_dump([waits])] * 3)["threads"] == 0


def test_a_thread_nobody_asked_may_wait_for_a_lock_or_not() -> None:
    asked = TaskLook(7, 7, "x", "S", 1.0, 0.0, 55, waits_in="sleep")
    unasked = TaskLook(8, 8, "x", "S", 1.0, 0.0, 66, asked=False)
    dump = [thread(*BOOT, ("work", "/srv/a.py"), tid=tid) for tid in (7, 8, 9)]
    assert [stack.waits_for_lock for stack in of_dump(dump, [asked, unasked])] == [False, None, None]


def test_names_and_activity() -> None:
    nameless = thread(*BOOT, thread_name=None)
    unknown = thread(*BOOT, thread_name=None, tid=None, owns_gil=True, active=False)
    odd = thread(*BOOT, thread_name="a\x1b[31m\nb")
    empty = thread()
    assert [each.thread for each in of_dump([nameless, unknown, odd, empty])] == ["thread 7", "thread 99", "a [31m b"]
    assert [each.active for each in of_dump([nameless, unknown])] == [True, False]
    assert [each.active for each in of_dump([nameless, unknown], by_lock=True)] == [False, True]


@pytest.mark.parametrize("dump", [{"a": 1}, [None], [{}], [{"frames": [{"name": "x"}]}], "text", [3], None])
def test_what_is_no_dump(dump: Any) -> None:
    with pytest.raises((KeyError, TypeError)):
        of_dump(dump)


def test_the_commonest_function_at_its_commonest_line() -> None:
    frames = [
        StackFrame("a", "x.py", 1),
        StackFrame("a", "x.py", 3),
        StackFrame("a", "x.py", 3),
        StackFrame("b", "x.py", 9),
    ]
    found = commonest([*frames, StackFrame("a", "y.py", 1)])
    assert found is not None
    assert (found.name, found.line) == ("a", 3)
    assert commonest([]) is None
