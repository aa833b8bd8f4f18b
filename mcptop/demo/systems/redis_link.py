"""The connection to Redis that the queue uses: no hidden retries, and errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

POLL_S = 1
"""Seconds of one blocking pop: how long a pop that nobody waits for any more lives on."""

_CONNECT_S = 2.0
_ANSWER_S = 5.0


class RedisLink:
    """One pool of connections. Those that a restart of Redis left dead are replaced by the next command."""

    def __init__(self, url: str) -> None:
        # A repeated push would be a second job: what fails is the caller's to repeat.
        self.redis: Redis = Redis.from_url(
            url, socket_connect_timeout=_CONNECT_S, socket_timeout=_ANSWER_S, retry=Retry(NoBackoff(), 0)
        )
        settings = self.redis.connection_pool.connection_kwargs
        self._where = str(settings.get("path") or f"{settings.get('host', 'localhost')}:{settings.get('port', 6379)}")

    @contextmanager
    def plain_errors(self) -> Iterator[None]:
        """Raises ConnectionError, one line with host and port and never a password, for what Redis' client raises."""
        try:
            yield
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ConnectionError(f"Redis at {self._where}: {reason}") from error

    async def pop(self, key: str) -> bytes | None:
        """The tail of a list, waiting for it up to `POLL_S` seconds. Raises ConnectionError."""
        with self.plain_errors():
            found = await self.redis.brpop([key], timeout=POLL_S)
        return None if not found else _bytes(found[1])

    async def aclose(self) -> None:
        """Close all connections."""
        await self.redis.aclose()


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
