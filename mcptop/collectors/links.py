"""What the kernel's sockets say of a service's connections and of what waits to be accepted, as pools and queues.

Counts of connections are exact. What of them is in use is inferred, and so is the maximum that a setting promises.
"""

from __future__ import annotations

from mcptop.model.flow import Confidence
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.model.snapshot import Target
from mcptop.sources import pool_settings
from mcptop.sources.address_book import AddressBook
from mcptop.sources.tcp_view import Link, Listener, TcpView

SOURCE = "kernel"


def flows_of(
    view: TcpView, asker: Target, book: AddressBook, read_at: float, overflows: int | None = None
) -> FlowReading:
    """One owner's sockets as a reading. `overflows` counts connections its listeners had to turn away."""
    named: dict[str, tuple[int, Link]] = {}
    for (address, port), link in view.links.items():
        name = book.peer(asker, address, port, read_at)
        known = named.get(name)
        named[name] = (port, link if known is None else _both(known[1], link))
    pools = tuple(_pool(name, port, link, asker) for name, (port, link) in sorted(named.items()))
    return FlowReading(read_at, SOURCE, pools, _queues(view, overflows))


def _pool(name: str, port: int, link: Link, asker: Target) -> PoolReading:
    promised = pool_settings.most(asker.environment, port)
    return PoolReading(
        name=name,
        kind=pool_settings.kind(port),
        peer=name,
        open=link.established,
        in_use=link.busy,
        idle=None if link.busy is None else link.established - link.busy,
        max=promised[0] if promised else None,
        max_source=promised[1] if promised else None,
        longest_s=link.longest_s,
        connecting=link.connecting,
        close_wait=link.close_wait,
        time_wait=link.time_wait,
        confidence=Confidence.INFERRED,
    )


def _queues(view: TcpView, overflows: int | None) -> tuple[QueueReading, ...]:
    # The kernel counts overflows for all listeners together; the fullest is the one that had them.
    fullest = max(view.listeners.values(), key=_fullness, default=None)
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


def _fullness(listener: Listener) -> tuple[float, int]:
    return listener.depth / (listener.backlog or 1), -listener.port


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
