"""What can be said of a pool, a queue or a cache: the name on the page, what it says, and the field it stands in."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One metric of one kind of thing: its name after the kind's, what it says, and where its value stands."""

    name: str
    says: str
    field: str
    counts: bool = False
    """Only grows; its name ends in `_total`."""


class Kind(NamedTuple):
    """Things with the same figures."""

    prefix: str
    """What the names of its metrics begin with."""
    label: str
    """The label with the thing's own name."""
    figures: tuple[Figure, ...]


POOL = Kind(
    "mcp_connection_pool",
    "pool",
    (
        Figure("size", "Connections the pool holds, without overflow", "size"),
        Figure("max", "Most connections, overflow included", "max"),
        Figure("active", "Connections in use", "in_use"),
        Figure("idle", "Connections open and free", "idle"),
        Figure("waiting", "Callers that wait for a connection", "waiting"),
        Figure("waits", "Callers that had to wait", "waits", True),
        Figure("wait_seconds", "Time callers waited, all together", "wait_s", True),
        Figure("timeouts", "Callers that waited in vain", "timeouts", True),
    ),
)
QUEUE = Kind(
    "mcp_queue",
    "queue",
    (
        Figure("depth", "Jobs that wait", "depth"),
        Figure("in_flight", "Jobs being worked on", "in_flight"),
        Figure("capacity", "Jobs that may wait", "capacity"),
        Figure("oldest_age_seconds", "Age of the oldest waiting job", "oldest_age_s"),
        Figure("entered", "Jobs accepted", "entered", True),
        Figure("left", "Jobs taken out", "left", True),
        Figure("rejected", "Jobs refused because it was full", "rejected", True),
    ),
)
CACHE = Kind(
    "mcp_cache",
    "cache",
    (
        Figure("entries", "Entries held", "entries"),
        Figure("max_entries", "Entries it may hold", "max_entries"),
        Figure("bytes", "Bytes held", "bytes"),
        Figure("max_bytes", "Bytes it may hold", "max_bytes"),
        Figure("hits", "Lookups that found something", "hits", True),
        Figure("misses", "Lookups that found nothing", "misses", True),
        Figure("evictions", "Entries put out for lack of room", "evictions", True),
        Figure("expirations", "Entries that grew too old", "expirations", True),
    ),
)
KINDS = (POOL, QUEUE, CACHE)


def label(text: str) -> str:
    """A label's value that can be written as UTF-8."""
    return text.encode(errors="replace").decode()
