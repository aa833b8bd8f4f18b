"""What `netstat`, `ss` and `proc-net` tell of a target's TCP connections; the three differ in who lists the sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from mcptop.model.value import Value
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.two_looks import per_s
from mcptop.sources.network_look import counters

EMITS = {
    "seconds": "between the two looks",
    "shared": "others have sockets in the network namespace too, and the kernel's counters count theirs as well",
    "established": "connections in use or idle", "close_wait": "that the peer has closed and the target has not",
    "time_wait": "closed here, waiting for stragglers; of a shared namespace those of the target's peers and ports",
    "syn_sent": "not answered yet", "listen": "ports and addresses it listens on",
    "established_growth": "at the end less at the start", "close_wait_growth": "of CLOSE_WAIT",
    "time_wait_growth": "of TIME_WAIT",
    "peer": "address and port most CLOSE_WAIT, or else most connections lead to; only an address where they came in",
    "peer_established": "connections with it", "peer_close_wait": "of them in CLOSE_WAIT",
    "peer_time_wait": "in TIME_WAIT",
    "time_wait_ratio": "share of the ports for outgoing connections that wait in TIME_WAIT to one peer, at most",
    "new_per_s": "connections to its peers that were not there at the first look, a second, at least",
    "opened_per_s": "connections it opened, a second; in a shared namespace `new_per_s`",
    "failed_per_s": "attempts that failed in the namespace, a second",
    "retransmit_ratio": "segments sent again for each one sent", "segments_per_s": "segments sent, a second",
    "overflows": "connections the kernel turned away because an accept queue was full, while we looked",
    "accept.port": "the listener with the fullest accept queue", "accept.depth": "connections nobody accepted yet",
    "accept.backlog": "how many may wait there", "accept.full": "more wait than may",
}  # fmt: skip

ESTABLISHED, SYN_SENT, TIME_WAIT, CLOSE_WAIT, LISTEN = 1, 2, 6, 8, 10
STATES = {
    "ESTABLISHED": ESTABLISHED, "ESTAB": ESTABLISHED, "SYN_SENT": SYN_SENT, "SYN_RECV": 3, "FIN_WAIT1": 4,
    "FIN_WAIT_1": 4, "FIN_WAIT2": 5, "FIN_WAIT_2": 5, "TIME_WAIT": TIME_WAIT, "CLOSE": 7, "UNCONN": 7,
    "CLOSE_WAIT": CLOSE_WAIT, "LAST_ACK": 9, "LISTEN": LISTEN, "CLOSING": 11, "NEW_SYN_RECV": 12,
}  # fmt: skip
"""The kernel's number of a state, by the words of netstat and ss."""
RESOLVER = "127.0.0.11"
"""Docker's, in each container of a user-defined network; it is not the container's doing."""
Peer = tuple[str, int]


class Socket(Value, frozen=True, array_like=True):
    """One TCP socket."""

    state: int
    local: str
    local_port: int
    remote: str
    remote_port: int
    inode: int
    """0: no process holds it."""
    depth: int
    """Of a listener: connections nobody accepted yet."""
    backlog: int | None = None

    @property
    def key(self) -> tuple[int, Peer]:
        """Which connection it is."""
        return self.local_port, (self.remote, self.remote_port)


class NetLook(Value, frozen=True):
    """What the kernel says beside the sockets themselves, at one moment."""

    at: float
    """Monotonic seconds."""
    shared: bool
    inodes: frozenset[int]
    """Sockets the target holds; of a namespace of its own every one is its."""
    peers: frozenset[Peer]
    """Whom it was seen connected to until now, where the namespace is shared."""
    snmp: str
    netstat: str
    port_range: str
    """`low high`; empty where that is not known."""


class _Owned:
    """The target's part of one look."""

    def __init__(self, look: NetLook, sockets: Iterable[Socket], peers: frozenset[Peer]) -> None:
        everybody = [s for s in sockets if not (s.state == LISTEN and s.local == RESOLVER)]
        held = [s for s in everybody if not look.shared or s.inode in look.inodes]
        self.listeners = [s for s in held if s.state == LISTEN]
        self._ports = {s.local_port for s in self.listeners}
        self.peers = peers | {s.key[1] for s in held if self.is_outgoing(s)}
        orphans = [s for s in everybody if look.shared and s.state == TIME_WAIT and self._is_of_ours(s)]
        self.sockets = [*held, *orphans]
        self.states = Counter(s.state for s in self.sockets)

    def is_outgoing(self, socket: Socket) -> bool:
        """Whether it was opened from here."""
        return socket.state != LISTEN and socket.local_port not in self._ports

    def _is_of_ours(self, socket: Socket) -> bool:
        return not self.is_outgoing(socket) or socket.key[1] in self.peers

    @property
    def outgoing(self) -> list[Socket]:
        """Connections opened from here."""
        return [s for s in self.sockets if self.is_outgoing(s)]


Seen = tuple[NetLook, Sequence[Socket]]


