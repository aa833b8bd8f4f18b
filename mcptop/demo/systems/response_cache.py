"""Responses kept for a while, bounded in bytes, under a key made of every parameter of the request.

The guide's cache grows without bound, and its key takes two requests for one that differ in temperature or
tools, and one request for two when the order of its keys differs.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from cachetools import TTLCache

from mcptop.demo.systems.stats import CacheStats, total
from mcptop.instrument import read

ENTRY_BYTES = 512
"""What an entry costs beside its value (key, links, headers), roughly: without it empty values would be free."""


def cache_key(params: Mapping[str, object]) -> str:
    """SHA-256 of the canonical JSON of all parameters. Raises TypeError or ValueError for what JSON cannot hold."""
    text = json.dumps(params, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class _Counted(TTLCache[str, bytes]):
    """Counts what leaves for want of room, and what leaves because its time is over."""

    def __init__(self, max_bytes: int, ttl_s: float, clock: Callable[[], float]) -> None:
        super().__init__(max_bytes, ttl_s, timer=clock, getsizeof=lambda value: len(value) + ENTRY_BYTES)
        self.evictions = 0
        self.expirations = 0

    def popitem(self) -> tuple[str, bytes]:
        item = super().popitem()
        self.evictions += 1
        return item

    def expire(self, time: float | None = None) -> Any:
        expired = super().expire(time)
        self.expirations += len(expired)
        return expired


class ResponseCache:
    """Least recently used responses go first. A value larger than the whole cache is not kept."""

    def __init__(
        self,
        max_bytes: int,
        ttl_s: float = 300,
        clock: Callable[[], float] = time.monotonic,
        name: str = "responses",
    ) -> None:
        self._name = name
        self._entries = _Counted(max_bytes, ttl_s, clock)
        self._hits = 0
        self._misses = 0

    def get(self, key: str) -> bytes | None:
        """The value, or None where there is none (any more)."""
        self._entries.expire()
        value = self._entries.get(key)
        if value is None:
            self._misses += 1
        else:
            self._hits += 1
        return value

    def set(self, key: str, value: bytes) -> None:
        """Keep a value for `ttl_s` seconds from now, if it fits at all."""
        if len(value) + ENTRY_BYTES <= self._entries.maxsize:
            self._entries[key] = value
        else:
            # The one kept so far is out of date.
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget all values; the counts go on."""
        self._entries.clear()

    def stats(self) -> CacheStats:
        """The cache now; `bytes` includes a flat amount per entry."""
        self._entries.expire()
        now = read(self._entries)
        return CacheStats(
            name=self._name,
            entries=total("entries", now),
            bytes=total("bytes", now),
            max_bytes=total("max_bytes", now),
            hits=self._hits,
            misses=self._misses,
            evictions=total("evictions", now),
            expirations=total("expirations", now),
        )
