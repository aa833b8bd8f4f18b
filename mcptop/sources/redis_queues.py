"""The depth of the queues that a Redis server keeps: lists, sorted sets, and streams with their groups of consumers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mcptop.model.value import Value
from mcptop.sources.redis_reply import Ask, Command, Reply, item, number
from mcptop.units import plain

# Scores and entry ids that count milliseconds lie in here: 2001 to 2286.
_MILLISECONDS = range(10**12, 10**13)
_Group = dict[str, bytes | int | None]


class RedisQueue(Value, frozen=True):
    """One key, or one group of consumers of a stream."""

    key: str
    group: str | None = None
    kind: str = "none"
    """list, zset, stream; none: there is no such key now, which is how Redis keeps an empty list."""
    depth: int | None = None
    in_flight: int | None = None
    """Stream: handed out and not acknowledged."""
    oldest_age_s: float | None = None
    """Stream: of the first entry that was not handed out, else of the first not acknowledged. Sorted set: since the
    lowest score, where that is a time in milliseconds that has passed."""
    entered_total: int | None = None
    left_total: int | None = None
    """Stream: handed out to this group."""


class Queues:
    """Reads the depths: first what every type has, then what the groups of streams have."""

    def __init__(self, ask: Ask, now_ms: int | None) -> None:
        self._ask = ask
        self._now_ms = now_ms
        self._refused: list[str] = []

    def read(self, keys: Sequence[str], types: Sequence[Reply]) -> tuple[tuple[RedisQueue, ...], tuple[str, ...]]:
        """The queues, and one line for each key that is none. `types`: the answers of TYPE."""
        known = list(zip(keys, types, strict=True))
        commands = [command for key, kind in known for command in _commands(key, kind)]
        replies = iter(self._ask(commands) if commands else ())
        found: list[RedisQueue] = []
        for key, kind in known:
            found += self._queues_of(key, kind, [next(replies) for _ in _commands(key, kind)])
        return tuple(found), tuple(self._refused)

    def _queues_of(self, key: str, kind: Reply, replies: list[Reply]) -> list[RedisQueue]:
        name = plain(key)
        if kind == b"none":
            return [RedisQueue(name, depth=0)]
        if not replies:
            refusal = str(kind) if isinstance(kind, Exception) else f"a {_string(kind)} is no queue"
            self._refused.append(f"{name}: {plain(refusal)}")
            return []
        self._refused += [f"{name}: {plain(str(reply))}" for reply in replies if isinstance(reply, Exception)]
        depth = replies[0] if isinstance(replies[0], int) else None
        if kind == b"zset":
            return [RedisQueue(name, kind="zset", depth=depth, oldest_age_s=self._age_s(item(replies[1], 1)))]
        if kind == b"stream" and (groups := parse_groups(replies[1])):
            return self._groups_of(key, groups)
        return [RedisQueue(name, kind=_string(kind), depth=depth)]

    def _groups_of(self, key: str, groups: list[_Group]) -> list[RedisQueue]:
        commands: list[Command] = []
        for group in groups:
            commands += [("XRANGE", key, _after(_string(group.get("last-delivered-id"))), "+", "COUNT", "1")]
            name = group.get("name")
            commands += [("XPENDING", key, name if isinstance(name, bytes) else b"")]
        replies = iter(self._ask(commands))
        return [self._group(plain(key), group, next(replies), next(replies)) for group in groups]

    def _group(self, key: str, group: _Group, following: Reply, pending: Reply) -> RedisQueue:
        undelivered, unacknowledged = item(following, 0), item(pending, 1)
        name = plain(_string(group.get("name")))
        lag, read = number(group.get("lag")), number(group.get("entries-read"))
        if lag is None and following == []:
            # Redis cannot say how many are left after some were deleted, and old versions never; but none is none.
            lag = 0
        age_s = self._age_s(_before_dash(undelivered if undelivered is not None else unacknowledged))
        entered = None if lag is None or read is None else read + lag
        return RedisQueue(key, name, "stream", lag, number(group.get("pending")), age_s, entered, read)

    def _age_s(self, moment_ms: object) -> float | None:
        try:
            moment = int(float(moment_ms))  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            return None
        if self._now_ms is None or moment not in _MILLISECONDS or moment > self._now_ms:
            return None
        return (self._now_ms - moment) / 1000


def _commands(key: str, kind: Reply) -> list[Command]:
    """What tells the depth of a key of this type, and where there is more to tell, that."""
    if kind == b"list":
        return [("LLEN", key)]
    if kind == b"zset":
        return [("ZCARD", key), ("ZRANGE", key, "0", "0", "WITHSCORES")]
    return [("XLEN", key), ("XINFO", "GROUPS", key)] if kind == b"stream" else []


def parse_groups(reply: Reply) -> list[_Group]:
    """The answer of XINFO GROUPS, made flat: names and values, each group beginning with its `name`."""
    groups: list[_Group] = []
    if not isinstance(reply, list):
        return groups
    for name, value in list(pairwise(reply))[::2]:
        if name == b"name":
            groups.append({})
        if groups and isinstance(name, bytes):
            groups[-1][name.decode("utf-8", "replace")] = value
    return groups


def _string(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _after(identity: str) -> str:
    """The smallest entry id after this one."""
    moment, _, sequence = identity.partition("-")
    return f"{moment}-{int(sequence) + 1}" if sequence.isdigit() else "-"


def _before_dash(identity: object) -> str | None:
    return identity.decode("ascii", "replace").partition("-")[0] if isinstance(identity, bytes) else None
