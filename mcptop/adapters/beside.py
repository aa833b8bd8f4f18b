"""Maxima that a server does not tell on its page of metrics but in a document beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from mcptop.adapters.mapping import MAX_FIGURE, Mapped
from mcptop.adapters.tables import Adapter, Beside

KEPT_S = 60.0
"""A server's settings seldom change while it runs."""
Fetch = Callable[[str], bytes | None]
"""The body at a URL; None where there is none to be had."""


class Documents:
    """Looks into the documents, each once a minute. For several threads: two may look at once, and find the same."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, int | None]] = {}

    def complete(self, url: str, mapped: Mapped, adapters: tuple[Adapter, ...]) -> Mapped:
        """The same with the maxima that can be found; `url` is that of the page."""
        wanted = {
            entry.name: entry.max_beside
            for adapter in adapters
            if adapter.name in mapped.names
            for entry in adapter.pool
            if entry.max_beside is not None
        }
        if not any(pool.name in wanted and pool.max is None for pool in mapped.pools):
            return mapped
        pools = []
        for pool in mapped.pools:
            place = wanted.get(pool.name) if pool.max is None else None
            if place is not None and (most := self._number(url, place)) is not None:
                pool = msgspec.structs.replace(pool, max=most, max_source=f"{place.key} of {place.path}")
            pools.append(pool)
        return msgspec.structs.replace(mapped, pools=tuple(pools))

    def _number(self, url: str, place: Beside) -> int | None:
        document = urlsplit(url)._replace(path=place.path, query="", fragment="").geturl()
        until, number = self._known.get((document, place.key), (0.0, None))
        if self._clock() >= until:
            body = self._fetch(document)
            number = None if body is None else whole_number(body, place.key)
            self._known[document, place.key] = self._clock() + KEPT_S, number
        return number


def whole_number(body: bytes, key: str) -> int | None:
    """What a JSON object says under this key; None unless that is a count of something."""
    try:
        found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])[key]
        number = msgspec.json.decode(found, type=int)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        return None
    return number if 0 < number <= MAX_FIGURE else None
