"""Pages fetched again and again by a few threads, so that no tick waits for one."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from mcptop.sources.http_page import HttpError
from mcptop.units import plain

T = TypeVar("T")
SECOND_S = 1.2
"""From the first fetch to the second: rates need two, and a tick of a second has to see the first in between."""
_THREADS = 4
_MOST_S = 30.0


class Outcome(NamedTuple, Generic[T]):
    """How an endpoint did; the same object until it was fetched again."""

    result: T | None
    """Of the last fetch that succeeded."""
    read_at: float | None
    """When that was, in monotonic seconds."""
    error: str | None
    """Why the last fetch failed; None when it did not."""
    fetches: int
    failures: int
    """In a row."""


def pause_s(every_s: float, fetches: int, failures: int) -> float:
    """Seconds until the next fetch: soon after the first, ever later while it fails."""
    if failures:
        return max(every_s, min(_MOST_S, every_s * 2.0 ** min(failures - 1, 8)))
    return min(SECOND_S, every_s) if fetches == 1 else every_s


class Scraper(Generic[T]):
    """Calls `fetch` for every wanted endpoint. `fetch` runs in several threads and may raise `HttpError`."""

    def __init__(self, fetch: Callable[[str], T], every_s: float = 5.0, threads: int = _THREADS) -> None:
        self._fetch = fetch
        self._every_s = every_s
        self._most_threads = threads
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._wanted: frozenset[str] = frozenset()
        self._due: list[tuple[float, str]] = []
        self._fetching: set[str] = set()
        """Those a thread is at; in `_due` again when it is done, never before: each has one schedule."""
        self._outcomes: dict[str, Outcome[T]] = {}
        self._closed = False

    def want(self, urls: Iterable[str]) -> None:
        """The endpoints there are now; new ones are fetched at once, others are forgotten."""
        wanted = frozenset(urls)
        with self._changed:
            new = wanted - self._wanted - self._fetching
            self._outcomes = {url: outcome for url, outcome in self._outcomes.items() if url in wanted}
            self._due = [entry for entry in self._due if entry[1] in wanted]
            self._due += [(0.0, url) for url in sorted(new)]
            heapq.heapify(self._due)
            self._wanted = wanted
            for _ in range(min(len(wanted), self._most_threads) - len(self._threads)):
                self._start()
            self._changed.notify_all()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=f"mcptop-scrape-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def latest(self, url: str) -> Outcome[T] | None:
        """The newest outcome; None before the first."""
        return self._outcomes.get(url)

    @property
    def settled(self) -> bool:
        """Whether every endpoint has been fetched twice, or its first fetch has failed."""
        outcomes = [self._outcomes.get(url) for url in self._wanted]
        return all(outcome is not None and (outcome.fetches > 1 or outcome.failures > 0) for outcome in outcomes)

    def _run(self) -> None:
        while (url := self._next()) is not None:
            outcome = self._asked(url, self._outcomes.get(url) or Outcome(None, None, None, 0, 0))
            with self._changed:
                self._fetching.discard(url)
                if url in self._wanted:
                    self._outcomes[url] = outcome
                    due = time.monotonic() + pause_s(self._every_s, outcome.fetches, outcome.failures)
                    heapq.heappush(self._due, (due, url))
                    self._changed.notify()

    def _next(self) -> str | None:
        """The endpoint whose turn it is, taken out of the queue; None at the end."""
        with self._changed:
            while not self._closed:
                wait_s = self._due[0][0] - time.monotonic() if self._due else None
                if wait_s is not None and wait_s <= 0:
                    url = heapq.heappop(self._due)[1]
                    self._fetching.add(url)
                    return url
                self._changed.wait(wait_s)
        return None

    def _asked(self, url: str, before: Outcome[T]) -> Outcome[T]:
        try:
            result = self._fetch(url)
        except HttpError as error:
            return before._replace(error=str(error), fetches=before.fetches + 1, failures=before.failures + 1)
        except Exception as error:
            # A defect in reading one page must not end the reading of all; it is shown, where it will be seen.
            says = f"defect in mcptop: {type(error).__name__}: {plain(str(error))}"
            return before._replace(error=says, fetches=before.fetches + 1, failures=before.failures + 1)
        return Outcome(result, time.monotonic(), None, before.fetches + 1, 0)

    def close(self) -> None:
        """End the threads; one that hangs in a fetch ends with the process."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        ends = time.monotonic() + 0.5
        for thread in self._threads:
            thread.join(timeout=max(0.0, ends - time.monotonic()))
