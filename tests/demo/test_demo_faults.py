"""Every fault and control, switched on in the running stack, shows its tell-tale evidence from outside the process.

The Docker-only ones are in tests/docker/.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from evidence import Look, accept_queue, overflows, time_waits
from stack import Demo, until

from mcptop.demo.faults.catalogue import FAULTS

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


def one_at_a_time(view: View) -> bool:
    """Every place of the consumer is taken by a job, threads wait, and jobs still leave: as many as one thread does."""
    full = view.metric("mcp_queue_in_flight") >= 16 and view.now.threads >= view.before.threads + 8
    return full and view.cores < 0.3 and 2 < rate(view, "mcp_queue_left_total", "mcp-worker", 3.0) < 9


def polls(view: View) -> bool:
    """Much of its CPU is the kernel's, and it gives up the CPU thousands of times a second."""
    system, cpu = view.now.system_s - view.earlier.system_s, view.now.cpu_s - view.earlier.cpu_s
    return view.now.switches - view.earlier.switches > 3000 * view.seconds and system > 0.25 * cpu and view.cores > 0.15


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
    return max(found) > 0.5 and min(found) < 0.5 * max(found)


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


Check = Callable[[View], bool]

SHOWS: dict[str, tuple[str, Check]] = {
    # fault with dose: (whose process is looked at, what has to be so)
    "cache-leak:kib_per_request=512": ("mcp-worker", lambda v: v.now.anon - v.before.anon > 20 * MIB),
    "cache-leak:kib_per_request=0,mib_per_minute=600": ("mcp-worker", lambda v: v.now.anon - v.before.anon > 20 * MIB),
    "fragmentation:mib=160,seconds=4": (
        "mcp-worker",
        lambda v: v.now.anon - v.before.anon > 80 * MIB and v.now.anon - v.earlier.anon < MIB,
    ),
    "shm-growth:mib_per_minute=600": (
        "mcp-worker",
        lambda v: v.now.shmem - v.before.shmem > 30 * MIB and v.now.anon - v.earlier.anon < 2 * MIB,
    ),
    "thread-leak": ("mcp-worker", lambda v: v.now.threads >= v.before.threads + 30),
    "fd-leak": ("mcp-worker", lambda v: v.now.files["file"] >= v.before.files["file"] + 60),
    "connection-leak": (
        "mcp-api",
        lambda v: v.now.sockets["close_wait"] >= 10 and v.now.files["socket"] >= v.before.files["socket"] + 10,
    ),
    "connection-churn": (
        "mcp-api",
        lambda v: time_waits(port(v, "mcp-worker")) > 300 and v.now.fds < v.before.fds + 40,
    ),
    "db-pool-too-small": ("mcp-api", lambda v: v.pool("waiting", "db") >= 1 and v.pool("max", "db") == 2),
    "connection-held": ("mcp-api", lambda v: v.pool("active", "db") == 50 and v.pool("waiting", "db") >= 1),
    "event-loop-blocked": ("mcp-api", lambda v: answer_time(v.demo.services["mcp-api"]) > 0.3 and v.cores < 0.3),
    "cpu-hot-loop": ("mcp-worker", lambda v: v.cores > 0.5),
    "gil-contention": ("mcp-worker", lambda v: v.now.running_threads >= 4 and v.cores < 1.3),
    "hot-path": ("mcp-api", lambda v: v.cores > 0.5),
    "hot-path:kind=json": ("mcp-api", lambda v: v.cores > 0.4),
    "busy-wait": ("mcp-worker", polls),
    "gc-pauses": ("mcp-worker", collects),
    "deadlock": ("mcp-worker", lambda v: v.metric("mcp_queue_in_flight") >= 16 and v.metric("mcp_queue_depth") >= 3),
    "lock-contention": ("mcp-worker", one_at_a_time),
    "thread-pool-exhausted": ("mcp-api", lambda v: v.pool("waiting", "requests") >= 5 and v.cores < 0.3),
    "slow-downstream": (
        "model-runner",
        lambda v: v.metric("llamacpp:requests_deferred") >= 2 and v.pool("idle", "slots") == 0 and v.cores < 0.3,
    ),
    "retry-storm": ("mcp-api", lambda v: jobs_per_request(v) > 2),
    "slow-consumer": (
        "mcp-worker",
        lambda v: v.metric("mcp_queue_depth") >= 15 and v.metric("mcp_queue_oldest_age_seconds") > 2,
    ),
    "batch-never-fills": ("mcp-worker", lambda v: v.metric("mcp_batch_oldest_age_seconds") > 2 and v.cores < 0.3),
    "cache-thrash": ("mcp-worker", lambda v: rate(v, "mcp_cache_evictions_total", "mcp-worker", cache="models") > 1),
    "fsync-writer": ("mcp-worker", lambda v: v.now.written - v.earlier.written > 100 * 1024),
    "log-flood": ("mcp-api", lambda v: v.now.written - v.earlier.written > MIB),
    "deleted-open-file": (
        "mcp-worker",
        lambda v: v.now.files["deleted"] == 1 and v.now.written > v.before.written + MIB,
    ),
    "zombies": ("mcp-worker", lambda v: v.now.zombies >= 5),
    "accept-backlog": ("mcp-api", lambda v: accept_queue(port(v, "mcp-api")) > 2),
    # Controls: what they look like, and what keeps them apart from the fault.
    "page-cache": (
        "mcp-worker",
        lambda v: v.now.read - v.before.read > 100 * MIB and v.now.anon - v.before.anon < 10 * MIB,
    ),
    "warm-up:mib=80,seconds=3": (
        "model-runner",
        lambda v: v.now.anon - v.before.anon > 60 * MIB and v.now.anon - v.earlier.anon < 2 * MIB,
    ),
    "bounded-cache:mib=80,seconds=3": ("mcp-worker", stays_while_it_evicts),
    "gc-sawtooth:mib=80,period_s=2": ("mcp-worker", lambda v: swings(v, 40 * MIB, 5.0)),
    "load-ramp:period_s=8": ("load", load_swings),
    "steady-high-load": (
        "mcp-api",
        lambda v: rate(v, "mcp_requests_total", "load", 3.0) > 35 and v.pool("waiting", "db") == 0,
    ),
    "quiet": ("mcp-api", nobody_asks),
    "idle-keepalive": (
        "mcp-api",
        lambda v: beside_the_pools(v) >= 70 and v.cores < 0.6,
    ),
    "busy-pool": ("mcp-api", lambda v: 10 <= v.pool("active", "db") < 50 and v.pool("waiting", "db") == 0),
    "many-threads": (
        "mcp-worker",
        lambda v: v.now.threads >= v.before.threads + 55 and v.now.threads == v.earlier.threads and v.cores < 0.5,
    ),
    "many-files": (
        "mcp-worker",
        lambda v: (
            v.now.files["file"] >= v.before.files["file"] + 290 and v.now.files["file"] == v.earlier.files["file"]
        ),
    ),
    "log-rotation:rotate_s=1": ("mcp-api", rotates),
    "batch-job:work_s=2,rest_s=2": ("mcp-worker", cpu_swings),
}


