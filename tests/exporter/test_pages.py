"""A page a frame: made when asked for, shared, bounded by whole services, without what is too old."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from mcptop.exporter import pages as module
from mcptop.exporter.pages import Pages
from mcptop.exposition.families import Choice
from mcptop.exposition.text import Form, Lines
from mcptop.model.frame import Service
from mcptop.model.snapshot import Reading
from mcptop.model.value import Kind

from .examples import (
    ALERT,
    FULL,
    NOW,
    POOL,
    QUEUE,
    READING,
    SHOP,
    everything,
    frame,
    pages,
    series,
    snapshot,
    text,
    value,
)  # fmt: skip


def test_there_is_no_page_before_the_first_frame() -> None:
    empty = Pages("1", Choice())
    assert empty.page(Form.PROMETHEUS) is None
    assert empty.age_s is None
    assert not empty.is_fresh


def test_one_frame_is_written_once_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    original = module.written

    def counted(rows: object) -> Lines:
        calls.append(threading.get_ident())
        return original(rows)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "written", counted)
    shown = pages(*everything())
    assert calls == [], "nobody asked yet"
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: shown.page(Form.PROMETHEUS), range(16)))
    assert len(found) == 1
    assert len(set(calls)) == 1
    before = len(calls)
    plain, packed = shown.page(Form.OPENMETRICS), shown.page(Form.OPENMETRICS, compressed=True)
    assert plain is not None
    assert packed is not None
    assert gzip.decompress(packed) == plain
    assert len(calls) == before, "another form is the same lines"


def test_a_service_that_did_not_change_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, beside = everything()
    made = pages(shown, beside)
    made.page(Form.PROMETHEUS)
    written: list[str] = []
    original = module.families.rows_of
    monkeypatch.setattr(module.families, "rows_of", lambda one, *rest: written.append(one.name) or original(one, *rest))

    web = replace(SHOP, name="web", instances=(replace(FULL, id="web"),))
    made.show(replace(shown, services=(SHOP, web)))
    made.page(Form.PROMETHEUS)
    assert written == ["web"]
    made.add(snapshot({FULL.id: Reading(2.0, cpu_usage_s=13.0)}))
    made.show(replace(shown, services=(SHOP, web)))
    found = made.page(Form.PROMETHEUS)
    assert written == ["web", "api"], "its counters went on"
    assert found is not None
    assert value(series(found.decode()), "mcptop_replica_cpu_usage_seconds_total", service="api") == 13.0


def test_a_service_whose_name_is_shared_from_now_on_is_written_again() -> None:
    process = Service("shop", "api", Kind.PROCESS, 1, (replace(FULL, id="7-7"),))
    made = pages(frame(process))
    alone = made.page(Form.PROMETHEUS)
    made.show(frame(replace(SHOP, pools=(), models=()), process))
    shared = made.page(Form.PROMETHEUS)
    assert alone is not None
    assert shared is not None
    assert value(series(alone.decode()), "mcp_service_memory_bytes", replica="shop-api-1") == 900
    assert value(series(shared.decode()), "mcp_service_memory_bytes", replica="shop-api-1 (process)") == 900


def test_what_does_not_fit_is_left_out_by_whole_services_the_largest_first() -> None:
    small = [replace(SHOP, name=f"small-{n}", pools=(), queues=(), models=()) for n in range(4)]
    large = replace(SHOP, name="large", pools=tuple(replace(POOL, name=f"p{n}") for n in range(50)))
    whole = text(frame(large, *small, alerts=(ALERT,)))
    most = len([line for line in whole.splitlines() if not line.startswith("#")]) - 1
    found = series(text(frame(large, *small, alerts=(ALERT,)), most=most))
    assert len(found) <= most
    assert {dict(labels)["service"] for name, labels in found if name == "mcptop_replica_running"} == {
        f"small-{n}" for n in range(4)
    }
    dropped = {key for key in series(whole) if dict(key[1]).get("service") == "large"}
    assert value(found, "mcptop_dropped_series") == len(dropped)
    assert value(found, "mcptop_alert") == 1


def test_a_late_replica_keeps_its_last_figures_for_a_while_and_then_has_none() -> None:
    def at(age_s: float) -> dict[object, float]:
        late = replace(SHOP, instances=(replace(FULL, age_s=age_s),))
        return series(text(frame(late), snapshot({FULL.id: READING})))  # type: ignore[return-value]

    recent, old = at(14.0), at(16.0)
    assert value(recent, "mcptop_replica_cpu_usage_cores") == 0.5  # type: ignore[arg-type]
    assert value(recent, "mcptop_replica_cpu_usage_seconds_total") == 12.5  # type: ignore[arg-type]
    of_replica = {name for name, _ in old if "replica_" in name or name.startswith("mcp_service_")}  # type: ignore[misc]
    still_told = ("info", "running", "healthy", "asked_to_stop")
    assert of_replica == {f"mcptop_replica_{name}" for name in still_told}


def test_late_pools_and_queues_go_as_well() -> None:
    def names(age_s: float) -> set[str]:
        late = replace(SHOP, pools=(replace(POOL, age_s=age_s),), queues=(replace(QUEUE, age_s=age_s),), models=())
        return {name for name, _ in series(text(frame(late)))}

    assert {"mcptop_pool_in_use", "mcptop_queue_depth", "mcp_connection_pool_active"} <= names(59.0)
    assert not [name for name in names(61.0) if "pool" in name or "queue" in name]


def test_when_no_samples_come_only_mcptop_itself_is_told() -> None:
    now = NOW
    made = Pages("1", Choice(), clock=lambda: now)
    shown, beside = everything()
    made.add(beside)
    made.show(shown)
    fresh = made.page(Form.PROMETHEUS)
    now += 14.0
    assert made.is_fresh
    assert made.page(Form.PROMETHEUS) == fresh
    now += 2.0
    assert not made.is_fresh
    found = made.page(Form.PROMETHEUS)
    assert found is not None
    stuck = series(found.decode())
    assert value(stuck, "mcptop_sample_timestamp_seconds") == shown.at.timestamp()
    assert {name.split("_")[0] for name, _ in stuck} == {"mcptop"}
    assert not [name for name, _ in stuck if "replica" in name or "host_" in name]


def test_slow_samples_are_no_late_ones() -> None:
    made = Pages("1", Choice(), clock=lambda: NOW + 200.0)
    made.show(frame(interval_s=60.0))
    assert made.is_fresh
    assert made.age_s == 200.0


def test_a_page_of_nothing_is_one() -> None:
    found = series(text(frame(Service("shop", "api", SHOP.kind, 0, ()))))
    assert value(found, "mcptop_dropped_series") == 0
