"""Endpoints fetched in the background: nobody waits for one that hangs; a failure keeps what was known before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mcptop.sources.http_page import HttpError
from mcptop.sources.scraper import SECOND_S, Scraper, pause_s


class Endpoints:
    """What is behind the URLs: `good` counts, `bad` fails, `hang` hangs, `bug` is a defect."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.calls = 0
        self.named: list[str] = []

    def fetch(self, url: str) -> str:
        """One page."""
        self.calls += 1
        self.named.append(url)
        if url.startswith("hang"):
            self.release.wait(30)
        if url == "bad":
            raise HttpError("bad: refused")
        if url == "bug":
            raise ZeroDivisionError("oops")
        return f"{url} {self.calls}"


@pytest.fixture
def endpoints() -> Iterator[Endpoints]:
    """They let go at the end."""
    made = Endpoints()
    yield made
    made.release.set()


def until(check: Callable[[], object]) -> None:
    """Wait for other threads, but not for ever."""
    ends = time.monotonic() + 20
    while not check():
        assert time.monotonic() < ends, "it did not happen"


def test_one_that_hangs_holds_up_nobody(endpoints: Endpoints) -> None:
    scraper = Scraper(endpoints.fetch, every_s=0.01, threads=4)
    scraper.want(["hang1", "hang2", "hang3", "good"])
    until(lambda: (outcome := scraper.latest("good")) and outcome.fetches >= 3)
    assert scraper.latest("hang1") is None
    assert not scraper.settled
    endpoints.release.set()
    until(lambda: scraper.settled)
    scraper.close()


def test_a_failure_keeps_what_was_known(endpoints: Endpoints) -> None:
    answers: list[str | HttpError] = ["first", HttpError("gone")]

    def fetch(url: str) -> str:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, HttpError):
            raise answer
        return answer

    scraper = Scraper(fetch, every_s=0.01)
    scraper.want(["it"])
    until(lambda: (outcome := scraper.latest("it")) and outcome.error)
    outcome = scraper.latest("it")
    assert outcome is not None
    assert (outcome.result, outcome.error) == ("first", "gone")
    assert outcome.read_at is not None
    scraper.close()


def test_failures_and_defects_are_said(endpoints: Endpoints) -> None:
    scraper = Scraper(endpoints.fetch)
    scraper.want(["bad", "bug"])
    until(lambda: scraper.settled)
    bad, bug = scraper.latest("bad"), scraper.latest("bug")
    assert bad is not None
    assert bug is not None
    assert (bad.error, bad.result) == ("bad: refused", None)
    assert bug.error == "defect in mcptop: ZeroDivisionError: oops"
    scraper.close()


def test_what_nobody_wants_any_more_is_forgotten(endpoints: Endpoints) -> None:
    scraper = Scraper(endpoints.fetch, every_s=0.01)
    scraper.want(["good", "other"])
    until(lambda: scraper.latest("good") and scraper.latest("other"))
    scraper.want(["other"])
    assert scraper.latest("good") is None
    before = scraper.latest("other")
    until(lambda: scraper.latest("other") is not before)
    assert scraper.latest("good") is None
    scraper.close()


def test_one_that_is_wanted_again_while_it_hangs_keeps_one_schedule(endpoints: Endpoints) -> None:
    scraper = Scraper(endpoints.fetch, every_s=0.01, threads=4)
    for _ in range(3):
        scraper.want(["hang"])
        until(lambda: endpoints.calls)
        scraper.want([])
    scraper.want(["hang", "good"])
    until(lambda: (outcome := scraper.latest("good")) and outcome.fetches >= 3)
    assert endpoints.named.count("hang") == 1, "a second thread went to it"
    endpoints.release.set()
    until(lambda: (outcome := scraper.latest("hang")) and outcome.fetches >= 3)
    with scraper._changed:
        assert [url for _, url in scraper._due].count("hang") + len(scraper._fetching & {"hang"}) == 1
    scraper.close()


def test_without_endpoints_there_is_no_thread(endpoints: Endpoints) -> None:
    scraper = Scraper(endpoints.fetch)
    scraper.want([])
    assert scraper.settled
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mcptop-scrape")]
    scraper.close()


def test_a_closed_one_has_no_threads_left(endpoints: Endpoints) -> None:
    scraper = Scraper(endpoints.fetch)
    scraper.want(["good"])
    until(lambda: scraper.latest("good"))
    scraper.close()
    assert not any(thread.is_alive() for thread in scraper._threads)


@pytest.mark.parametrize(
    ("fetches", "failures", "pause"),
    [(1, 0, SECOND_S), (2, 0, 5.0), (9, 1, 5.0), (9, 2, 10.0), (9, 3, 20.0), (9, 4, 30.0), (99, 90, 30.0)],
)
def test_the_second_comes_soon_and_failures_ever_later(fetches: int, failures: int, pause: float) -> None:
    assert pause_s(5.0, fetches, failures) == pause


def test_a_long_interval_is_not_shortened_by_failures() -> None:
    assert pause_s(60.0, 9, 3) == 60.0
