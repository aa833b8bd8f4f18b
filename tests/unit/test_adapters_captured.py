"""Pages taken from running exporters: what the tables make of them is what had been set up there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcptop.adapters.reader import understand
from mcptop.adapters.tables import load_all

CAPTURED = Path(__file__).parent.parent / "fixtures" / "metrics" / "captured"
SHIPPED = load_all()
_TWO_QUEUES = {"mail": {"depth": 0, "in_flight": 0}, "jobs": {"depth": 5, "in_flight": 2}}

EXPECTED: dict[str, tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]] = {
    "postgres-exporter": (
        {
            "postgres": {"in_use": 4, "idle": 2, "idle_in_transaction": 1, "max": 97}
            | {"longest_s": 4.942367, "idle_in_transaction_s": 4.9491}
        },
        {},
    ),
    # A list of four, two delayed in a sorted set, one entry in a stream; the string is there by its length.
    "redis-exporter": (
        {"redis": {"in_use": 2, "max": 10000}},
        {"jobs": {"depth": 4}, "delayed": {"depth": 2}, "events": {"depth": 1}, "note": {"depth": 2}},
    ),
    # A pool of two and a reserve of one, all taken, seven waiting.
    "pgbouncer": ({"app/postgres": {"in_use": 3, "idle": 0, "waiting": 7, "oldest_wait_s": 33.277695}}, {}),
    "rabbitmq": ({}, {"all queues": {"depth": 5, "in_flight": 2}}),
    "rabbitmq-per-object": ({}, _TWO_QUEUES),
    "rabbitmq-detailed": ({}, _TWO_QUEUES),
    "nginx-exporter": ({"connections": {"in_use": 1, "idle": 3}}, {}),
    "nginx-stub-status": ({"connections": {"in_use": 1, "idle": 4}}, {}),
    "otel-db-old": ({"sqlite://:/x.db": {"in_use": 2, "idle": 1, "waiting": None, "max": None}}, {}),
    "rq-exporter": (
        {"workers": {"in_use": 1, "max": 1}},
        {"default": {"depth": 3, "in_flight": 1}, "mail": {"depth": 1, "in_flight": 0}},
    ),
    "dramatiq": ({}, {"default": {"in_flight": 2, "depth": None}}),
    # A real worker, the exporter retyped from its source: the worker has two processes and two queues; of eight tasks
    # two run, two it has fetched for later, four wait.
    "celery": (
        {"workers": {"in_use": 2, "max": None}},
        {"celery": {"depth": 4, "in_flight": None}, "mail": {"depth": 0, "in_flight": None}},
    ),
    # Two requests under way, beside the one that asked for the page. Three earlier ones are done.
    "litellm": ({"requests": {"in_use": 2, "waits_total": 3, "wait_seconds_total": 0.05749011039733887}}, {}),
    # Two slots and four endless requests.
    "llama.cpp": ({"slots": {"in_use": 2, "waiting": 2, "max": None, "waits_total": None}}, {}),
    # Not captured: rendered by vLLM's own metric definitions. Two engines, 12 and 4 running, five waiting at the first.
    "vllm-rendered": (
        {"small": {"in_use": 16, "waiting": 5, "max": None, "waits_total": 4, "wait_seconds_total": 2.0}},
        {},
    ),
    # At most five and three of them held, after four had waited half a second each; another one without a maximum.
    "go-sql": (
        {
            "app": {"in_use": 3, "idle": 2, "max": 5, "waits_total": 4, "wait_seconds_total": 2.002799479},
            "free": {"in_use": 2, "idle": 1, "max": None, "waits_total": 0, "wait_seconds_total": 0},
        },
        {},
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_captured_page_says_what_was_there(name: str) -> None:
    understood = understand((CAPTURED / f"{name}.txt").read_bytes(), "text/plain", SHIPPED)
    assert understood.problem is None
    pools, queues = EXPECTED[name]
    for wanted, found in ((pools, understood.mapped.pools), (queues, understood.mapped.queues)):
        assert {each.name for each in found} == set(wanted)
        for each in found:
            assert {field: getattr(each, field) for field in wanted[each.name]} == wanted[each.name]


def test_every_captured_page_is_looked_at() -> None:
    assert {path.stem for path in CAPTURED.iterdir()} == set(EXPECTED)
