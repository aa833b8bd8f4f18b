"""The page: every family of the catalogue with its labels, unknown is absent, hostile names are only names."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mcptop.exposition.catalogue import BY_NAME, FAMILIES, Type
from mcptop.exposition.families import Choice
from mcptop.exposition.text import Form, form_for
from mcptop.model.flow import Confidence, Model, Queue
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.snapshot import Reading
from mcptop.model.swarm import SwarmNode
from mcptop.model.value import Kind

from .examples import (
    ALERT,
    FULL,
    MODEL,
    NOON,
    POOL,
    QUEUE,
    SHOP,
    SWARM,
    everything,
    frame,
    series,
    snapshot,
    text,
    value,
)  # fmt: skip

API = {"project": "shop", "service": "api", "kind": "container", "replica": "shop-api-1"}


def test_every_family_of_the_catalogue_is_there_with_its_labels() -> None:
    found = series(text(*everything()))
    assert {name for name, _ in found} == {family.name for family in FAMILIES}
    for name, labels in found:
        assert {key for key, _ in labels} == set(BY_NAME[name].labels), name


def test_the_values_are_those_of_the_frame_and_the_snapshot() -> None:
    found = series(text(*everything()))
    assert value(found, "mcptop_replica_cpu_usage_seconds_total", **API) == 12.5
    assert value(found, "mcptop_replica_network_receive_bytes_total", **API) == 1001
    assert value(found, "mcptop_replica_memory_limit_bytes", **API) == 2000
    assert value(found, "mcptop_replica_sockets", **API, state="time_wait") == 3
    assert value(found, "mcptop_pool_timeouts_total", **API, pool="db", confidence="measured") == 3
    assert value(found, "mcptop_queue_oldest_age_seconds", **API, queue="jobs") == 4.5
    assert value(found, "mcptop_connection_budget_wanted", project="shop", server="postgres") == 150
    assert value(found, "mcptop_sample_timestamp_seconds") == NOON.timestamp()
    assert value(found, "mcptop_source_up", source="host") == 1
    assert value(found, "mcptop_source_up", source="docker") == 0
    assert value(found, "mcptop_source_up", source="redis") is None, "it has nothing to look at; that is not broken"
    assert value(found, "mcptop_alert", **API, rule="pool-waiting", severity="critical") == 1
    assert value(found, "mcptop_dropped_series") == 0


def test_of_a_swarm_service_what_shall_run_what_runs_and_what_failed() -> None:
    of_service = {"project": "shop", "service": "api", "kind": "container"}
    elsewhere = Instance("task:abc", "api.2", state="running", host="node-2")
    found = series(text(frame(replace(SHOP, instances=(FULL, elsewhere)))))
    assert value(found, "mcptop_swarm_desired_replicas", **of_service) == 3
    assert value(found, "mcptop_swarm_running_replicas", **of_service) == 2
    assert value(found, "mcptop_swarm_failed_tasks", **of_service) == 2, "one waits for a node"
    assert value(found, "mcptop_swarm_update_paused", **of_service) == 0
    assert value(found, "mcptop_replica_running") == 1, "the other node's own exporter tells of the other one"
    assert value(found, "mcp_service_memory_bytes") == 900
    nodes = (
        SwarmNode("n1", "node-1", "manager", "active", "ready", reachable="unreachable"),
        SwarmNode("n2", "node-2", "worker", "active", "down"),
        SwarmNode("n3", "node-3", "worker", "drain", "ready"),
        SwarmNode("n4", "node-4", "worker", "active", "unknown"),
    )
    found = series(text(frame(nodes=nodes)))
    assert [value(found, "mcptop_swarm_node_ready", node=f"node-{n}") for n in (1, 2, 3, 4)] == [0, 0, 1, None]
    job = replace(SHOP, swarm=replace(SWARM, mode="replicated-job"))
    assert value(series(text(frame(job))), "mcptop_swarm_desired_replicas") is None


def test_the_guides_names_say_what_they_mean() -> None:
    found = series(text(*everything()))
    assert value(found, "mcp_service_cpu_percent", service="api") == 50, "percent of one core"
    assert value(found, "mcp_service_memory_bytes", service="api") == 900, "the working set"
    assert value(found, "mcp_connection_pool_size", service="api") == 50, "overflow counted in"
    assert value(found, "mcp_connection_pool_active", service="api") == 20
    assert value(found, "mcp_model_memory_bytes", model_id="llama3-8b") == MODEL.memory_bytes
    assert value(found, "mcp_model_inference_queue_size", model_id="llama3-8b") == 12
    assert value(found, "mcp_service_disk_bytes", service="vm", mount="/data") == 45 << 30, "used, as df has it"


def test_of_one_pool_the_guide_has_one_series_and_none_of_what_the_kernel_saw() -> None:
    inferred = replace(POOL, in_use=None, open=22, kind="tcp", source="kernel", confidence=Confidence.INFERRED)
    counted = replace(POOL, in_use=19, max=None, source="pg_stat_activity")
    found = series(text(frame(replace(SHOP, pools=(inferred, counted, POOL), models=()))))
    assert value(found, "mcp_connection_pool_active", service="api") == 20, "from the one whose maximum is known"
    assert value(found, "mcp_connection_pool_size", service="api") == 50


def test_what_is_unknown_is_absent() -> None:
    bare = Service("shop", "api", Kind.CONTAINER, 0, (Instance("1", "shop-api-1", state="exited"),))
    found = series(text(frame(bare, monotonic=1000.0)))
    told = {name for name, labels in found if ("service", "api") in labels}
    assert told == {"mcptop_replica_info", "mcptop_replica_running"}
    assert value(found, "mcptop_replica_running") == 0


def test_a_limit_of_zero_is_none() -> None:
    unlimited = replace(FULL, memory=replace(FULL.memory, limit_bytes=0), cpu=replace(FULL.cpu, limit_cores=0.0))
    found = series(text(frame(replace(SHOP, instances=(unlimited,)))))
    assert value(found, "mcptop_replica_memory_limit_bytes") is None
    assert value(found, "mcptop_replica_cpu_limit_cores") is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_absent(bad: float) -> None:
    odd = replace(FULL, cpu=replace(FULL.cpu, cores=bad))
    page = text(frame(replace(SHOP, instances=(odd,))))
    assert value(series(page), "mcptop_replica_cpu_usage_cores") is None
    assert not re.search(r" (nan|-?inf)$", page, re.MULTILINE)


def test_host_processes_of_no_project_only_where_asked_for() -> None:
    ours = Service("shop", "worker", Kind.PROCESS, 1, (Instance("1-1", "python3[1]", 1),))
    other = Service(None, "cron", Kind.PROCESS, 1, (Instance("2-2", "cron[2]", 2),))
    asked = frame(ours, other)
    assert {dict(labels)["service"] for _, labels in series(text(asked)) if "service" in dict(labels)} == {"worker"}
    found = series(text(asked, choice=Choice(all_processes=True)))
    assert value(found, "mcptop_replica_running", service="cron") == 1


def test_both_formats_say_the_same() -> None:
    shown, beside = everything()
    page = text(shown, beside, Form.OPENMETRICS)
    assert page.endswith("\n# EOF\n")
    assert series(page, Form.OPENMETRICS) == series(text(shown, beside))


def test_every_family_is_whole_and_has_its_help_and_type() -> None:
    shown, beside = everything()
    shop = replace(shown, services=(SHOP, replace(SHOP, name="web")))
    lines = text(shop, beside).splitlines()
    names = [re.split(r"[{ ]", line)[0] for line in lines if not line.startswith("#")]
    runs = [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]
    assert len(runs) == len(set(runs)), "lines of one family stand together"
    assert {f"# TYPE {name} {BY_NAME[name].type.value}" for name in runs} <= set(lines)
    assert {f"# HELP {name} {BY_NAME[name].help}" for name in runs} <= set(lines)


NAMES = st.text(min_size=1, max_size=20) | st.sampled_from(
    ['a"} 1\nmcptop_alert{x="', "\\", 'q"', "\udcff\udc80", "x" * 300, "\u202egnp", "a\x00b", "#{}", "é" * 199 + "ab"]
)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(NAMES | st.none(), NAMES, st.sampled_from(Kind)), min_size=1, max_size=4),
    st.lists(NAMES, min_size=1, max_size=4),
    st.lists(NAMES, min_size=1, max_size=3),
)
def test_names_are_only_names(
    services: list[tuple[str | None, str, Kind]], replicas: list[str], others: list[str]
) -> None:
    instances = tuple(replace(FULL, id=f"{at}{name}", name=name, pid=at) for at, name in enumerate(replicas))
    pools = tuple(replace(POOL, name=a, peer=b, instance=c) for a in others for b in others for c in replicas)
    queues = tuple(Queue(name, name, one, 1, source=name) for name in others for one in replicas)
    models = tuple(Model(name, 1, instance=one) for name in others for one in replicas)
    made = {
        service.key: service
        for project, name, kind in services
        for service in [Service(project, name, kind, 1, instances, pools, queues, models)]
    }
    shown = frame(*made.values())
    choice = Choice(all_processes=True)
    for form in Form:
        found = series(text(shown, None, form, choice=choice), form)  # no two alike: `series` looks
        assert {name for name, _ in found} <= BY_NAME.keys(), "no name broke out of its quotes"
        values = [value for _, labels in found for _, value in labels]
        assert all(len(value) <= 200 and (value.isprintable() or not value) for value in values)
        told = [1 for name, _ in found if name == "mcptop_replica_running"]
        assert len(told) == len(made) * len(instances), "every replica has a name of its own"


def test_services_that_would_read_the_same_are_told_apart() -> None:
    alike = [replace(SHOP, name=name) for name in ("a\x01b", "a\x02b", "x" * 250 + "1", "x" * 250 + "2")]
    found = series(text(frame(*alike)))
    names = {dict(labels)["service"] for name, labels in found if name == "mcptop_replica_running"}
    assert len(names) == 4
    assert "a b" in names
    assert all(len(name) <= 200 for name in names)
    assert value(found, "mcptop_dropped_series") == 0


def test_replicas_are_called_by_their_id_or_pid_only_where_names_are_alike() -> None:
    def replicas(*instances: Instance, kind: Kind) -> set[str]:
        found = series(text(frame(Service("shop", "api", kind, 1, instances))))
        return {dict(labels)["replica"] for name, labels in found if name == "mcptop_replica_running"}

    one, two = Instance("7-7", "python3[7]", 7), Instance("8-8", "python3[8]", 8)
    assert replicas(one, kind=Kind.PROCESS) == {"python3"}, "stays when it starts again with another pid"
    assert replicas(one, two, kind=Kind.PROCESS) == {"python3[7]", "python3[8]"}
    alike = (Instance("a" * 64, "api", 7, image="x"), Instance("b" * 64, "api", 8, image="x"))
    assert replicas(*alike, kind=Kind.CONTAINER) == {"api " + "a" * 12, "api " + "b" * 12}


def test_pools_and_alerts_have_the_replicas_name_of_the_page() -> None:
    worker = Service("shop", "worker", Kind.PROCESS, 1, (replace(FULL, name="python3[7]"),),
                     (replace(POOL, instance="python3[7]"),))  # fmt: skip
    alert = replace(ALERT, service="worker", kind=Kind.PROCESS, instance="python3[7]", subject="a pool's key")
    found = series(text(replace(frame(worker), alerts=(alert,))))
    assert value(found, "mcptop_alert", replica="python3") == 1
    assert value(found, "mcptop_pool_in_use", replica="python3") == 20
    assert value(found, "mcp_connection_pool_active", replica="python3") == 20


def test_one_name_as_container_and_as_process_is_two_things_to_the_guide_as_well() -> None:
    process = Service("shop", "api", Kind.PROCESS, 1, (replace(FULL, id="7-7"),))
    found = series(text(frame(replace(SHOP, pools=(), models=()), process)))
    assert value(found, "mcp_service_memory_bytes", replica="shop-api-1") == 900
    assert value(found, "mcp_service_memory_bytes", replica="shop-api-1 (process)") == 900


def test_of_pools_that_read_the_same_the_first_is_told_and_the_others_are_counted() -> None:
    pools = (POOL, replace(POOL, in_use=1))
    found = series(text(frame(replace(SHOP, pools=pools, queues=(QUEUE, QUEUE)))))
    assert value(found, "mcptop_pool_in_use") == 20
    assert value(found, "mcptop_dropped_series") == 12 + 7


def test_counters_need_the_snapshot() -> None:
    found = series(text(frame(SHOP)))
    assert value(found, "mcptop_replica_cpu_usage_seconds_total") is None
    found = series(text(frame(SHOP), snapshot({FULL.id: Reading(1.0, cpu_usage_s=3.0)})))
    assert value(found, "mcptop_replica_cpu_usage_seconds_total") == 3.0
    assert value(found, "mcptop_replica_cpu_periods_total") is None


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form.PROMETHEUS),
        ("*/*", Form.PROMETHEUS),
        # What Prometheus 2.42 sends.
        ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Form.OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Form.PROMETHEUS),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.9", Form.PROMETHEUS),
        ("application/openmetrics-text;q=nonsense;;,\x00", Form.PROMETHEUS),
    ],
)  # fmt: skip
def test_the_reader_chooses_the_format(accept: str, form: Form) -> None:
    assert form_for(accept) is form


def test_promtool_has_no_objection(promtool: str) -> None:
    """It knows no percent as a unit, so that not even the guide's `mcp_service_cpu_percent` is one to it."""

    def objections(page: str) -> list[str]:
        done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).strip().splitlines()

    page = text(*everything())
    assert objections(page) == []
    beside = page.replace("mcptop_pool_wait_seconds", "mcptop_pool_wait_milliseconds")
    assert all("milliseconds" in line for line in objections(beside))
    assert objections(beside), "it looks at every name"


def test_counters_and_only_they_are_totals() -> None:
    assert all(family.name.endswith("_total") == (family.type is Type.COUNTER) for family in FAMILIES)
