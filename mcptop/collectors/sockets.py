"""TCP sockets by state: of each container's network namespace, and of the host's.

Counting sockets walks a table of the whole host, so a namespace is looked at every five seconds, dumped
only when it has sockets, and less often while its counts stand still.
"""

from __future__ import annotations

from mcptop.collectors.base import SLOW_TICKS, Findings, NoData, Tick
from mcptop.model.instance import Sockets
from mcptop.sources import procfs
from mcptop.sources.kept import Gone, ParsedFile, contents
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.sock_diag import NetworkNamespace, parse_table

_NONE = Sockets()
# The walk costs the same when nothing changes, so a namespace whose counts stand still is dumped less often.
_STILL_TICKS = 3 * SLOW_TICKS


class _Namespace:
    """One network namespace, seen through one of its processes."""

    def __init__(self, procfs_root: str, pid: str, slot: int, live: bool) -> None:
        self._base = f"{procfs_root}/{pid}"
        self._slot = slot
        self._live = live
        self._diag: NetworkNamespace | None = None
        self._in_use = ParsedFile(f"{self._base}/net/sockstat", procfs.sockets_in_use)
        self._in_use6 = ParsedFile(f"{self._base}/net/sockstat6", procfs.sockets_in_use)
        self._due = 0
        self._still = 0
        self.sockets: Sockets | None = None
        self.refused = False

    def read(self, tick: int) -> None:
        if tick < self._due:
            return
        is_first = self.sockets is None
        total = (self._in_use.get() or 0) + (self._in_use6.get() or 0)
        before, self.sockets = self.sockets, self._count() if total else _NONE
        # Spread over the ticks: what was opened together would otherwise be dumped together for ever.
        self._due = tick + SLOW_TICKS - (self._slot % SLOW_TICKS if is_first else 0)
        self._still = self._still + 1 if _same(before, self.sockets) else 0
        if total and self._still >= 3:
            self._due = tick + _STILL_TICKS

    def _count(self) -> Sockets:
        if self._live and not self.refused:
            try:
                self._diag = self._diag or NetworkNamespace(f"{self._base}/ns/net")
                return self._diag.tcp()
            except OSError:
                self.refused = True
                self.close()
        return parse_table(contents(f"{self._base}/net/tcp"), contents(f"{self._base}/net/tcp6"))

    def close(self) -> None:
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

    def __init__(self, roots: procfs.Roots, table: ProcessTable) -> None:
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
        if self._table.version != self._version:
            self._refresh()
        for key, namespace in list(self._namespaces.items()):
            try:
                namespace.read(tick.number)
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
        return Findings(
            sockets={identity: sockets for identity, sockets in counts.items() if sockets is not None},
            host_sockets=host.sockets if host else None,
            message=self._message(),
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
            self._namespaces[key] = _Namespace(self._roots.procfs, wanted[key], self._slots, self._live)

    def _key(self, pid: str) -> int:
        """The namespace's inode; in a recorded tree, where there is none, each container has its own."""
        found = self._roots.network_of(pid)
        return hash(pid) if found is None else found

    def close(self) -> None:
        """Leave all namespaces."""
        for namespace in self._namespaces.values():
            namespace.close()