def test_every_fault_of_processes_is_tried() -> None:
    tried = {text.partition(":")[0] for text in SHOWS}
    assert tried == {fault.name for fault in FAULTS if not fault.needs_docker}


@pytest.mark.parametrize("text", SHOWS)
def test_shows(demo: Demo, text: str) -> None:
    service, check = SHOWS[text]
    before = demo.look(service)

    def shows() -> None:
        earlier, began = demo.look(service), time.monotonic()
        time.sleep(0.7)
        view = View(demo, service, before, earlier, demo.look(service), time.monotonic() - began)
        assert check(view), f"before {before}, now {view.now}, {view.cores:.2f} cores"

    with demo.fault(text):
        until(shows)
    demo.settle()


def test_the_kernel_counts_connections_it_turned_away(demo: Demo) -> None:
    before = overflows()
    with demo.fault("accept-backlog:backlog=1,block_s=4"):
        until(lambda: _more_than(overflows(), before))
    demo.settle()


def _more_than(now: int, before: int) -> None:
    assert now > before


def test_switching_off_gives_everything_back(demo: Demo) -> None:
    before = demo.look("mcp-worker")
    with demo.fault("fd-leak"), demo.fault("thread-leak"), demo.fault("zombies"):
        until(lambda: _more_than(demo.look("mcp-worker").threads, before.threads + 10))
    demo.settle()

    def back() -> None:
        now = demo.look("mcp-worker")
        assert now.threads <= before.threads + 8
        assert now.fds <= before.fds + 30
        assert now.zombies == 0

    until(back)


def test_a_load_of_nothing_sends_nothing_and_comes_back(demo: Demo) -> None:
    def sent_in_a_second() -> float:
        before = demo.metrics("load").get("mcp_requests_total")
        time.sleep(1.0)
        return demo.metrics("load").get("mcp_requests_total") - before

    def silent() -> None:
        assert sent_in_a_second() == 0

    with demo.fault("steady-high-load:times=0"):
        until(silent)
    until(lambda: _more_than(int(sent_in_a_second()), 5))
