"""Every exported rule fires when it should, says it with the right unit, and never without a limit: by promtool."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mcptop.alert_settings import Levels, OwnAlert
from mcptop.alerts import figures as known_figures
from mcptop.alerts import rules
from mcptop.alerts.in_force import rule_set
from mcptop.export import figures
from mcptop.export.prometheus_rules import groups, text
from mcptop.exposition.catalogue import BY_NAME
from tests.unit.promtool import (
    ACCEPT,
    BUDGET,
    DISK,
    HOST,
    INFO,
    NODE,
    POOL,
    QUEUE,
    REPLICA,
    SERVER,
    SERVICE,
    Case,
    Series,
    case,
    check,
)  # fmt: skip

MIB, GIB = 1 << 20, 1 << 30
COUNTER = "0+{}x160"
"""So much more each quarter of a minute."""


def of(labels: dict[str, str], **series: float | str) -> list[Series]:
    return [(f"mcptop_{name}", labels, value) for name, value in series.items()]


def memory(used: float, limit: float | None, anon: float | None = None) -> list[Series]:
    found = of(REPLICA, replica_memory_working_set_bytes=used, replica_memory_anon_bytes=used if anon is None else anon)
    return found if limit is None else [*found, *of(REPLICA, replica_memory_limit_bytes=limit)]


def growing(per_minute: float, limit: float | None = GIB, start: float = 800 * MIB) -> list[Series]:
    values = f"{start:.0f}+{per_minute / 4:.0f}x160"
    found = of(REPLICA, replica_memory_anon_bytes=values, replica_memory_working_set_bytes=values,
               replica_start_time_seconds="-9000+0x160")  # fmt: skip
    return found if limit is None else [*found, *of(REPLICA, replica_memory_limit_bytes=limit)]


def throttled(part: float, used: float = 0.0, limit: float | None = None) -> list[Series]:
    found = of(REPLICA, replica_cpu_throttled_periods_total=COUNTER.format(part * 150),
               replica_cpu_periods_total=COUNTER.format(150))  # fmt: skip
    if limit is not None:
        found += of(REPLICA, replica_cpu_limit_cores=limit)
    return [*of(REPLICA, replica_cpu_usage_seconds_total=COUNTER.format(used * 15)), *found] if used else found


def state(name: str) -> list[Series]:
    return of(INFO | {"state": name}, replica_info=1)


ENDED, LEAK, NEAR = "exited-with-error", "memory-leak", "memory-near-limit"
FACTS = [
    case("ExitedWithError", "critical", ENDED, "exited with code 1",
         *of(REPLICA, replica_exit_code=1), *state("exited")),
    case("ExitedWithError", "critical", ENDED, None, *of(REPLICA, replica_exit_code=143), *state("exited")),
    case("ExitedWithError", "critical", ENDED, None, *of(REPLICA, replica_exit_code=1), *state("running")),
    case("ExitedWithError", "critical", ENDED, None,
         *of(REPLICA, replica_exit_code=137, replica_asked_to_stop=1), *state("exited")),
    case("Dead", "critical", "dead", "dead: the engine could not remove it", *state("dead")),
    case("RestartLoop", "critical", "restart-loop", "restarted 3 times within 10m",
         *of(REPLICA, replica_restarts_total="7x45 8 8 8 9 9 9 10x40"), at="16m"),
    case("RestartLoop", "critical", "restart-loop", None,
         *of(REPLICA, replica_restarts_total="7x45 8x10 9x40"), at="16m"),
    case("RestartLoop", "critical", "restart-loop", None,
         *of(REPLICA, replica_restarts_total="7x20 8 9 10x160"), at="16m"),
    case("OomKill", "critical", "oom-kill", "killed 1 times for lack of memory within 15m",
         *of(REPLICA, replica_oom_kills_total="2x50 3x40"), at="16m"),
    case("OomKill", "critical", "oom-kill", None, *of(REPLICA, replica_oom_kills_total=3)),
    case("Unhealthy", "critical", "unhealthy", "unhealthy: its health check fails",
         *of(REPLICA, replica_healthy=0, replica_running=1)),
    case("Unhealthy", "critical", "unhealthy", None, *of(REPLICA, replica_running=1)),
    case("Restarting", "warning", "restarting", "restarting", *state("restarting")),
    case("Paused", "warning", "paused", "paused", *state("paused")),
    case("Paused", "warning", "paused", None, *state("running")),
]  # fmt: skip
MEMORY = [
    case("MemoryNearLimit", "warning", NEAR, "memory at 91% of its own limit", *memory(0.91 * GIB, GIB)),
    case("MemoryNearLimit", "critical", NEAR, None, *memory(0.89 * GIB, GIB)),
    case("MemoryNearLimit", "warning", NEAR, None, *memory(100 * GIB, None)),
    case("MemoryNearLimit", "warning", NEAR, None, *memory(100 * GIB, 0)),
    case("MemoryNearLimit", "warning", NEAR, None, *memory(0.95 * GIB, GIB, anon=0.2 * GIB)),
    case("MemoryNearLimit", "warning", NEAR, None, *memory(0.91 * GIB, GIB), at="15s"),
    case("TimeToMemoryLimit", "critical", NEAR, "memory reaches its limit in 28m 0s at this rate", *growing(4 * MIB),
         at="28m"),
    case("TimeToMemoryLimit", "critical", NEAR, None, *growing(4 * MIB, None), at="28m"),
    case("TimeToMemoryLimit", "critical", NEAR, None, *growing(4 * MIB, 0), at="28m"),
    case("TimeToMemoryLimit", "critical", NEAR, None, *growing(MIB), at="28m"),
    case("MemoryLeak", "warning", LEAK, "memory grows 102.4kiB/s", *growing(6 * MIB), at="28m"),
    case("MemoryLeak", "warning", LEAK, None, *growing(MIB), at="28m"),
    case("MemoryLeak", "warning", LEAK, None, *growing(2.5 * MIB, None), at="28m"),
    case("MemoryLeak", "warning", LEAK, "memory grows 102.4kiB/s", *growing(6 * MIB, None), at="28m"),
]  # fmt: skip


def at_once(before: float, after: float, samples: int = 0) -> list[Series]:
    """Another level from the 15th minute on; `samples`: known only since so many of them."""
    known = f"_x{60 - samples} {before:.0f}x{samples}" if samples else f"{before:.0f}x60"
    values = f"{known} {after:.0f}x100"
    return of(REPLICA, replica_memory_anon_bytes=values, replica_memory_working_set_bytes=values,
              replica_start_time_seconds="-9000+0x160", replica_memory_limit_bytes=GIB)  # fmt: skip


STEPS = [
    *(case(name, severity, rule, None, *series, at=at)
      for name, severity, rule in (("MemoryLeak", "warning", LEAK), ("TimeToMemoryLimit", "critical", NEAR))
      for series, at in ((at_once(750 * MIB, 850 * MIB), "17m"), (at_once(750 * MIB, 850 * MIB), "22m"),
                         (at_once(750 * MIB, 770 * MIB, samples=2), "17m"))),
    *(case("DiskFilling", "warning", "disk-filling", None,
           *of(DISK, filesystem_used_ratio="0.5x60 0.6x100"), at=at) for at in ("17m", "19m", "22m")),
]  # fmt: skip
"""What grew once does not grow."""
CPU = [
    case("CpuThrottled", "warning", "cpu-throttled", "its CPU quota held it back in 40% of the periods",
         *throttled(0.4)),
    case("CpuThrottled", "warning", "cpu-throttled", None, *throttled(0.2)),
    case("CpuAtQuota", "warning", "cpu-at-quota", "CPU at 90% of its own quota, which holds it back",
         *throttled(0.2, used=0.45, limit=0.5)),
    case("CpuAtQuota", "warning", "cpu-at-quota", None, *throttled(0.2, used=0.45, limit=0.5), at="4m"),
    case("CpuAtQuota", "warning", "cpu-at-quota", None, *throttled(0.0, used=0.45, limit=0.5)),
    case("CpuAtQuota", "warning", "cpu-at-quota", None, *throttled(0.2, used=0.8, limit=8)),
    case("CpuAtQuota", "warning", "cpu-at-quota", None, *throttled(0.2, used=8.0)),
    case("CpuAtQuota", "warning", "cpu-at-quota", None, *throttled(0.2, used=8.0, limit=0)),
]  # fmt: skip
DESCRIPTORS = [
    case("FdsNearLimit", "warning", "fds-near-limit", "open files at 85% of the limit",
         *of(REPLICA, replica_fds_limit_ratio=0.85)),
    case("FdsNearLimit", "critical", "fds-near-limit", None, *of(REPLICA, replica_open_fds=9000)),
    case("CloseWait", "warning", "close-wait", "6 sockets in CLOSE_WAIT: the peer closed, the service did not",
         *of(REPLICA | {"state": "close_wait"}, replica_sockets=6)),
    case("CloseWait", "warning", "close-wait", None, *of(REPLICA | {"state": "established"}, replica_sockets=6)),
    case("PoolCloseWait", "warning", "close-wait",
         "6 connections to pg in CLOSE_WAIT: the peer closed, the service did not", *of(POOL, pool_close_wait=6)),
    case("PoolCloseWait", "warning", "close-wait", None, *of(POOL, pool_close_wait=4)),
]  # fmt: skip
POOLS = [
    case("PoolWaiting", "warning", "pool-waiting", "callers wait 120ms for pool db",
         *of(POOL, pool_wait_seconds=0.12, pool_waiting=3, pool_in_use=5, pool_max=5)),
    case("PoolWaiting", "warning", "pool-waiting", None, *of(POOL, pool_in_use=5, pool_max=5, pool_waiting=0)),
    case("PoolWaiting", "warning", "pool-waiting", None, *of(POOL, pool_wait_seconds=0.01, pool_waiting=3)),
    case("PoolWaiting", "critical", "pool-waiting", None, *of(POOL, pool_wait_seconds=3, pool_waiting=0)),
    case("PoolWaitingUnmeasured", "warning", "pool-waiting", "3 callers wait for pool db", *of(POOL, pool_waiting=3)),
    case("PoolWaitingUnmeasured", "warning", "pool-waiting", None, *of(POOL, pool_waiting=3, pool_wait_seconds=0.001)),
    case("PoolWaitingInVain", "critical", "pool-waiting", "0.2 callers a second wait in vain for pool db",
         *of(POOL, pool_timeouts_total=COUNTER.format(3))),
    case("PoolWaitingInVain", "critical", "pool-waiting", None, *of(POOL, pool_timeouts_total=9)),
    case("ServerConnections", "warning", "server-connections", "92% of the connections of clients are given away",
         *of(SERVER, pool_in_use=80, pool_idle=12, pool_max=100)),
    case("ServerConnections", "warning", "server-connections", None, *of(SERVER, pool_in_use=80, pool_idle=12)),
    case("ServerConnections", "warning+critical", "server-connections",
         "100% of the connections of clients are given away", *of(SERVER, pool_open=100, pool_max=100)),
    case("ServerConnections", "warning", "server-connections", None, *of(POOL, pool_open=100, pool_max=100)),
    case("ServerConnections", "warning", "server-connections", None,
         *of(SERVER | {"confidence": "inferred"}, pool_open=100, pool_max=100)),
    case("ConnectionsUnanswered", "warning", "connections-unanswered", "3 connections to pg are not answered",
         *of(POOL, pool_connecting=3, pool_open=5)),
    case("ConnectionsUnanswered", "warning", "connections-unanswered", "1 connections to pg are not answered",
         *of(POOL, pool_connecting=1, pool_open=0, pool_in_use=0, pool_idle=0)),
    case("ConnectionsUnanswered", "warning", "connections-unanswered", None, *of(POOL, pool_connecting=1, pool_open=5)),
    case("IdleInTransaction", "warning", "idle-in-transaction",
         "pool db: idle in transaction, the oldest open for 1m 30s",
         *of(POOL, pool_idle_in_transaction_seconds=90, pool_idle_in_transaction=1)),
    case("IdleInTransaction", "warning", "idle-in-transaction", None,
         *of(POOL, pool_idle_in_transaction_seconds=9, pool_idle_in_transaction=1)),
    case("ConnectionBudget", "warning", "connection-budget",
         "its clients may take 170 connections, more than it gives",
         *of(BUDGET, connection_budget_wanted=170, connection_budget_allowed=97)),
    case("ConnectionBudget", "warning", "connection-budget", None, *of(BUDGET, connection_budget_wanted=170)),
]  # fmt: skip
QUEUES = [
    case("AcceptQueue", "warning", "accept-queue", "its accept queue is 95% full",
         *of(ACCEPT, queue_depth=95, queue_capacity=100)),
    case("AcceptQueue", "critical", "accept-queue", None, *of(ACCEPT, queue_depth=80, queue_capacity=100)),
    case("AcceptQueue", "warning", "accept-queue", None, *of(ACCEPT, queue_depth=0, queue_capacity=0)),
    case("QueueFull", "warning", "queue-full", "queue jobs is 95% full",
         *of(QUEUE, queue_depth=95, queue_capacity=100)),
    case("QueueFull", "critical", "queue-full", "queue jobs turns away 0.2 entries a second",
         *of(QUEUE, queue_rejected_total=COUNTER.format(3))),
    case("QueueFull", "warning", "queue-full", None, *of(QUEUE, queue_depth=95)),
    case("QueueNotDraining", "warning", "queue-not-draining",
         "more comes than goes in queue jobs, the first in line has waited 2m 10s",
         *of(QUEUE, queue_oldest_age_seconds=130, queue_depth=412, queue_in_per_second=5, queue_out_per_second=2)),
    case("QueueNotDraining", "warning", "queue-not-draining", None,
         *of(QUEUE, queue_oldest_age_seconds=130, queue_depth=412, queue_in_per_second=2, queue_out_per_second=5)),
    case("QueueGrows", "warning", "queue-not-draining", "more comes than goes in queue jobs, 196 wait",
         *of(QUEUE, queue_depth="100+3x160")),
    case("QueueGrows", "warning", "queue-not-draining", None, *of(QUEUE, queue_depth=412)),
    case("QueueStuck", "warning", "queue-not-draining",
         "nothing is taken from queue jobs, the first in line has waited 1m 30s",
         *of(QUEUE, queue_oldest_age_seconds=90, queue_depth=4, queue_in_per_second=0, queue_out_per_second=0)),
    case("QueueStuck", "warning", "queue-not-draining", None,
         *of(QUEUE, queue_oldest_age_seconds=90, queue_depth=4, queue_in_per_second=0)),
    case("QueueDrainedTooSlowly", "warning", "queue-not-draining",
         "queue jobs is drained too slowly, the first in line has waited 10m 0s",
         *of(QUEUE, queue_oldest_age_seconds=600, queue_depth=40, queue_in_per_second=3, queue_out_per_second=3)),
    case("QueueDrainedTooSlowly", "warning", "queue-not-draining", None,
         *of(QUEUE, queue_oldest_age_seconds=600, queue_depth=40, queue_in_per_second=1, queue_out_per_second=3)),
]  # fmt: skip
MACHINE = [
    case("DiskFull", "warning", "disk-full", "/data is 93% full", *of(DISK, filesystem_used_ratio=0.93)),
    case("DiskFull", "warning+critical", "disk-full", "/data is 96% full", *of(DISK, filesystem_used_ratio=0.96)),
    case("DiskFull", "warning", "disk-full", None, *of(DISK, filesystem_used_ratio=0.89)),
    case("DiskFilling", "warning", "disk-filling", "/data is full in 44m 0s at this rate",
         *of(DISK, filesystem_used_ratio="0.4+0.0025x160"), at="16m"),
    case("DiskFilling", "warning+critical", "disk-filling", "/data is full in 13m 17s at this rate",
         *of(DISK, filesystem_used_ratio="0.0625+0.00875x160"), at="13m30s"),
    case("DiskFilling", "warning", "disk-filling", None, *of(DISK, filesystem_used_ratio=0.8)),
    case("HostMemoryPressure", "warning", "host-memory-pressure", "everybody waits for memory 12% of the time",
         *of(HOST | {"resource": "memory"}, host_pressure_full_ratio=0.12)),
    case("HostIoPressure", "warning", "host-io-pressure", "everybody waits for a disk 40% of the time",
         *of(HOST | {"resource": "io"}, host_pressure_full_ratio=0.4)),
    case("HostIoPressure", "warning", "host-io-pressure", None,
         *of(HOST | {"resource": "cpu"}, host_pressure_full_ratio=0.9)),
    case("HostSwap", "warning", "host-swap", "no memory left, and swap space 95% full",
         *of(HOST, host_swap_free_bytes=50, host_swap_total_bytes=1000, host_memory_available_bytes=10,
             host_memory_total_bytes=1000)),
    case("HostSwap", "warning", "host-swap", None,
         *of(HOST, host_swap_free_bytes=50, host_swap_total_bytes=1000, host_memory_available_bytes=500,
             host_memory_total_bytes=1000)),
    case("HostSwap", "warning", "host-swap", None,
         *of(HOST, host_swap_free_bytes=0, host_swap_total_bytes=0, host_memory_available_bytes=10,
             host_memory_total_bytes=1000)),
    case("SourceBroken", "warning", "source-broken", "source docker does not answer",
         *of({"source": "docker", "instance": "vm:9477"}, source_up=0)),
    case("SourceBroken", "warning", "source-broken", None,
         *of({"source": "docker", "instance": "vm:9477"}, source_up=1)),
    case("SampleLate", "warning", "source-broken", "its newest sample is 7m 0s old: no other rule can fire",
         *of({"instance": "vm:9477"}, sample_timestamp_seconds=60)),
    case("SampleLate", "warning", "source-broken", None,
         *of({"instance": "vm:9477"}, sample_timestamp_seconds="0+15x160")),
]  # fmt: skip
SWARM = [
    case("ReplicasMissing", "warning", "replicas-missing", "2 replicas are missing",
         *of(SERVICE, swarm_desired_replicas=3, swarm_running_replicas=1)),
    case("ReplicasMissing", "critical", "replicas-missing", "none of 3 replicas runs",
         *of(SERVICE, swarm_desired_replicas=3, swarm_running_replicas=0)),
    case("ReplicasMissing", "warning", "replicas-missing", None,
         *of(SERVICE, swarm_desired_replicas=3, swarm_running_replicas=3)),
    case("SwarmUpdatePaused", "warning", "swarm-update-paused", "its update is paused",
         *of(SERVICE, swarm_update_paused=1)),
    case("SwarmUpdatePaused", "warning", "swarm-update-paused", None, *of(SERVICE, swarm_update_paused=0)),
    case("SwarmNodeDown", "warning", "swarm-node-down", "swarm node vm2 is not ready", *of(NODE, swarm_node_ready=0)),
    case("SwarmNodeDown", "warning", "swarm-node-down", None, *of(NODE, swarm_node_ready=1)),
]  # fmt: skip
CASES: list[Case] = [*SWARM, *FACTS, *MEMORY, *STEPS, *CPU, *DESCRIPTORS, *POOLS, *QUEUES, *MACHINE]


def test_every_rule_fires_when_it_should_and_says_it_right(tmp_path: Path):
    check(tmp_path, text(rules.SHIPPED), CASES)


def test_no_exported_rule_is_without_a_case_of_it_and_its_neighbour():
    exported = {one["alert"] for one in groups(rules.SHIPPED)["groups"][0]["rules"]}
    assert {one.alert for one in CASES if one.says} == exported
    assert {one["labels"]["rule"] for one in groups(rules.SHIPPED)["groups"][0]["rules"]} == set(rules.BY_ID)
    facts = {"McptopDead", "McptopRestarting", "McptopHostMemoryPressure"}
    assert {one.alert for one in CASES if one.says is None} >= exported - facts


def _selectors(expr: str) -> list[tuple[str, list[str]]]:
    found = re.findall(r"(mcptop_\w+)(?:\{([^}]*)\})?", expr)
    return [(name, re.findall(r'(\w+)(?:=~|!=|=)"', inside)) for name, inside in found]


def test_rules_ask_for_metrics_and_labels_that_there_are():
    for one in groups(rules.SHIPPED)["groups"][0]["rules"]:
        assert not re.search(r"\binf\b|\$", one["expr"]), "compared with nothing"
        for name, labels in _selectors(one["expr"]):
            assert name in BY_NAME, one["alert"]
            assert set(labels) <= set(BY_NAME[name].labels), one["alert"]


def test_thresholds_in_force_are_put_in_and_what_is_off_is_left_out(tmp_path: Path):
    changes = {
        "memory-near-limit": {"warning": 0.8, "for": "5m"}, "disk-full": {"enabled": False},
        "memory-leak": {"warning": "5 MiB/min"}, "restart-loop": {"critical": 5, "window": "20m"},
    }  # fmt: skip
    found = rule_set(changes, (), "f")
    exprs = {(one["alert"], one["labels"]["severity"]): one for one in groups(found)["groups"][0]["rules"]}
    near = exprs["McptopMemoryNearLimit", "warning"]
    assert ">= 0.8\n" in near["expr"]
    assert near["for"] == "5m"
    assert "for" not in exprs["McptopMemoryNearLimit", "critical"]
    assert "> 87381.3333333" in exprs["McptopTimeToMemoryLimit", "critical"]["expr"]
    assert "[20m]) >= 5 and" in exprs["McptopRestartLoop", "critical"]["expr"]
    assert not [alert for alert, _ in exprs if alert == "McptopDiskFull"]
    check(tmp_path, text(found), [case("MemoryNearLimit", "warning", NEAR, None, *memory(0.85 * GIB, GIB), at="4m"),
                                  case("MemoryNearLimit", "warning", NEAR, "memory at 85% of its own limit",
                                       *memory(0.85 * GIB, GIB), at="6m")])  # fmt: skip


def own(**more) -> OwnAlert:
    return OwnAlert(**({"id": "busy", "figure": "cpu.limit_ratio", "above": 0.8} | more))


def test_own_rules_are_exported_too(tmp_path: Path):
    mine = [
        own(service="shop/*.pi", wait="2m", above=Levels(0.8, 0.95), do="add one", playbook="cpu-load"),
        own(id="few", of="pool", figure="idle", above=None, below=2, says="hardly any left"),
        own(id="late", figure="age_s", above=30),
        own(id="waits", of="host", figure="pressure.cpu.some_avg10", above=0.3),
    ]
    found = text(rule_set({}, mine, "f"))
    document = yaml.safe_load(found)["groups"][1]
    assert document["name"] == "mcptop-own"
    busy, worse, few, late, waits = document["rules"]
    wanted = '{project=~"shop",service=~".*\\\\.pi"}'
    assert busy["expr"] == (
        f"rate(mcptop_replica_cpu_usage_seconds_total{wanted}[1m])"
        f" / (mcptop_replica_cpu_limit_cores{wanted} > 0) >= 0.8"
    )
    assert (busy["for"], busy["labels"]["severity"], worse["labels"]["severity"]) == ("2m", "warning", "critical")
    assert few["expr"] == "mcptop_pool_idle <= 2"
    assert few["annotations"]["description"].endswith('hardly any left: {{ $value | printf "%.0f" }}')
    assert (late["expr"], late.get("for")) == ('mcptop_alert{rule="late",severity="warning"} == 1', None)
    assert "# McptopLate: no metric has age_s of a service's instance; this is mcptop's judgement\n" in found
    assert waits["expr"] == 'mcptop_host_pressure_some_ratio{resource="cpu"} >= 0.3'
    check(tmp_path, found, [])


def test_what_is_kept_for_long_is_kept_by_prometheus_too(tmp_path: Path):
    assert "keep_firing_for" not in text(rules.SHIPPED), "older ones refuse it"
    mine = [own(keep="3m"), own(id="late", figure="age_s", above=30, keep="3m")]
    found = rule_set({"disk-full": {"keep": "5m"}, "paused": {"keep": "20s"}}, mine, "f")
    every = [one for group in groups(found)["groups"] for one in group["rules"]]
    kept = {(one["labels"]["rule"], one["keep_firing_for"]) for one in every if "keep_firing_for" in one}
    assert kept == {("disk-full", "5m"), ("busy", "3m")}, "of `late` there is mcptop's own judgement, kept already"
    full = of(DISK, filesystem_used_ratio="0.92x8 0.5x100")
    says = "/data is 92% full"
    check(tmp_path, text(found), [case("DiskFull", "warning", "disk-full", says, *full, at="6m"),
                                  case("DiskFull", "warning", "disk-full", None, *full, at="8m")])  # fmt: skip


@pytest.mark.parametrize("of", known_figures.OF)
def test_figures_are_asked_for_as_they_are_exported(of: str):
    names = known_figures.names(of)
    assert set(figures._OF[of]) <= set(names)
    for name in names:
        for metric, labels in _selectors(figures.promql(of, name, None) or ""):
            assert set(labels) <= set(BY_NAME[metric].labels), name
    if of in ("disk", "host"):
        return
    assert all("service=~" in (figures.promql(of, name, "x") or "service=~") for name in names)


def test_the_text_is_the_same_every_time_and_has_the_runbooks():
    one, other = text(rules.SHIPPED, "https://wiki.example/{rule}"), text(rules.SHIPPED, "https://wiki.example/{rule}")
    assert one == other
    first = yaml.safe_load(one)["groups"][0]["rules"][0]
    assert first["annotations"]["runbook_url"] == "https://wiki.example/exited-with-error"
    assert "runbook_url" not in text(rules.SHIPPED)


def test_a_name_cannot_leave_the_command_it_is_put_in(tmp_path: Path):
    bad = REPLICA | {"service": "a'; rm -rf /; echo '$(reboot)"}
    check(tmp_path, text(rules.SHIPPED), [
        case("OomKill", "critical", "oom-kill", "killed 1 times for lack of memory within 15m",
             ("mcptop_replica_oom_kills_total", bad, "2x50 3x40"), at="16m"),
    ])  # fmt: skip


def test_braces_in_a_users_texts_are_no_template(tmp_path: Path):
    texts = {"says": "{queue} is {{ .X | what }}", "do": "see {{ x"}
    found = text(
        rule_set({"oom-kill": {"do": "ask {{ who }}"}}, [own(id="b", figure="threads", above=2, **texts)], "f")
    )
    check(tmp_path, found, [])
    description = yaml.safe_load(found)["groups"][1]["rules"][0]["annotations"]["description"]
    assert description.replace('{{ "{" }}', "{").endswith(': {queue} is {{ .X | what }}: {{ $value | printf "%.0f" }}')
