"""The page: as Prometheus' own parser reads it, the same through its client, and what it takes to write it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from mcptop.instrument.page import service_name, tables
from mcptop.instrument.prometheus import PageCollector
from mcptop.instrument.registry import Registry
from mcptop.instrument.text import written

ROOT = Path(__file__).parents[2]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Counts:
    """What a service counts itself."""

    waits = 3
    wait_s = 1.5
    timeouts = 0


@pytest.fixture
def busy() -> tuple[Registry, list[object]]:
    """A registry, and what must live as long as the test."""
    registry = Registry()
    things = [asyncio.Semaphore(4), asyncio.Queue(9), Counts()]
    registry.watch(things[0], "gate", things[2])
    registry.watch(things[1], 'jobs "of\\the"\nday')
    return registry, things


def _samples(page: str) -> Samples:
    found = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    assert len({(each.name, tuple(each.labels.items())) for each in found}) == len(found)
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for each in found}


def test_prometheus_reads_the_page(busy: tuple[Registry, list[object]]) -> None:
    page = written(tables(busy[0], "api"))
    gate, jobs = (("pool", "gate"), ("service", "api")), (("queue", 'jobs "of\\the"\nday'), ("service", "api"))
    assert _samples(page) == {
        ("mcp_connection_pool_max", gate): 4,
        ("mcp_connection_pool_active", gate): 0,
        ("mcp_connection_pool_idle", gate): 4,
        ("mcp_connection_pool_waiting", gate): 0,
        ("mcp_connection_pool_waits_total", gate): 3,
        ("mcp_connection_pool_wait_seconds_total", gate): 1.5,
        ("mcp_connection_pool_timeouts_total", gate): 0,
        ("mcp_queue_depth", jobs): 0,
        ("mcp_queue_capacity", jobs): 9,
        ("mcp_instrument_errors_total", (("service", "api"),)): 0,
    }
    types = {family.name: family.type for family in text_string_to_metric_families(page)}
    assert (types["mcp_connection_pool_waits"], types["mcp_queue_depth"]) == ("counter", "gauge")
    # What nobody knows has not even a name on the page.
    assert "mcp_connection_pool_size" not in page
    assert "mcp_cache" not in page


def test_the_collector_says_the_same(busy: tuple[Registry, list[object]]) -> None:
    registry = CollectorRegistry(auto_describe=True)
    registry.register(PageCollector(lambda: tables(busy[0], "api")))
    assert _samples(generate_latest(registry).decode()) == _samples(written(tables(busy[0], "api")))


def test_a_name_of_broken_text_can_be_sent() -> None:
    registry, jobs = Registry(), asyncio.Queue()
    registry.watch(jobs, "half \ud800")
    assert b'{service="a?",queue="half ?"}' in written(tables(registry, "a\udcff")).encode()


@pytest.mark.parametrize(
    ("argv", "named", "wanted"),
    [
        (["/srv/orders/worker.py"], None, "worker"),
        (["/srv/orders/__main__.py"], None, "orders"),
        (["/usr/bin/uvicorn", "x:app"], "orders", "orders"),
        (["worker.py"], None, "worker"),
        ([""], None, "python"),
        ([], None, "python"),
    ],
)
def test_the_service_is_called_as_it_says_or_as_its_program(
    monkeypatch: pytest.MonkeyPatch, argv: list[str], named: str | None, wanted: str
) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.delenv("MCPTOP_SERVICE", raising=False)
    if named:
        monkeypatch.setenv("MCPTOP_SERVICE", named)
    assert service_name() == wanted


def test_it_needs_the_standard_library_and_nothing_else_of_this_project() -> None:
    """Without any installed package on the path; and what it reads is not loaded by reading."""
    code = f"""
import sys, asyncio, queue
sys.path.insert(0, {str(ROOT)!r})
before = set(sys.modules)
from mcptop.instrument import render, watch
gate = watch(asyncio.Semaphore(3))
jobs = watch(queue.Queue())
assert 'pool="places"' in render("x") and 'queue="queue"' in render("x")
print(*{{name.split(".")[0] for name in set(sys.modules) - before}} - set(sys.stdlib_module_names))
print(*{{name for name in sys.modules if name.startswith("mcptop.") and ".instrument" not in name}})
"""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60, env=environment
    )
    assert (done.stdout.split(), done.stderr) == (["mcptop"], "")


def _fastest(work: Callable[[], object]) -> float:
    took = []
    for _ in range(200):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


def test_a_pool_costs_little_more_than_the_same_gauges_would() -> None:
    """Beside `prometheus_client` with as many gauges that somebody has to keep up to date all the time."""
    ours, theirs = Registry(), CollectorRegistry()
    places = [asyncio.Semaphore(5) for _ in range(20)]
    for number, place in enumerate(places):
        ours.watch(place, f"p{number}")
    for figure in ("max", "active", "idle", "waiting"):
        gauge = Gauge(f"mcp_connection_pool_{figure}", figure, ["service", "pool"], registry=theirs)
        for number in range(20):
            gauge.labels("api", f"p{number}").set(number)
    ratio = _fastest(lambda: written(tables(ours, "api"))) / _fastest(lambda: generate_latest(theirs))
    assert ratio < 5
