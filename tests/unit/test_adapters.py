"""Each system's page of metrics, and what its table makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.adapters.mapping import MAX_NAMES, Mapped, read
from mcptop.adapters.reader import understand
from mcptop.adapters.tables import AdapterError, load, load_all, wanted
from mcptop.model.flow import Confidence
from mcptop.sources.metrics_text import parse

FIXTURES = Path(__file__).parent.parent / "fixtures" / "metrics"
SHIPPED = load_all()


def mapped(text: str) -> Mapped:
    return read(parse(text.encode(), wanted(SHIPPED)), SHIPPED)


def known(reading: Any) -> dict[str, Any]:
    """What a reading says, without what it leaves open."""
    fields = {name: getattr(reading, name) for name in reading.__struct_fields__}
    return {
        name: value for name, value in fields.items() if value not in (None, "") and value is not Confidence.MEASURED
    }


MODELS = [{"id": "tinyllama-1.1b", "memory_bytes": 50331648}, {"id": "smollm2-360m", "memory_bytes": 16777216}]
MODEL_QUEUES = [{"name": model["id"], "kind": "queue", "depth": 0} for model in MODELS]


def own_pool(name: str, kind: str, idle: int, most: int) -> dict[str, Any]:
    """A pool of the demo that nobody uses."""
    figures = {"in_use": 0, "idle": idle, "max": most, "waiting": 0}
    return {"name": name, "kind": kind} | figures | {"waits_total": 0, "wait_seconds_total": 0, "timeouts_total": 0}


EXPECTED: dict[str, dict[str, list[dict[str, Any]]]] = {
    "mcp": {
        "pools": [
            own_pool("db", "db", 3, 50),
            own_pool("worker", "http", 5, 100),
            own_pool("requests", "http", 10, 10),
        ]
    },
    "mcp-worker": {
        "pools": [own_pool("model-runner", "http", 2, 100)],
        "queues": [
            {"name": "jobs", "kind": "queue", "depth": 0, "in_flight": 0, "capacity": 500}
            | {"entered_total": 25, "left_total": 25, "rejected_total": 0},
            *MODEL_QUEUES,
        ],
        "models": MODELS,
    },
    "llama.cpp": {
        "pools": [own_pool("slots", "slots", 2, 2) | {"waits_total": 2, "wait_seconds_total": 0.015267415998096112}],
        "queues": MODEL_QUEUES,
        "models": MODELS,
    },
    "docker-model-runner": {
        "pools": [
            {"name": "ai/smollm2", "kind": "slots", "in_use": 4, "waiting": 7},
            {"name": "ai/mxbai-embed-large/embedding", "kind": "slots", "in_use": 1, "waiting": 0},
        ]
    },
    "otel-db": {
        "pools": [
            {"name": "orders", "kind": "db", "in_use": 7, "idle": 3, "max": 10, "waiting": 2}
            | {"waits_total": 40, "wait_seconds_total": 2.5, "timeouts_total": 1}
        ]
    },
    "otel-db-old": {
        "pools": [
            {"name": "postgresql://db:5432/app", "kind": "db", "in_use": 4, "idle": 1, "max": 15}
            | {"waits_total": 8, "wait_seconds_total": 2.5}
        ]
    },
    "otel-python": {
        "pools": [
            {"name": "sqlite://:/file:orders", "kind": "db", "in_use": 3, "idle": 1},
            {"name": "requests", "kind": "server", "in_use": 1},
        ]
    },
    "otel-http": {
        "pools": [
            {"name": "requests", "kind": "server", "in_use": 5},
            {"name": "model-runner", "kind": "http", "in_use": 6, "idle": 2},
        ]
    },
    "vllm": {
        "pools": [
            {"name": "Qwen/Qwen3-8B", "kind": "slots", "in_use": 16, "waiting": 5}
            | {"waits_total": 30, "wait_seconds_total": 6}
        ]
    },
}
EXPECTED |= {
    "hikaricp": {
        "pools": [
            {"name": "HikariPool-1", "kind": "db", "in_use": 10, "idle": 0, "max": 10, "waiting": 4}
            | {"waits_total": 250, "wait_seconds_total": 12.5, "timeouts_total": 3}
        ]
    },
    "hikaricp-own": {
        "pools": [
            {"name": "orders", "kind": "db", "in_use": 3, "idle": 7, "max": 10, "waiting": 0}
            | {"waits_total": 8, "wait_seconds_total": 4.0, "timeouts_total": 0}
        ]
    },
    "go-sql": {
        "pools": [
            {"name": "orders", "kind": "db", "in_use": 18, "idle": 2, "max": 25}
            | {"waits_total": 12, "wait_seconds_total": 0.75},
            {"name": "audit", "kind": "db", "in_use": 1, "idle": 1},
        ]
    },
    "pgbouncer": {
        "pools": [
            {"name": "app/api", "kind": "db", "in_use": 20, "idle": 0, "max": 25, "waiting": 6}
            | {"oldest_wait_s": 1.5, "connecting": 1},
            {"name": "app/worker", "kind": "db", "in_use": 3, "idle": 3, "max": 25, "waiting": 0}
            | {"oldest_wait_s": 0, "connecting": 0},
        ]
    },
    "postgres_exporter": {
        "pools": [
            {"name": "postgres", "kind": "server", "in_use": 6, "idle": 30, "max": 97, "longest_s": 2.5}
            | {"idle_in_transaction": 2, "idle_in_transaction_s": 90.0, "confidence": Confidence.DERIVED}
        ]
    },
    "redis_exporter": {
        "pools": [{"name": "redis", "kind": "server", "in_use": 12, "max": 10000}],
        "queues": [{"name": "jobs", "kind": "broker", "depth": 42}],
    },
    "rabbitmq": {
        "queues": [
            {"name": "jobs", "kind": "broker", "depth": 120, "in_flight": 8},
            {"name": "billing/jobs", "kind": "broker", "depth": 0, "in_flight": 1},
        ]
    },
    "rabbitmq-per-object": {"queues": [{"name": "mail", "kind": "broker", "depth": 5, "in_flight": 2}]},
    "celery": {
        "pools": [{"name": "workers", "kind": "slots", "in_use": 4}],
        "queues": [
            {"name": "celery", "kind": "broker", "depth": 17},
            {"name": "mail", "kind": "broker", "depth": 0},
        ],
    },
    "rq": {
        "pools": [{"name": "workers", "kind": "slots", "in_use": 2, "idle": 1, "max": 3}],
        "queues": [
            {"name": "default", "kind": "broker", "depth": 11, "in_flight": 1},
            {"name": "high", "kind": "broker", "depth": 0, "in_flight": 1},
        ],
    },
    "nginx": {
        "pools": [{"name": "connections", "kind": "server", "in_use": 3, "idle": 6, "confidence": Confidence.DERIVED}]
    },
    "tgi": {
        "pools": [
            {"name": "tgi", "kind": "slots", "in_use": 8, "waiting": 3, "waits_total": 50, "wait_seconds_total": 4.5}
        ]
    },
    "litellm": {
        "pools": [
            {"name": "requests", "kind": "server", "in_use": 7, "waits_total": 10, "wait_seconds_total": 0.5}
            | {"confidence": Confidence.DERIVED}
        ]
    },
    "dramatiq": {"queues": [{"name": "default", "kind": "broker", "in_flight": 3}]},
}


def test_every_shipped_table_has_a_page() -> None:
    assert {table.name for table in SHIPPED} <= set(EXPECTED)
    assert {path.stem for path in FIXTURES.glob("*.txt")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_systems_page_says_what_is_expected(name: str) -> None:
    found = mapped((FIXTURES / f"{name}.txt").read_text())
    for part in ("pools", "queues", "models"):
        assert [known(each) for each in getattr(found, part)] == EXPECTED[name].get(part, []), part


def test_what_is_unknown_is_none_and_never_zero() -> None:
    found = mapped('mcp_connection_pool_active{pool="db"} NaN\nmcp_connection_pool_max{pool="db"} 5\n')
    assert [known(pool) for pool in found.pools] == [{"name": "db", "kind": "db", "max": 5}]


def test_a_pool_with_nothing_but_nan_is_none() -> None:
    assert not mapped('mcp_connection_pool_active{pool="db"} NaN\n').pools


def test_the_guides_pool_without_a_label_is_called_pool_and_its_size_is_its_maximum() -> None:
    found = mapped('mcp_connection_pool_active{service="api"} 3\nmcp_connection_pool_size{service="api"} 20\n')
    assert [known(pool) for pool in found.pools] == [{"name": "pool", "kind": "http", "in_use": 3, "max": 20}]


@pytest.mark.parametrize(
    "trap",
    [
        'vllm:num_requests_waiting_by_reason{model_name="m",reason="capacity"} 4\n',
        'vllm:kv_cache_usage_perc{model_name="m"} 0.9\n',
        "llamacpp:n_busy_slots_per_decode 2.7\n",
        'db_client_connections_usage_total{state="used"} 4\n',
        "mcp_connection_pool_active_total 4\n",
    ],
)
def test_names_that_resemble_one_are_not_it(trap: str) -> None:
    assert not mapped(trap).names


def test_rq_workers_that_are_all_idle_are_none_in_use() -> None:
    found = mapped('rq_workers{name="a",state="idle"} 1\nrq_workers{name="b",state="idle"} 1\n')
    expected = {"name": "workers", "kind": "slots", "in_use": 0, "idle": 2, "max": 2}
    assert known(found.pools[0]) == expected | {"confidence": Confidence.DERIVED}


def test_names_that_contain_dots_or_stand_in_quotation_marks_are_the_same_ones() -> None:
    found = mapped('{"db.client.connection.count","db.client.connection.state"="used"} 3\n')
    assert [known(pool) for pool in found.pools] == [{"name": "db", "kind": "db", "in_use": 3}]


def test_a_name_from_outside_is_made_harmless() -> None:
    (pool,) = mapped('mcp_connection_pool_active{pool="a\x1b[2Jb"} 1\n').pools
    assert pool.name == "a [2Jb"


def test_the_own_names_win_over_llama_cpps_slots() -> None:
    own = 'mcp_connection_pool_active{pool="slots"} 2\nmcp_connection_pool_max{pool="slots"} 4\n'
    found = mapped(own + "llamacpp:requests_processing 9\n")
    assert [known(pool) for pool in found.pools] == [{"name": "slots", "kind": "slots", "in_use": 2, "max": 4}]


def test_a_ratio_is_scaled_and_a_difference_is_called_derived(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        '[[pool]]\nname="p"\nmax="m"\nidle={metric="share", scale=100}\nin_use={metric="m", less=["free"]}\n'
    )
    table = load(tmp_path / "own.toml")
    pool = read(parse(b"m 10\nfree 4\nshare 0.25\n"), (table,)).pools[0]
    assert known(pool) == {"name": "p", "max": 10, "idle": 25, "in_use": 6, "confidence": Confidence.DERIVED}
    assert read(parse(b"m 10\n"), (table,)).pools[0].in_use is None


def test_a_users_table_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "vllm.toml").write_text('[[queue]]\nname="q"\ndepth="vllm:num_requests_waiting"\n')
    tables = load_all(tmp_path)
    assert len(tables) == len(SHIPPED)
    assert [queue.depth for queue in read(parse(b"vllm:num_requests_waiting 3\n"), tables).queues] == [3]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[pool]\n", "own.toml"),
        ('[[pool]]\nname="p"\nused="m"\n', "used"),
        ('[[pool]]\nname="p"\nin_use=3\n', "pool[0].in_use"),
        ('[[pool]]\nin_use="m"\n', "`name` or `labels`"),
        ('[[pool]]\nname="p"\n', "no figures"),
        ('[[pool]]\nname="p"\nin_use="x"\nmax_beside={path="props",key="n"}\n', "`max_beside`"),
    ],
)
def test_a_users_mistake_is_one_line_with_the_file_and_the_key(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(AdapterError) as raised:
        load_all(tmp_path)
    line = str(raised.value)
    assert line.startswith("own.toml: ")
    assert says in line
    assert "\n" not in line


def test_an_idle_model_runner_is_well() -> None:
    found = understand(b"# No active runners\n", "text/plain", SHIPPED)
    assert (found.problem, found.mapped.models, found.says) == (None, (), "docker-model-runner: no models loaded")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<!doctype html><html></html>", "HTML, not metrics: is this the right path?"),
        (b"", "no metrics on this page"),
        (b"# HELP x y\n", "no metrics on this page"),
        (b"llamacpp:requests_processing 1\nllamacpp:requests_deferred one\n", "1 line could not be read"),
        (b"llamacpp:requests_processing 1\n", None),
    ],
)
def test_what_is_wrong_with_a_page_is_said(body: bytes, problem: str | None) -> None:
    assert understand(body, "text/plain", SHIPPED).problem == problem


def test_nginxs_own_status_page_is_read() -> None:
    body = b"""Active connections: 291 \nserver accepts handled requests\n 16630948 16630948 31070465 \n
