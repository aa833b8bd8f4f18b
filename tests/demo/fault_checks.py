"""What the tests of faults compare: a service before and now, and the questions that take more than one look."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from evidence import Look, time_waits
from stack import Demo

MIB = 1024 * 1024


@dataclass
class View:
    """What a check may compare: the service before the fault, a moment ago, and now."""

    demo: Demo
    service: str
    before: Look
    earlier: Look
    now: Look
    seconds: float
    """Between `earlier` and `now`."""

    @property
    def cores(self) -> float:
        """CPU over the last moment."""
        return (self.now.cpu_s - self.earlier.cpu_s) / self.seconds

    def metric(self, name: str, service: str | None = None, **labels: str) -> float:
        """One figure of a metrics page."""
        return self.demo.metrics(service or self.service).get(name, **labels)

    def pool(self, field: str, pool: str) -> float:
        """One figure of a pool."""
        return self.metric(f"mcp_connection_pool_{field}", pool=pool)


def answer_time(url: str) -> float:
    """Seconds `/health` takes."""
    began = time.monotonic()
    with urllib.request.urlopen(f"{url}/health", timeout=30) as answer:
        answer.read()
    return time.monotonic() - began


def rate(view: View, name: str, service: str, seconds: float = 2.0, **labels: str) -> float:
    """A counter's growth a second."""
    first, began = view.metric(name, service, **labels), time.monotonic()
    time.sleep(seconds)
    return (view.metric(name, service, **labels) - first) / (time.monotonic() - began)


def jobs_per_request(view: View) -> float:
    """Jobs the worker gets for each request of the load."""
    requests = view.metric("mcp_requests_total", "load")
    jobs = view.metric("mcp_queue_entered_total", "mcp-worker")
    time.sleep(3.0)
    more = view.metric("mcp_queue_entered_total", "mcp-worker") - jobs
    return more / (view.metric("mcp_requests_total", "load") - requests)


def churns(view: View) -> bool:
    """Many more connections were closed than are open, though each request is one job: no repeats, which close too."""
    closed, few = time_waits(port(view, "mcp-worker")), view.now.fds < view.before.fds + 40
    return closed > 300 and few and jobs_per_request(view) < 1.5


def one_at_a_time(view: View) -> bool:
    """Every place of the consumer is taken by a job, threads wait, and jobs still leave: as many as one thread does."""
    full = view.metric("mcp_queue_in_flight") >= 16 and view.now.threads >= view.before.threads + 8
    return full and view.cores < 0.3 and 2 < rate(view, "mcp_queue_left_total", "mcp-worker", 3.0) < 9


def polls(view: View) -> bool:
    """Much of its CPU is the kernel's, and it gives it up thousands of times a second, for no disk."""
    system, cpu = view.now.system_s - view.earlier.system_s, view.now.cpu_s - view.earlier.cpu_s
    often = view.now.switches - view.earlier.switches > 3000 * view.seconds
    writes = view.now.written - view.earlier.written > 100 * 1024
    return often and not writes and system > 0.25 * cpu and view.cores > 0.15


def collects(view: View) -> bool:
    """Much of a core is spent in full collections, each of them long; they free nothing, and memory is flat."""
    collections = rate(view, "mcp_gc_collections_total", "mcp-worker", generation="2")
    pauses = rate(view, "mcp_gc_pause_seconds_total", "mcp-worker", generation="2")
    flat = abs(view.now.anon - view.earlier.anon) < 2 * MIB
    return pauses > 0.2 and pauses / collections > 0.03 and view.cores > 0.2 and flat


def extremes(figure: Callable[[], float], seconds: float) -> tuple[float, float]:
    """Lowest and highest value over some time."""
    deadline, found = time.monotonic() + seconds, []
    while time.monotonic() < deadline:
        found.append(figure())
        time.sleep(0.1)
    return min(found), max(found)


def swings(view: View, by: float, seconds: float) -> bool:
    """Anonymous memory goes up and comes down again by so many bytes."""
    low, high = extremes(lambda: view.demo.look(view.service).anon, seconds)
    return high - low > by and view.demo.look(view.service).anon - view.before.anon < 4 * by


def stays_while_it_evicts(view: View) -> bool:
    """Memory has risen and is flat, though the cache makes room for new entries all the time."""
    evictions = rate(view, "mcp_cache_evictions_total", "mcp-worker", cache="documents")
    after = view.demo.look(view.service).anon
    return evictions > 20 and after - view.before.anon > 60 * MIB and abs(after - view.now.anon) < 3 * MIB


def cpu_swings(view: View) -> bool:
    """Seconds with and without a busy core follow each other."""
    found = []
    for _ in range(12):
        first, began = view.demo.look(view.service), time.monotonic()
        time.sleep(0.5)
        found.append((view.demo.look(view.service).cpu_s - first.cpu_s) / (time.monotonic() - began))
    return max(found) > 0.35 and min(found) < 0.5 * max(found)


def load_swings(view: View) -> bool:
    """The load rises and falls."""
    found = [rate(view, "mcp_requests_total", "load", 1.0) for _ in range(8)]
    return max(found) > 1.6 * min(found)


def nobody_asks(view: View) -> bool:
    """No request comes, no job is worked on, and the process does next to nothing."""
    asked, done = rate(view, "mcp_requests_total", "load"), rate(view, "mcp_queue_left_total", "mcp-worker")
    return asked == done == 0 and view.metric("mcp_queue_in_flight", "mcp-worker") == 0 and view.cores < 0.05


def rotates(view: View) -> bool:
    """The log becomes another file again and again; few of them are kept, and none is deleted while it is open."""
    path = view.demo.folder / view.service / "requests.log"
    found: list[int] = []
    deadline = time.monotonic() + 4.0
    while time.monotonic() < deadline:
        if (inode := path.stat().st_ino) not in found[-1:]:
            found.append(inode)
        time.sleep(0.1)
    kept = len(list(path.parent.glob("requests.log*")))
    deleted = view.demo.look(view.service).files["deleted"]
    little = view.now.written - view.earlier.written < MIB
    return len(found) >= 3 and kept <= 3 and deleted == 0 and path.stat().st_size > 0 and little


def beside_the_pools(view: View) -> float:
    """Connections of mcp-api that are in no pool: what a burst needed, pools give back only by and by."""

    def pooled(service: str, pool: str) -> float:
        states = ("active", "idle")
        return sum(view.metric(f"mcp_connection_pool_{state}", service, pool=pool) for state in states)

    return view.now.sockets["established"] - pooled("mcp-api", "worker") - pooled("load", "mcp-api")


def port(view: View, service: str) -> int:
    """Where it listens."""
    return int(view.demo.services[service].rpartition(":")[2])
