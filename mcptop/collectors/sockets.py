"""TCP sockets: by state of each container, named service and the host, with their connections by peer.

Counting sockets walks a table of the whole host, so a namespace is looked at every five seconds, dumped
only when it has sockets, and less often while its counts stand still.
"""

from __future__ import annotations

from functools import partial

from mcptop.collectors.base import SLOW_TICKS, Findings, NoData, Tick
from mcptop.collectors.links import flows_of
from mcptop.model.flow_reading import FlowReading
from mcptop.model.instance import Sockets
from mcptop.model.snapshot import Target
from mcptop.sources import procfs
from mcptop.sources.address_book import AddressBook
from mcptop.sources.client_libraries import ClientLibraries
from mcptop.sources.kept import Gone
from mcptop.sources.network_space import NetworkSpace
from mcptop.sources.process_table import ProcessTable

# The walk costs the same when nothing changes, so a namespace whose counts stand still is dumped less often.
_STILL_TICKS = 3 * SLOW_TICKS


class _Turn:
    """When a namespace is looked at."""

    def __init__(self, space: NetworkSpace, slot: int) -> None:
        self.space = space
        self.read_at = 0.0
        self._slot = slot
        self._due = 0
        self._still = 0

    def hurry(self) -> None:
        """Look in this tick."""
        self._due = 0

    def read(self, tick: Tick) -> bool:
        """Whether it was time to look again. Raises as `NetworkSpace.look`."""
        if tick.number < self._due:
            if tick.number == self._due - 1:
                self.space.prepare()
            return False
        before, self.read_at = self.space.sockets, tick.monotonic
        self.space.look()
        # Spread over the ticks: what was opened together would otherwise be dumped together for ever.
        self._due = tick.number + SLOW_TICKS - (self._slot % SLOW_TICKS if before is None else 0)
        self._still = self._still + 1 if before is not None and _same(before, self.space.sockets) else 0
        if not self.space.is_empty and self._still >= 3 and not self.space.is_busy:
            self._due = tick.number + _STILL_TICKS
        return True


def _same(one: Sockets, other: Sockets | None) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in Sockets.__struct_fields__)


class SocketCollector:
    """Looks into the namespaces of all containers and of the host. Also fills the address book."""

    name = "sockets"
    deadline_s = 2.0

    def __init__(self, roots: procfs.Roots, table: ProcessTable, book: AddressBook) -> None:
        self._roots = roots
        self._table = table
        self._book = book
        self._book_version = -1
        self._version = -1
        self._host = self._key(roots.host_process)
        self._libraries = ClientLibraries(roots.procfs)
        self._pids: dict[str, list[int]] = {}
        self._space_of: dict[str, int] = {}
        self._turns: dict[int, _Turn] = {}
        self._slots = 0
        self._flows: dict[str, FlowReading] = {}

    def collect(self, tick: Tick) -> Findings:
        """Look where it is due."""
        self._book.learn(tick.targets, tick.monotonic)
        if self._table.version != self._version:
            self._refresh()
        looked = self._look(tick)
        if not self._turns:
            raise NoData("no network namespace to look into")
        self._tell(tick.targets, looked)
        host = self._turns.get(self._host)
        return Findings(
            flows=dict(self._flows),
            sockets={
                target: view.sockets for turn in self._turns.values() for target, view in turn.space.views.items()
            },
            host_sockets=host.space.sockets if host else None,
            message=self._message(),
        )

    def _look(self, tick: Tick) -> set[int]:
        looked = set()
        for key, turn in list(self._turns.items()):
            try:
                if turn.read(tick):
                    looked.add(key)
            except (Gone, OSError):
                turn.space.close()
                del self._turns[key]
                self._version = -1
        for key in looked:
            if (space := self._turns[key].space).is_shared:
                self._book.learn_sharers(key, *_ports(space))
        ports = {
            target: tuple(sorted(view.listeners))
            for key in looked
            for target, view in self._turns[key].space.views.items()
        }
        self._book.learn_ports(ports)
        return looked

    def _tell(self, targets: tuple[Target, ...], looked: set[int]) -> None:
        """Make readings of what was looked at now; of everything when a name has changed."""
        renamed = self._book.version != self._book_version
        self._book_version = self._book.version
        if not looked and not renamed:
            return
        flows: dict[str, FlowReading] = {}
        for target in targets:
            key = self._space_of.get(target.id)
            turn = self._turns.get(key) if key is not None else None
            if turn is None or (view := turn.space.views.get(target.id)) is None:
                continue
            known = self._flows.get(target.id)
            if known is None or renamed or key in looked:
                default = partial(self._libraries.most, self._pids[target.id])
                known = flows_of(view, target, self._book, turn.read_at, turn.space.overflows_of(target.id), default)
            flows[target.id] = known
        self._flows = flows

    def _message(self) -> str:
        if any(turn.space.refused for turn in self._turns.values()):
            return "no right to enter network namespaces (needs CAP_SYS_ADMIN); reading the dearer text tables"
        return f"{len(self._turns)} network namespaces"

    def _refresh(self) -> None:
        """Who is in which namespace now."""
        self._version = self._table.version
        holders: dict[int, dict[str, list[int]]] = {self._host: {}}
        seen_through = {self._host: self._roots.host_process}
        for target, members in self._table.containers().items():
            main = str(members[0].pid)
            key = self._key(main)
            seen_through.setdefault(key, main)
            holders.setdefault(key, {})[target] = [member.pid for member in members]
        network_of = self._roots.network_of
        host_network = network_of(self._roots.host_process)
        for target in self._table.named:
            pids = [member.pid for member in self._table.trees.get(target, [])]
            holders[self._host][target] = [pid for pid in pids if network_of(str(pid)) == host_network]
        for key in self._turns.keys() - holders.keys():
            self._turns.pop(key).space.close()
        for key, held in holders.items():
            if key not in self._turns:
                self._slots += 1
                space = NetworkSpace(self._roots.procfs, seen_through[key], self._roots.live, key == self._host)
                self._turns[key] = _Turn(space, self._slots)
            if self._turns[key].space.hold(held):
                self._turns[key].hurry()
        self._space_of = {target: key for key, held in holders.items() for target in held}
        self._pids = {target: pids for held in holders.values() for target, pids in held.items()}
        self._libraries.forget(pids[0] for pids in self._pids.values() if pids)
        self._book.learn_spaces(self._space_of, self._host)

    def _key(self, pid: str) -> int:
        """The namespace's inode; in a recorded tree, where there is none, each container has its own."""
        found = self._roots.network_of(pid)
        return hash(pid) if found is None else found

    def close(self) -> None:
        """Leave all namespaces."""
        for turn in self._turns.values():
            turn.space.close()


def _ports(space: NetworkSpace) -> tuple[dict[int, str], dict[int, str]]:
    """Whose each port is: those that are listened on, and those of connections that went out."""
    return (
        {port: target for target, view in space.views.items() for port in view.listeners},
        {port: target for target, view in space.views.items() for port in view.local_ports},
    )
