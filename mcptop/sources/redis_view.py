"""One look at a Redis server: which commands are sent, and what their replies mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mcptop.model.value import Value
from mcptop.sources.redis_queues import Queues, RedisQueue
from mcptop.sources.redis_reply import Ask, Command, Reply, number
from mcptop.sources.server import ServerError
from mcptop.units import plain

_GENERAL: tuple[Command, ...] = (
    ("CLIENT", "SETNAME", "mcptop"),
    ("INFO",),
    ("CONFIG", "GET", "maxclients"),
    ("CLIENT", "ID"),
    ("CLIENT", "LIST"),
    ("TIME",),
)


class RedisClient(Value, frozen=True):
    """One connection of the server, as CLIENT LIST has it."""

    address: str
    port: int | None
    """None over the server's own socket."""
    name: str = ""
    age_s: int = 0
    idle_s: int = 0
    """Since its last command."""
    flags: str = ""
    command: str = ""
    """The last one."""

    @property
    def is_idle(self) -> bool:
        """Silent for a second or more without waiting for anything: not blocked (b), subscribed (P), a replica's or
        a master's link (S, M) or a monitor (O)."""
        return self.idle_s >= 1 and not set(self.flags) & set("bPSMO")


class RedisView(Value, frozen=True):
    """One look at a server; our own connection is left out."""

    version: str
    maxclients: int | None
    connected: int | None
    """Clients, without links of replicas; from INFO, where CLIENT LIST is forbidden."""
    clients: tuple[RedisClient, ...] | None
    """None: CLIENT LIST is forbidden."""
    rejected_connections: int | None
    """Turned away at maxclients, since the server started."""
    queues: tuple[RedisQueue, ...] = ()
    refused: tuple[str, ...] = ()
    """What could not be read, and why: one line each."""


def look_with(ask: Ask, keys: Sequence[str]) -> RedisView:
    """One look. Raises `ServerError` when not even INFO is answered."""
    replies = ask([*_GENERAL, *(("TYPE", key) for key in keys)])
    _, info, limit, own, listed, time = replies[: len(_GENERAL)]
    if not isinstance(info, bytes):
        raise ServerError(plain(str(info)))
    facts = dict(parse_info(info))
    clients = None if not isinstance(listed, bytes) else tuple(_clients(listed, own))
    connected = number(facts.get("connected_clients"))
    queues, refused = Queues(ask, _now_ms(time)).read(keys, replies[len(_GENERAL) :])
    return RedisView(
        version=plain(facts.get("redis_version", "?"), 40),
        maxclients=number(limit[1]) if isinstance(limit, list) and len(limit) == 2 else number(facts.get("maxclients")),
        connected=len(clients) if clients is not None else None if connected is None else max(0, connected - 1),
        clients=clients,
        rejected_connections=number(facts.get("rejected_connections")),
        queues=queues,
        refused=refused if clients is not None else (f"CLIENT LIST: {plain(str(listed))}", *refused),
    )


def parse_info(text: bytes) -> Iterator[tuple[str, str]]:
    """The lines `name:value` of INFO."""
    for line in text.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name, value


def _clients(text: bytes, own: Reply) -> Iterator[RedisClient]:
    for line in text.decode("utf-8", "replace").splitlines():
        fields = dict(word.partition("=")[::2] for word in line.split(" "))
        if not fields.get("id") or fields["id"] == str(own):
            continue
        host, _, port = fields.get("addr", "").rpartition(":")
        yield RedisClient(
            address=plain(host.strip("[]")),
            port=(number(port) or None) if not host.startswith("/") else None,
            name=plain(fields.get("name", "")),
            age_s=number(fields.get("age")) or 0,
            idle_s=number(fields.get("idle")) or 0,
            flags=plain(fields.get("flags", "")),
            command=plain(fields.get("cmd", ""), 40),
        )


def _now_ms(time: Reply) -> int | None:
    """By the server's own clock."""
    parts = [number(part) for part in time] if isinstance(time, list) else []
    return parts[0] * 1000 + parts[1] // 1000 if len(parts) == 2 and None not in parts else None  # type: ignore[operator]