def values(first: Seen, second: Seen) -> dict[str, Any]:
    """The facts under the names of `EMITS`."""
    (before, at_first), (after, at_second) = first, second
    seconds = after.at - before.at
    # Whom it was connected to at any time tells whose the connections are that nobody holds any more.
    peers = _Owned(before, at_first, before.peers | after.peers).peers
    new = _Owned(after, at_second, peers)
    old = _Owned(before, at_first, new.peers)
    came = {s.key for s in new.outgoing} - {s.key for s in old.outgoing}
    tcp = _growth(before.snmp, after.snmp, "Tcp")
    sent, again = tcp.get("OutSegs"), tcp.get("RetransSegs")
    found = {
        "seconds": seconds,
        "shared": after.shared,
        **{name: new.states[state] for name, state in _COUNTED.items()},
        **{f"{name}_growth": new.states[_COUNTED[name]] - old.states[_COUNTED[name]] for name in _GROWING},
        **_peer(new),
        "time_wait_ratio": _ports_waiting(new, after.port_range),
        "new_per_s": per_s(len(came), seconds),
        "opened_per_s": per_s(len(came) if after.shared else tcp.get("ActiveOpens"), seconds),
        "failed_per_s": per_s(tcp.get("AttemptFails"), seconds),
        "retransmit_ratio": again / sent if sent and again is not None else None,
        "segments_per_s": per_s(sent, seconds),
        "overflows": _growth(before.netstat, after.netstat, "TcpExt").get("ListenOverflows"),
    }
    return {**{name: rounded(value) for name, value in found.items()}, "accept": _accept(old, new)}


_COUNTED = {
    "established": ESTABLISHED, "close_wait": CLOSE_WAIT, "time_wait": TIME_WAIT, "syn_sent": SYN_SENT,
    "listen": LISTEN,
}  # fmt: skip
_GROWING = ("established", "close_wait", "time_wait")


def summary(found: Mapping[str, Any]) -> str:
    """The states one asks for first."""
    return f"{found['established']} established, {found['close_wait']} CLOSE_WAIT, {found['time_wait']} TIME_WAIT"


def _growth(before: str, after: str, protocol: str) -> dict[str, int]:
    old, new = counters(before, protocol), counters(after, protocol)
    return {name: new[name] - old[name] for name in new if name in old and new[name] >= old[name]}


def _peer(owned: _Owned) -> dict[str, Any]:
    """Connections by whom they lead to; what came in has as many ports at the other end as connections."""
    states: dict[tuple[bool, str], Counter[int]] = {}
    for socket in owned.sockets:
        if socket.state != LISTEN:
            out = owned.is_outgoing(socket)
            name = shown((socket.remote, socket.remote_port)) if out else socket.remote
            states.setdefault((out, name), Counter())[socket.state] += 1
    if not states:
        return {"peer": None, "peer_established": 0, "peer_close_wait": 0, "peer_time_wait": 0}
    (_, name), counted = max(states.items(), key=lambda item: (item[1][CLOSE_WAIT], item[0][0], item[1].total()))
    return {
        "peer": name,
        "peer_established": counted[ESTABLISHED],
        "peer_close_wait": counted[CLOSE_WAIT],
        "peer_time_wait": counted[TIME_WAIT],
    }


def _ports_waiting(owned: _Owned, port_range: str) -> float | None:
    """A port is taken once for each peer: two connections to different peers can go out from the same one."""
    low, _, high = " ".join(port_range.split()).partition(" ")
    if not (low.isdigit() and high.isdigit()) or int(high) < int(low):
        return None
    waiting = Counter(s.key[1] for s in owned.outgoing if s.state == TIME_WAIT)
    return max(waiting.values(), default=0) / (int(high) - int(low) + 1)


def _accept(old: _Owned, new: _Owned) -> dict[str, Any]:
    """The fullest accept queue of both looks."""
    listeners = [*old.listeners, *new.listeners]
    if not listeners:
        return {"port": None, "depth": 0, "backlog": None, "full": False}
    fullest = max(listeners, key=lambda s: (s.depth / (s.backlog or 1), s.depth, -s.local_port))
    full = None if fullest.backlog is None else fullest.depth > fullest.backlog
    return {"port": fullest.local_port, "depth": fullest.depth, "backlog": fullest.backlog, "full": full}


def shown(peer: Peer) -> str:
    """`10.0.0.4:5432`, `[fd00::1]:80`."""
    address, port = peer
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def endpoint(text: str) -> Peer:
    """`127.0.0.1:80`, `[::1]:80`, `:::80`, `*:*`, `[fe80::1]%eth0:80` as address and port. Raises ValueError."""
    address, _, port = text.rpartition(":")
    address = address.replace("[", "").replace("]", "").partition("%")[0]
    number = 0 if port == "*" else int(port)
    if address in ("*", ""):
        return "0.0.0.0", number
    parsed = ip_address(address)
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return str(mapped or parsed), number
