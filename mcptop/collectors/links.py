"""What the kernel's sockets say of a service's connections and of what waits to be accepted, as pools and queues.

Counts of connections are exact, over all processes of a service's replica. What of them is in use is inferred, and so
is the maximum that a setting promises or a library has by default.
"""

from __future__ import annotations

from collections.abc import Callable

from mcptop.model.flow import Confidence
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.model.snapshot import Target
from mcptop.sources import pool_settings
from mcptop.sources.address_book import AddressBook
from mcptop.sources.tcp_view import Link, TcpView

SOURCE = "kernel"


Default = Callable[[int], tuple[int, str] | None]
"""Port of a server -> the most connections one process keeps to it by default, and by whose default."""


def flows_of(
    view: TcpView, asker: Target, book: AddressBook, read_at: float, overflows: int | None, default: Default
) -> FlowReading:
    """One owner's sockets as a reading. `overflows` counts connections its listeners had to turn away."""
    named: dict[str, tuple[int, Link]] = {}
    for (address, port), link in view.links.items():
        name = book.peer(asker, address, port, read_at)
        known = named.get(name)
        named[name] = (port, link if known is None else _both(known[1], link))
    pools = tuple(_pool(name, port, link, asker, default) for name, (port, link) in sorted(named.items()))
    return FlowReading(read_at, SOURCE, pools, _queues(view, overflows))


def _pool(name: str, port: int, link: Link, asker: Target, default: Default) -> PoolReading:
    most, says = _most(port, link, asker, default)
    return PoolReading(
        name=name,
        kind=pool_settings.kind(port),
        peer=name,
        open=link.established,
        in_use=link.busy,
        idle=None if link.busy is None else link.established - link.busy,
        max=most,
        max_source=says,
        longest_s=link.longest_s,
        connecting=link.connecting,
        close_wait=link.close_wait,
        time_wait=link.time_wait,
        confidence=Confidence.INFERRED,
    )


def _most(port: int, link: Link, asker: Target, default: Default) -> tuple[int | None, str | None]:
    """What the settings promise, else the library's default, of all processes together."""
    processes = pool_settings.processes(asker.environment)
    found = pool_settings.most(asker.environment, port)
    if found is None and (found := default(port)) is not None and found[0] * processes < link.established:
        # More than that: somebody has set it to something else.
        found = None
    if found is None:
        return None, None
    return found[0] * processes, found[1] + (f", in {processes} processes" if processes > 1 else "")


def _queues(view: TcpView, overflows: int | None) -> tuple[QueueReading, ...]:
    # The kernel counts overflows for all listeners together; the fullest is the one that had them.
    fullest = max(view.listeners.values(), key=lambda listener: listener.fullness, default=None)
    return tuple(
        QueueReading(
            name=f":{listener.port}",
            kind="accept",
            depth=listener.depth,
            capacity=listener.backlog,
            rejected_total=overflows if listener is fullest else None,
        )
        for listener in sorted(view.listeners.values(), key=lambda listener: listener.port)
    )


def _both(one: Link, other: Link) -> Link:
    """The connections to two addresses of one service."""
    longest = [each for each in (one.longest_s, other.longest_s) if each is not None]
    return Link(
        established=one.established + other.established,
        connecting=one.connecting + other.connecting,
        close_wait=one.close_wait + other.close_wait,
        time_wait=one.time_wait + other.time_wait,
        busy=None if one.busy is None and other.busy is None else (one.busy or 0) + (other.busy or 0),
        longest_s=max(longest, default=None),
    )
