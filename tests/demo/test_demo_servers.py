"""The demo on a real PostgreSQL and a real Redis: it uses them, and its figures agree with theirs."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import redis
from servers import Postgres, Redis, postgres_programs
from stack import Demo, environment, until

Require = Callable[[str, object, str], None]


@pytest.fixture(scope="module")
def postgres(require: Require) -> Iterator[Postgres]:
    programs = postgres_programs()
    require("postgres", programs, "no PostgreSQL programs")
    server = Postgres(programs or "")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def redis_server(require: Require) -> Iterator[Redis]:
    require("redis", shutil.which("redis-server"), "no redis-server")
    server = Redis()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def demo(postgres: Postgres, redis_server: Redis) -> Iterator[Demo]:
    demo = Demo(DATABASE_URL=postgres.url, REDIS_URL=redis_server.url, LOAD_PER_MINUTE="1200")
    yield demo
    status, said = demo.close()
    assert status == 0, said


def by_state(postgres: Postgres) -> dict[str, int]:
    """State -> connections of mcp-api, as the server counts them."""

    async def ask() -> dict[str, int]:
        connection = await asyncpg.connect(postgres.url)
        try:
            rows = await connection.fetch(
                "SELECT state, count(*) FROM pg_stat_activity WHERE application_name = 'mcp-api' GROUP BY state"
            )
        finally:
            await connection.close()
        return {row["state"]: row["count"] for row in rows}

    return asyncio.run(ask())


def test_conversations_are_kept_in_postgresql(demo: Demo, postgres: Postgres) -> None:
    async def count() -> int:
        connection = await asyncpg.connect(postgres.url)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM mcp_demo_requests WHERE answer IS NOT NULL"))
        finally:
            await connection.close()

    def some() -> None:
        assert asyncio.run(count()) > 10

    until(some)
    assert not (demo.folder / "mcp-api" / "mcp.db").exists()


def test_the_pool_figures_agree_with_pg_stat_activity(demo: Demo, postgres: Postgres) -> None:
    """While transactions are held open, nothing moves: both sides must say the same number."""
    with demo.fault("connection-held"):

        def full() -> None:
            pool, server = demo.metrics("mcp-api"), by_state(postgres)
            in_use = pool.get("mcp_connection_pool_active", pool="db")
            assert in_use == pool.get("mcp_connection_pool_max", pool="db") == 50
            assert server.get("idle in transaction") == in_use
            assert pool.get("mcp_connection_pool_waiting", pool="db") > 0

        until(full, 60)
    demo.settle()

    def given_back() -> None:
        pool, server = demo.metrics("mcp-api"), by_state(postgres)
        idle, in_use = (pool.get(f"mcp_connection_pool_{name}", pool="db") for name in ("idle", "active"))
        assert "idle in transaction" not in server or in_use > 0
        assert sum(server.values()) == idle + in_use <= 20

    until(given_back)


def test_mcptop_shows_what_the_servers_say(demo: Demo, postgres: Postgres, redis_server: Redis, tmp_path: Path) -> None:
    """While transactions are held open: its figures, the server's and the service's own are one."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'[[postgres]]\ndsn = "{postgres.url}"\n[[redis]]\nurl = "{redis_server.url}"\nqueues = ["mcp:queue:jobs"]\n'
    )
    command = [sys.executable, "-m", "mcptop", "snapshot", "--json", "--config", str(config)]
    with demo.fault("connection-held"):

        def one_figure() -> None:
            done = subprocess.run(command, capture_output=True, timeout=120, env=environment(), check=True)
            document = json.loads(done.stdout)
            found = {service["name"]: service for service in document["services"] if service["kind"] != "container"}
            own = [i["name"] for i in found["mcp-api"]["instances"] if i["pid"] == demo.pids["mcp-api"]]
            pools = {p["source"]: p for p in found["mcp-api"]["pools"] if p["kind"] == "db" and p["instance"] in own}
            asked, told = pools["pg_stat_activity"], pools["metrics"]
            assert by_state(postgres).get("idle in transaction") == 50
            assert (
                asked["in_use"] == asked["idle_in_transaction"] == told["in_use"] == told["max"] == asked["max"] == 50
            )
            assert told["peer"] == asked["peer"] == "postgres"
            (server,) = [pool for pool in found["postgres"]["pools"] if pool["kind"] == "server"]
            assert (server["max"], found["postgres"]["kind"]) == (97, "server")
            (budget,) = document["budgets"]
            assert (budget["says"], budget["exceeded"]) == ("mcp-api db 50 = 50 <= 97", False)
            (jobs,) = found["redis"]["queues"]
            assert (jobs["name"], jobs["kind"]) == ("mcp:queue:jobs", "broker")
            assert jobs["depth"] is not None

        until(one_figure, 60)
    demo.settle()


def test_a_small_pool_is_small_at_the_server_too(demo: Demo, postgres: Postgres) -> None:
    with demo.fault("db-pool-too-small:size=3"):

        def three() -> None:
            assert sum(by_state(postgres).values()) == 3
            assert demo.metrics("mcp-api").get("mcp_connection_pool_waiting", pool="db") > 0

        until(three)
    demo.settle()


def test_jobs_wait_in_redis(demo: Demo, redis_server: Redis) -> None:
    server = redis.Redis(port=redis_server.port)
    try:
        with demo.fault("slow-consumer"):

            def the_same() -> None:
                depth = server.llen("mcp:queue:jobs")
                assert depth > 10
                metrics = demo.metrics("mcp-worker")
                assert abs(metrics.get("mcp_queue_depth") - depth) <= 5
                assert metrics.get("mcp_queue_oldest_age_seconds") > 1

            until(the_same)
        demo.settle()
    finally:
        server.close()


def test_without_redis_the_queue_is_unknown_and_the_rest_is_told(demo: Demo, redis_server: Redis) -> None:
    redis_server.stop()
    try:

        def unknown() -> None:
            metrics = demo.metrics("mcp-worker")
            assert metrics.by("mcp_queue_depth", "queue") == {}
            assert metrics.get("mcp_service_memory_bytes") > 0

        until(unknown)
    finally:
        redis_server.start()

    def known_again() -> None:
        assert demo.metrics("mcp-worker").by("mcp_queue_depth", "queue")

    until(known_again)
    demo.settle()


def test_more_pools_than_the_server_allows_are_said_at_the_start(postgres: Postgres) -> None:
    """50 for each process of each replica: two replicas are more than the usual 100 less 3."""
    crowd = Demo(DATABASE_URL=postgres.url, API_REPLICAS="2")
    try:
        log = (crowd.folder / "mcp-api" / "log").read_text()
    finally:
        crowd.close()
    assert "pool maximum 50 x replicas 2 x processes 1 = 100 connections, but the server allows 97" in log
