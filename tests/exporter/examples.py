"""A frame with everything there can be, one that knows nothing, and how their pages are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from mcptop.exporter.pages import Pages
from mcptop.exposition.families import Choice
from mcptop.exposition.text import Form
from mcptop.model.alert import Alert
from mcptop.model.flow import Budget, Model, Pool, Queue
from mcptop.model.frame import EMPTY, Frame, Own, Service, SourceReport, Status
from mcptop.model.host import Filesystem, Host, HostPressure, Pressure
from mcptop.model.instance import Cpu, Disk, FileDescriptors, Instance, Memory, Sockets
from mcptop.model.playbook import Severity
from mcptop.model.snapshot import Counters, Reading, Snapshot, Traffic
from mcptop.model.swarm import SwarmNode, SwarmService, TaskTrouble
from mcptop.model.value import Kind

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOW = 1000.0
"""Monotonic seconds of the frames."""
GIB = 1 << 30
SERIES = dict[tuple[str, tuple[tuple[str, str], ...]], float]

FULL = Instance(
    "c0ffee" * 10, "shop-api-1", 4711, health="healthy", image="shop/api:1.2", started_at=NOON, restarts=2, oom_kills=1,
    exit_code=137, asked_to_stop=True,
    cpu=Cpu(0.5, 2.0, 0.25, 0.125, 0.01), memory=Memory(900, 800, 100, 10, 1000, 2000, 0.45, 1.0, 0.02),
    disk=Disk(pressure_some_avg10=0.03), pids=12, threads=24, pids_limit=512, fds=FileDescriptors(64, 1024, 0.0625),
    sockets=Sockets(12, 1, 3, 2, 1, 0, 0),
)  # fmt: skip
READING = Reading(
    1.0, cpu_usage_s=12.5, cpu_periods=100, cpu_throttled_periods=7,
    network=Counters(1.0, (Traffic("eth0", 1000, 2000), Traffic("eth1", 1, 2))),
    disk=Counters(1.0, (Traffic("vda", 300, 400),)),
)  # fmt: skip
POOL = Pool(
    "db", "db", "postgres", "shop-api-1", 22, 20, 2, 50, 4, 0.25, timeouts=3, longest_s=9.0, idle_in_transaction=1,
    idle_in_transaction_s=30.5, connecting=1, close_wait=2, source="metrics (mcp)",
)  # fmt: skip
QUEUE = Queue("jobs", "queue", "shop-api-1", 12, 3, 100, 4.5, 10.0, 9.0, rejected=6, source="metrics (mcp)")
MODEL = Model("llama3-8b", 5 * GIB, 8 * GIB, 1 * GIB, "shop-api-1", "metrics")
SWARM = SwarmService("s1", "shop_api", "replicated", 3, 2, "shop", troubles=(
    TaskTrouble("api.3", "failed", "exit 1"), TaskTrouble("api.3", "pending", "no suitable node"),
))  # fmt: skip
SHOP = Service("shop", "api", Kind.CONTAINER, 1, (FULL,), (POOL,), (QUEUE,), (MODEL,), SWARM)
HOST = Host(
    "vm", 2, 0.5, 8 * GIB, 4 * GIB, 2 * GIB, 1 * GIB, 0.7,
    HostPressure(Pressure(0.1, 0.0), Pressure(0.2, 0.1), Pressure(0.3, 0.2)),
    (Filesystem("/data", "vdb", 100 * GIB, 45 * GIB, 0.5),),
)  # fmt: skip
ALERT = Alert(
    "pool-waiting", "api", Severity.CRITICAL, NOON, "waits", project="shop", kind=Kind.CONTAINER, instance="shop-api-1",
    subject="container:shop/api#pool/shop-api-1/db/metrics (mcp)",
)  # fmt: skip
BUDGET = Budget("postgres", 97, "100 - 3", (), 150, "50 x 3", True, "shop")
SOURCES = (
    SourceReport("host", Status.OK, "", 0.01),
    SourceReport("docker", Status.ERROR, "broken", 0.01),
    SourceReport("redis", Status.NO_DATA, "nothing to ask", 0.01),
)


def frame(*services: Service, **more: object) -> Frame:
    """Of these services, with nothing else unless it is given."""
    values = {"number": 1, "at": NOON, "services": services, "interval_s": 1.0, "monotonic": NOW}
    return replace(EMPTY, **(values | more))


def everything() -> tuple[Frame, Snapshot]:
    """Nothing of it is unknown."""
    made = frame(
        SHOP, host=HOST, sources=SOURCES, alerts=(ALERT,), budgets=(BUDGET,), own=Own(0.01, 50 << 20, 0.02),
        engine="docker 28.2", nodes=(SwarmNode("n1", "node-1", "manager", "active", "ready"),),
    )  # fmt: skip
    return made, snapshot({FULL.id: READING})


def snapshot(readings: dict[str, Reading]) -> Snapshot:
    """With nothing but readings."""
    return Snapshot(NOON, NOW, None, (), readings, {}, {}, (), {})


def pages(shown: Frame, beside: Snapshot | None = None, choice: Choice | None = None, most: int = 100_000) -> Pages:
    """Of one frame, at its own moment."""
    made = Pages("1.2.3", choice or Choice(), most, clock=lambda: NOW)
    if beside is not None:
        made.add(beside)
    made.show(shown)
    return made


def text(shown: Frame, beside: Snapshot | None = None, form: Form = Form.PROMETHEUS, **more: object) -> str:
    """The page of one frame."""
    found = pages(shown, beside, **more).page(form)  # type: ignore[arg-type]
    assert found is not None
    return found.decode()


def series(page: str, form: Form = Form.PROMETHEUS) -> SERIES:
    """Name and sorted labels -> value, as the published parsers read them; no two alike, none empty-handed."""
    read = read_prometheus if form is Form.PROMETHEUS else read_openmetrics
    samples = [sample for family in read(page) for sample in family.samples]
    found = {(one.name, tuple(sorted(one.labels.items()))): one.value for one in samples}
    assert len(found) == len(samples), "two series alike"
    return found


def value(found: SERIES, name: str, **labels: str) -> float | None:
    """Of the only series of that name with these labels; None without one."""
    hits = [
        number for (family, known), number in found.items() if family == name and labels.items() <= dict(known).items()
    ]
    assert len(hits) < 2, f"{len(hits)} series of {name} {json.dumps(labels)}"
    return hits[0] if hits else None
