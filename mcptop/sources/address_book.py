"""Who is at a network address: the containers' addresses, with the time each was theirs, and who has which port where
several share a network namespace.

Engines give an address to another container after a restart, so a name is always that of who had the address then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import NamedTuple

from mcptop.model.snapshot import Target
from mcptop.model.value import Kind

KEPT_S = 15 * 60
"""So long a connection to somebody who is gone keeps its name: as long as the history."""


Ports = Mapping[int, str]
"""Port -> target."""


class _Holding(NamedTuple):
    target: Target
    since: float
    until: float | None = None


class AddressBook:
    """Written by the collectors in the course of a tick, read by those after them."""

    def __init__(self) -> None:
        self.version = 0
        """Grows whenever a name may have changed."""
        self._targets: tuple[Target, ...] = ()
        self._by_id: dict[str, Target] = {}
        self._held: dict[str, list[_Holding]] = {}
        self._gateways: frozenset[str] = frozenset()
        self._published: dict[int, Target] = {}
        self._host: int | None = None
        self._space_of: Mapping[str, int] = {}
        self._sharers: dict[int, tuple[Ports, Ports]] = {}
        self._ports: dict[str, tuple[int, ...]] = {}

    def learn(self, targets: tuple[Target, ...], at: float) -> None:
        """The targets there are now."""
        if len(targets) == len(self._targets) and all(a is b for a, b in zip(targets, self._targets, strict=True)):
            return
        self._targets = targets
        self._by_id = {target.id: target for target in targets}
        self._gateways = frozenset(gateway for target in targets for gateway in target.gateways)
        self._published = {outside: target for target in targets for outside, _ in target.published}
        self._hold({address: target for target in targets for address in target.addresses}, at)
        self.version += 1

    def _hold(self, now: dict[str, Target], at: float) -> None:
        for address in self._held.keys() | now.keys():
            past = [held for held in self._held.get(address, ()) if held.until is None or at - held.until < KEPT_S]
            holder = now.get(address)
            if past and past[-1].until is None and (holder is None or past[-1].target.id != holder.id):
                past[-1] = past[-1]._replace(until=at)
            if holder is not None:
                if past and past[-1].until is None:
                    past[-1] = past[-1]._replace(target=holder)
                else:
                    past.append(_Holding(holder, at))
            self._held[address] = past
        self._held = {address: held for address, held in self._held.items() if held}

    def learn_spaces(self, space_of: Mapping[str, int], host: int) -> None:
        """The network namespace of each target, and the host's."""
        if space_of != self._space_of:
            self.version += 1
        self._space_of, self._host = space_of, host
        spaces = {host, *space_of.values()}
        self._sharers = {space: ports for space, ports in self._sharers.items() if space in spaces}

    def learn_sharers(self, space: int, listeners: Ports, clients: Ports) -> None:
        """Of a namespace that several share: who listens on which port, and from which ports whose connections go."""
        if listeners != self._sharers.get(space, (None,))[0]:
            self.version += 1
        self._sharers[space] = listeners, clients

    def learn_ports(self, ports: Mapping[str, tuple[int, ...]]) -> None:
        """Target -> the ports it listens on; other targets keep theirs."""
        now = {key: found for key, found in {**self._ports, **ports}.items() if key in self._by_id}
        if now != self._ports:
            self._ports = now
            self.version += 1

    def target(self, id: str) -> Target | None:
        """The target with this id; None when it is gone."""
        return self._by_id.get(id)

    def ports(self, target: str) -> tuple[int, ...]:
        """The ports a target listens on, as far as known."""
        return self._ports.get(target, ())

    def at(self, address: str, moment: float) -> Target | None:
        """The container that had the address at this moment; the last one that had it, for a while, if none has."""
        found = None
        for held in self._held.get(address, ()):
            if held.since <= moment or found is None:
                found = held.target
        return found

    def address(self, target: Target) -> str | None:
        """Where its ports can be reached from the host; None while that is not known."""
        if target.addresses:
            return target.addresses[0]
        space = self._space_of.get(target.id)
        if target.kind is not Kind.CONTAINER or (space is not None and space == self._host):
            return "127.0.0.1"
        others = (other for other in self._targets if other.addresses and self._space_of.get(other.id) == space)
        sharer = next(others, None) if space is not None else None
        return sharer.addresses[0] if sharer is not None else None

    def owner(self, address: str, port: int) -> str | None:
        """Target id of who opened a connection that comes from this address and port."""
        held = self._held.get(address)
        if held and held[-1].until is None:
            holder = held[-1].target.id
            return self._client(self._space_of.get(holder), port) or holder
        return self._client(self._host, port) if self._is_host(address) else None

    def server(self, host: str, port: int) -> str | None:
        """Target id of who listens there."""
        held = self._held.get(host)
        if held and held[-1].until is None:
            holder = held[-1].target.id
            return self._listener(self._space_of.get(holder), port) or holder
        if not self._is_host(host):
            return next((target.id for target in self._targets if host in (target.name, target.service)), None)
        published = self._published.get(port)
        return published.id if published is not None else self._listener(self._host, port)

    def peer(self, asker: Target, address: str, port: int, moment: float) -> str:
        """What to call the other end of a connection: a service, or its address and port."""
        found = self.at(address, moment)
        if found is not None:
            found = self._sharer(self._space_of.get(found.id), port) or found
        elif _is_loopback(address) and self._is_apart(asker):
            found = self._sharer(self._space_of.get(asker.id), port)
            if found is None:
                return f"localhost:{port}"
        elif self._is_host(address):
            found = self._published.get(port) or self._sharer(self._host, port)
            if found is None:
                return f"host:{port}"
        if found is not None:
            same = found.project == asker.project or found.project is None
            return found.service if same else f"{found.project}/{found.service}"
        if ip_address(address).is_global:
            # Names in the internet stand for many addresses; the port tells more than each of them.
            return f"internet:{port}"
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    def _is_apart(self, target: Target) -> bool:
        """Whether its loopback is not the host's."""
        space = self._space_of.get(target.id)
        return bool(target.addresses) if space is None else space != self._host

    def _listener(self, space: int | None, port: int) -> str | None:
        return self._sharers[space][0].get(port) if space in self._sharers else None

    def _client(self, space: int | None, port: int) -> str | None:
        return self._sharers[space][1].get(port) if space in self._sharers else None

    def _sharer(self, space: int | None, port: int) -> Target | None:
        return self._by_id.get(self._listener(space, port) or "")

    def _is_host(self, address: str) -> bool:
        return address == "localhost" or address in self._gateways or _is_loopback(address)


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")


def addresses_of(networks: Iterable[Mapping[str, object]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Addresses and gateways among the `Networks` of an engine's answer; empty ones are none."""
    entries = [network for network in networks if isinstance(network, Mapping)]
    found = [[str(entry[name]) for entry in entries for name in names if entry.get(name)]
             for names in (("IPAddress", "GlobalIPv6Address"), ("Gateway", "IPv6Gateway"))]  # fmt: skip
    return tuple(dict.fromkeys(found[0])), tuple(dict.fromkeys(found[1]))
