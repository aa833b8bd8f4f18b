"""A Redis server's clients and the depth of the queues it keeps, by commands that only read.

Asked over a connection that is kept, or by `redis-cli` inside the server's container; both give replies of the same
form, which `redis_view` and `redis_queues` make a view of.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any

from mcptop.server_settings import Address
from mcptop.sources.redis_reply import Command, Reply
from mcptop.sources.redis_view import RedisView, look_with
from mcptop.sources.server import Execute, ServerError, ended_well

_CSV = re.compile(rb'"(?:[^"\\]|\\.)*"|[^,]+')
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}


class RedisByAddress:
    """Asks over a connection of its own, which is kept until a look fails."""

    def __init__(self, url: str, address: Address, queues: Sequence[str], timeout_s: float) -> None:
        self._url = url
        self._address = address
        self._queues = tuple(queues)
        self._timeout_s = timeout_s
        self._connection: Any = None

    def look(self, container: str | None) -> RedisView:
        """Ask once. Raises `ServerError`."""
        try:
            import redis
        except ImportError:
            raise ServerError("needs redis: pip install 'mcptop[redis]'") from None
        try:
            self._connection = self._connection or self._connect()
            return look_with(self._ask, self._queues)
        except (redis.RedisError, OSError) as error:
            self.close()
            said = f"no answer within {self._timeout_s:g} s" if _is_timeout(error) else _one_line(error)
            raise ServerError(self._address.without_passwords(said)) from None

    def _connect(self) -> Any:
        from redis import ConnectionPool
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # The URL's options are the pool's to understand; of its connections this one is all we use.
        try:
            pool = ConnectionPool.from_url(
                self._url,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=self._timeout_s,
                socket_connect_timeout=self._timeout_s,
            )
            connection: Any = pool.make_connection()
        except (ValueError, TypeError):
            # What redis-py says of an option it does not know may quote its value.
            raise ServerError("redis-py does not understand the url") from None
        connection.connect()
        return connection

    def _ask(self, commands: Sequence[Command]) -> list[Reply]:
        from redis import ResponseError

        connection = self._connection
        connection.send_packed_command(connection.pack_commands(commands))
        replies: list[Reply] = []
        for _ in commands:
            try:
                replies.append(_flat(connection.read_response()))
            except ResponseError as error:
                replies.append(error)
        return replies

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None


def _is_timeout(error: Exception) -> bool:
    import redis

    return isinstance(error, (redis.TimeoutError, TimeoutError))


def _one_line(error: Exception) -> str:
    """redis-py says `Error 111 connecting to cache:6379. Connection refused.`; the reader knows where."""
    line = next(iter(str(error).splitlines()), "") or type(error).__name__
    return re.sub(r"^Error -?\d+ connecting to .*?\. (?=\S)", "", line).rstrip(".")


def _flat(reply: object) -> Reply:
    """Nested lists as one, as redis-cli prints them."""
    if not isinstance(reply, list):
        return reply if isinstance(reply, (bytes, int)) else None
    flat: list[bytes | int | None] = []
    for item in reply:
        inner = _flat(item)
        flat += inner if isinstance(inner, list) else [inner if isinstance(inner, (bytes, int)) else None]
    return flat


class RedisInContainer:
    """Asks by `redis-cli` inside the server's container: one run for all commands that are known together."""

    def __init__(self, execute: Execute, queues: Sequence[str], timeout_s: float) -> None:
        self._execute = execute
        self._queues = tuple(queues)
        self._timeout_s = timeout_s

    def look(self, container: str | None) -> RedisView:
        """Ask once, in this container. Raises `ServerError`."""
        if container is None:
            raise ServerError("its container is not among those that run")

        def ask(commands: Sequence[Command]) -> list[Reply]:
            # --csv quotes every text, in old versions as in new ones, but for INFO and CLIENT LIST: hence the marks.
            mark = b"mcptop-" + secrets.token_hex(8).encode()
            stdin = b"".join(b" ".join(map(_quoted, command)) + b"\nECHO " + mark + b"\n" for command in commands)
            done = self._execute(container, ["redis-cli", "--csv"], {}, stdin + b"quit\n", self._timeout_s)
            replies = ended_well(done, "redis-cli").split(b'"' + mark + b'"\n')
            if len(replies) != len(commands) + 1:
                said = (done.complaint or done.output).decode("utf-8", "replace").strip().splitlines()
                raise ServerError(said[0] if said else "redis-cli gave no answer")
            return [parse_csv(reply) for reply in replies[:-1]]

        return look_with(ask, self._queues)

    def close(self) -> None:
        """Close the connection to the engine."""
        self._execute.close()


def _quoted(word: str | bytes) -> bytes:
    """A word of a command as redis-cli reads it from its input."""
    return b'"' + b"".join(b"\\x%02x" % byte for byte in (word.encode() if isinstance(word, str) else word)) + b'"'


def parse_csv(text: bytes) -> Reply:
    """One reply of `redis-cli --csv`; one that is no list of several items is that item."""
    line = text.removesuffix(b"\n")
    if b"\n" in line or line.startswith(b"id="):
        return line
    if line.startswith(b"ERROR,"):
        return ValueError(_text(line[6:]).decode("utf-8", "replace"))
    items = [_item(token) for token in _CSV.findall(line)]
    return items[0] if len(items) == 1 else items


def _item(token: bytes) -> bytes | int | None:
    if token.startswith(b'"'):
        return _text(token)
    return int(token) if re.fullmatch(rb"-?\d+", token) else None


def _text(token: bytes) -> bytes:
    def plain_byte(match: re.Match[bytes]) -> bytes:
        what = match[1]
        return bytes([int(what[1:], 16)]) if len(what) == 3 else _LETTERS.get(what, what)

    return _ESCAPE.sub(plain_byte, token.removeprefix(b'"').removesuffix(b'"'))