Reading: 6 Writing: 179 Waiting: 106 \n"""
    found = understand(body, "text/plain", SHIPPED)
    assert known(found.mapped.pools[0])["in_use"] == 185
    assert found.says == "nginx: 1 pool"


@pytest.mark.parametrize(
    ("body", "models", "says"),
    [
        (
            b'{"models":[{"name":"llama3:8b","model":"llama3:8b","size":6000,"size_vram":2000,"expires_at":"x"}]}',
            [{"id": "llama3:8b", "memory_bytes": 6000, "vram_bytes": 2000}],
            "ollama: 1 model",
        ),
        (b'{"models":[]}', [], "ollama: nothing at the moment"),
        (
            b'[{"backend_name":"llama.cpp","model_name":"ai/smollm2","mode":"completion","in_use":true}]',
            [{"id": "ai/smollm2"}],
            "docker-model-runner: 1 model",
        ),
    ],
)
def test_the_runners_lists_of_models_are_read(body: bytes, models: list[dict[str, Any]], says: str) -> None:
    found = understand(body, "application/json", SHIPPED)
    assert [known(model) for model in found.mapped.models] == models
    assert (found.says, found.problem) == (says, None)


@pytest.mark.parametrize("body", [b'{"status":"ok"}', b"[1]", b"{", b"[" * 100_000])
def test_other_json_is_no_metrics(body: bytes) -> None:
    assert understand(body, "application/json", SHIPPED).problem == "no metrics on this page"


def test_the_example_of_the_documentation_works(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "adapters.md").read_text()
    (tmp_path / "shop.toml").write_text(text.split("```toml\n")[1].split("```")[0])
    body = b"""shop_jobs{lane="fast",state="waiting"} 4
