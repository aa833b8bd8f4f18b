"""TCP sockets: by state of each container's network namespace and of the host's, and a container's connections by peer.

Counting sockets walks a table of the whole host, so a namespace is looked at every five seconds, dumped
only when it has sockets, and less often while its counts stand still.
"""

from __future__ import annotations

from mcptop.collectors.base import SLOW_TICKS, Findings, NoData, Tick
from mcptop.collectors.links import flows_of
from mcptop.model.flow_reading import FlowReading
from mcptop.model.instance import Sockets
from mcptop.model.snapshot import Target
from mcptop.sources import procfs
from mcptop.sources.address_book import AddressBook
from mcptop.sources.kept import Gone, ParsedFile, contents
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.sock_diag import NetworkNamespace, parse_table
from mcptop.sources.tcp_view import AGES_LIMIT, TcpView, look, rows_of_text

_NONE = Sockets()
# The walk costs the same when nothing changes, so a namespace whose counts stand still is dumped less often.
_STILL_TICKS = 3 * SLOW_TICKS


class _Namespace:
    """One network namespace, seen through one of its processes."""

    def __init__(self, procfs_root: str, pid: str, slot: int, live: bool, with_view: bool) -> None:
        self._with_view = with_view
        self._base = f"{procfs_root}/{pid}"
        self._slot = slot
        self._live = live
        self._diag: NetworkNamespace | None = None
        self._in_use = ParsedFile(f"{self._base}/net/sockstat", procfs.sockets_in_use)
        self._in_use6 = ParsedFile(f"{self._base}/net/sockstat6", procfs.sockets_in_use)
        self._due = 0
        self._still = 0
        self._overflows = ParsedFile(f"{self._base}/net/netstat" if with_view else None, procfs.listen_overflows)
        self.sockets: Sockets | None = None
        self.view = TcpView()
        self.overflows: int | None = None
        self.read_at = 0.0
        self.refused = False

    def read(self, tick: int, now: float) -> bool:
        """Whether it was time to look again."""
        if tick < self._due:
            return False
        self.read_at = now
        self.overflows = self._overflows.get()
        is_first = self.sockets is None
        total = (self._in_use.get() or 0) + (self._in_use6.get() or 0)
        before = self.sockets
        if self._with_view:
            self.view = self._look(total) if total else TcpView()
            self.sockets = self.view.sockets
        else:
            self.sockets = self._count() if total else _NONE
        # Spread over the ticks: what was opened together would otherwise be dumped together for ever.
        self._due = tick + SLOW_TICKS - (self._slot % SLOW_TICKS if is_first else 0)
        self._still = self._still + 1 if _same(before, self.sockets) else 0
        if total and self._still >= 3 and not self._is_busy():
            self._due = tick + _STILL_TICKS
        return True

    def _is_busy(self) -> bool:
        waiting = any(listener.depth for listener in self.view.listeners.values())
        return waiting or any(link.busy or link.connecting for link in self.view.links.values())

    def _look(self, total: int) -> TcpView:
        if self._enter():
            assert self._diag is not None
            try:
                return look(self._diag.rows(total <= AGES_LIMIT))[""]
            except OSError:
                self._refuse()
        return look(rows_of_text(contents(f"{self._base}/net/tcp"), contents(f"{self._base}/net/tcp6")))[""]

    def _count(self) -> Sockets:
        if self._enter():
            assert self._diag is not None
            try:
                return self._diag.tcp()
            except OSError:
                self._refuse()
        return parse_table(contents(f"{self._base}/net/tcp"), contents(f"{self._base}/net/tcp6"))

    def _enter(self) -> bool:
        if self._live and not self.refused and self._diag is None:
            try:
                self._diag = NetworkNamespace(f"{self._base}/ns/net")
            except OSError:
                self._refuse()
        return self._diag is not None

    def _refuse(self) -> None:
        self.refused = True
        if self._diag is not None:
            self._diag.close()
            self._diag = None

    def close(self) -> None:
        for file in (self._in_use, self._in_use6, self._overflows):
            file.close()
        if self._diag is not None:
            self._diag.close()
            self._diag = None


