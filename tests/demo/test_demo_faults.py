"""Every fault and control, switched on in the running stack, shows its tell-tale evidence from outside the process.

The Docker-only ones are in tests/docker/.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from evidence import accept_queue, overflows
from fault_checks import (
    MIB,
    View,
    answer_time,
    beside_the_pools,
    churns,
    collects,
    cpu_swings,
    jobs_per_request,
    load_swings,
    nobody_asks,
    one_at_a_time,
    polls,
    port,
    rate,
    rotates,
    stays_while_it_evicts,
    swings,
)
from stack import Demo, until

from mcptop.demo.faults.catalogue import FAULTS

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
    "connection-churn": ("mcp-api", churns),
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
    # Large beside what earlier faults left the worker's allocator to fill again without growing.
    "bounded-cache:mib=200,seconds=4": ("mcp-worker", stays_while_it_evicts),
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


def test_switching_off_leaves_no_memory_thread_or_file(demo: Demo) -> None:
    def on_disk() -> list[Path]:
        return [*demo.folder.glob("mcp-worker/segments/*"), *demo.folder.glob("mcp-api/requests.log*")]

    before = demo.look("mcp-worker")
    faults = ("shm-growth", "lock-contention", "busy-wait", "gc-pauses", "many-threads", "many-files", "log-rotation")
    with ExitStack() as on:
        for name in faults:
            on.enter_context(demo.fault(name))
        until(lambda: _more_than(demo.look("mcp-worker").shmem, MIB))
        with_all = demo.look("mcp-worker")
        assert len(on_disk()) > 300
    demo.settle()

    def back() -> None:
        now = demo.look("mcp-worker")
        assert now.shmem == 0
        assert now.threads <= before.threads + 8 < with_all.threads
        assert now.files["file"] <= before.files["file"] + 30 < with_all.files["file"]
        assert not on_disk()

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