shop_jobs{lane="fast",state="running"} 2
shop_jobs{lane="fast",state="retrying"} 1
shop_db_used 5
shop_db_limit 12
shop_db_reserved 2
shop_db_wait_ms_count 8
shop_db_wait_ms_sum 2000
"""
    found = understand(body, "text/plain", load_all(tmp_path))
    assert found.says == "shop: 1 pool, 1 queue"
    assert known(found.mapped.queues[0]) == {"name": "fast", "kind": "queue", "depth": 4, "in_flight": 3}
    assert known(found.mapped.pools[0]) == {"name": "db", "kind": "db", "in_use": 5, "max": 10} | {
        "waits_total": 8,
        "wait_seconds_total": 2,
        "confidence": Confidence.DERIVED,
    }


def test_the_documentation_names_every_shipped_table() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "adapters.md").read_text()
    assert [table.name for table in SHIPPED if f"\n| `{table.name}` |" not in text] == []


@pytest.mark.parametrize("value", ["1e308", "+Inf", "-Inf", "-1", "1e17", "NaN"])
def test_an_impossible_figure_is_unknown(value: str) -> None:
    both = "".join(
        f'pgbouncer_pools_server_idle_connections{{database="d",user="u",n="{n}"}} {value}\n' for n in (1, 2)
    )
    (pool,) = mapped(both + 'pgbouncer_pools_server_active_connections{database="d",user="u"} 1\n').pools
    assert (pool.in_use, pool.idle) == (1, None)


def test_thousands_of_names_are_cut_and_it_is_said() -> None:
    body = "".join(f'redis_key_size{{key="k{n}"}} 1\n' for n in range(MAX_NAMES + 1)).encode()
    found = understand(body, "text/plain", SHIPPED)
    assert (len(found.mapped.queues), found.problem) == (500, "too many names: only the first 500 are kept")


@given(st.text(alphabet='mcp_queue_depth{}="a1 \n', max_size=60), st.floats(), st.floats())
def test_no_page_makes_it_raise_or_cannot_be_written(text: str, first: float, second: float) -> None:
    body = f'{text}\nmcp_queue_depth{{queue="q"}} {first}\nmcp_queue_depth{{queue="q"}} {second}\n'
    msgspec.json.encode(understand(body.encode(), "", SHIPPED))