def _same(one: Sockets | None, other: Sockets) -> bool:
    fields = Sockets.__struct_fields__
    return one is not None and all(getattr(one, name) == getattr(other, name) for name in fields)


class SocketCollector:
    """Sockets of the host and of every container; containers that share a namespace share one count."""

    name = "sockets"
    deadline_s = 2.0

    def __init__(self, roots: procfs.Roots, table: ProcessTable, book: AddressBook) -> None:
        self._book = book
        self._book_version = -1
        self._flows: dict[str, FlowReading] = {}
        self._roots = roots
        self._table = table
        self._live = roots.live
        self._version = -1
        self._host_key = self._key(roots.host_process)
        self._of_container: dict[str, int] = {}
        self._namespaces: dict[int, _Namespace] = {}
        self._slots = 0

    def collect(self, tick: Tick) -> Findings:
        """Count where it is due."""
        self._book.learn(tick.targets, tick.monotonic)
        if self._table.version != self._version:
            self._refresh()
        looked: set[int] = set()
        for key, namespace in list(self._namespaces.items()):
            try:
                if namespace.read(tick.number, tick.monotonic):
                    looked.add(key)
            except (Gone, OSError):
                namespace.close()
                del self._namespaces[key]
                self._version = -1
        host = self._namespaces.get(self._host_key)
        counts = {
            identity: self._namespaces[key].sockets
            for identity, key in self._of_container.items()
            if key in self._namespaces
        }
        if not self._namespaces:
            raise NoData("no network namespace to look into")
        self._tell(tick.targets, looked)
        return Findings(
            flows=dict(self._flows),
            sockets={identity: sockets for identity, sockets in counts.items() if sockets is not None},
            host_sockets=host.sockets if host else None,
            message=self._message(),
        )

    def _tell(self, targets: tuple[Target, ...], looked: set[int]) -> None:
        """Make readings of what was looked at now; of everything when a name has changed."""
        renamed = self._book.version != self._book_version
        self._book_version = self._book.version
        if not looked and not renamed:
            return
        told: set[int] = set()
        flows: dict[str, FlowReading] = {}
        for target in targets:
            key = self._of_container.get(target.id)
            namespace = self._namespaces.get(key) if key is not None else None
            # Containers that share a namespace share its connections; they are counted once.
            if key is None or namespace is None or key in told:
                continue
            told.add(key)
            known = self._flows.get(target.id)
            if known is None or renamed or key in looked:
                known = flows_of(namespace.view, target, self._book, namespace.read_at, namespace.overflows)
            flows[target.id] = known
        self._flows = flows
        self._book.learn_ports(
            {
                target: tuple(sorted(self._namespaces[key].view.listeners))
                for target, key in self._of_container.items()
                if target in flows
            }
        )

    def _message(self) -> str:
        if self._live and any(namespace.refused for namespace in self._namespaces.values()):
            return "no right to enter network namespaces (needs CAP_SYS_ADMIN); reading the dearer text tables"
        return f"{len(self._namespaces)} network namespaces"

    def _refresh(self) -> None:
        self._version = self._table.version
        main = {identity: str(members[0].pid) for identity, members in self._table.containers().items()}
        self._of_container = {}
        wanted = {self._host_key: self._roots.host_process}
        for identity, pid in main.items():
            key = self._key(pid)
            if key != self._host_key:
                self._of_container[identity] = key
                wanted.setdefault(key, pid)
        for key in self._namespaces.keys() - wanted.keys():
            self._namespaces.pop(key).close()
        for key in wanted.keys() - self._namespaces.keys():
            self._slots += 1
            self._namespaces[key] = _Namespace(
                self._roots.procfs, wanted[key], self._slots, self._live, with_view=key != self._host_key
            )

    def _key(self, pid: str) -> int:
        """The namespace's inode; in a recorded tree, where there is none, each container has its own."""
        found = self._roots.network_of(pid)
        return hash(pid) if found is None else found

    def close(self) -> None:
        """Leave all namespaces."""
        for namespace in self._namespaces.values():
            namespace.close()
