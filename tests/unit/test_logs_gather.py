"""Followers on threads: lines of all of them together, one handing-over at a time, and an end to every thread."""

from __future__ import annotations

import queue
import threading

import pytest

from mcptop.logs.gather import LINES_A_DRAW, Gathering
from mcptop.model.log import Entry, What
from mcptop.sources.log_box import LogBox, LogError, Raw


class Told:
    """Says some lines and waits to be closed; or has none, and says why."""

    def __init__(self, *lines: bytes, error: str = "") -> None:
        self.lines, self.error = lines, error
        self.closed, self.looked = threading.Event(), threading.Event()

    def follow(self, box: LogBox) -> None:
        """Until it is closed."""
        if self.error:
            raise LogError(self.error)
        raws: list[Raw] = [(1, 1e9 + number, line + b"\n") for number, line in enumerate(self.lines)]
        box.put_past(raws)
        self.closed.wait(60)

    def look_again(self) -> None:
        """Remember it."""
        self.looked.set()

    def close(self) -> None:
        """End."""
        self.closed.set()


def ours() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("mcptop-log")}


@pytest.fixture
def emitted() -> queue.SimpleQueue[list[Entry]]:
    return queue.SimpleQueue()


def test_lines_of_all_and_why_there_are_none(emitted: queue.SimpleQueue[list[Entry]]) -> None:
    before = ours()
    followers = {"a": Told(b"one", b"two"), "b": Told(error="b: its logging driver is `none`")}
    gathering = Gathering(emitted.put, clock=lambda: 2e9)
    gathering.start(followers)
    found: list[Entry] = []
    while len(found) < 3:
        found += emitted.get(timeout=10)
        gathering.ready()
    assert {(entry.instance, entry.text, entry.what) for entry in found} == {
        ("a", "one", What.LINE), ("a", "two", What.LINE), ("b", "b: its logging driver is `none`", What.MARK),
    }  # fmt: skip
    assert len({entry.number for entry in found}) == 3
    gathering.look_again("a")
    gathering.look_again("nobody")
    assert followers["a"].looked.is_set()
    gathering.stop()
    assert followers["a"].closed.is_set()
    for thread in ours() - before:
        thread.join(10)
        assert not thread.is_alive()


def test_nothing_comes_before_the_last_was_drawn(emitted: queue.SimpleQueue[list[Entry]]) -> None:
    gathering = Gathering(emitted.put)
    gathering.start({"a": Told(b"first")})
    assert [entry.text for entry in emitted.get(timeout=10)] == ["first"]
    gathering.add("b", Told(b"second"))
    with pytest.raises(queue.Empty):
        emitted.get(timeout=0.5)
    gathering.ready()
    assert [entry.text for entry in emitted.get(timeout=10)] == ["second"]
    gathering.stop()


def test_who_is_let_go_says_what_it_had_to_say_and_is_forgotten(emitted: queue.SimpleQueue[list[Entry]]) -> None:
    gathering, first = Gathering(emitted.put), Told(b"last words")
    gathering.start({"a": first})
    gathering.let_go("a")
    assert [entry.text for entry in emitted.get(timeout=10)] == ["last words"]
    assert first.closed.is_set()
    gathering.add("b", Told(b"more"))
    gathering.ready()
    assert [entry.text for entry in emitted.get(timeout=10)] == ["more"]
    assert list(gathering._followed) == ["b"]
    assert gathering._followed["b"].box.lines > LINES_A_DRAW // 3, "one that restarts gets no smaller share each time"
    gathering.stop()


def test_many_followers_share_what_can_be_read() -> None:
    gathering = Gathering(lambda entries: None)
    gathering.start({str(number): Told() for number in range(10)})
    assert {followed.box.lines for followed in gathering._followed.values()} == {LINES_A_DRAW // 10}
    gathering.stop()
