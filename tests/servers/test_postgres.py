"""A real PostgreSQL: its figures are its own, asked independently; it is only read; each failure is one line."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg
import msgspec
import psycopg
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from mcptop.server_settings import Address
from mcptop.sources.postgres import PostgresByAddress, PostgresClient, PostgresInContainer, PostgresView, parse
from mcptop.sources.server import ServerError
from tests.demo.servers import Postgres

from .asking import Asking, Beside, pool, until
from .conftest import PASSWORD

Ask = Callable[..., Asking]


def rows(postgres: Postgres, query: str, *values: object) -> list[Any]:
    """Asked by another client library than mcptop's."""

    async def ask() -> list[Any]:
        connection = await asyncpg.connect(postgres.url, server_settings={"application_name": "oracle"})
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    return asyncio.run(ask())


def by_state(postgres: Postgres, application: str) -> dict[str, int]:
    found = rows(
        postgres,
        "SELECT state, count(*) FROM pg_stat_activity WHERE application_name = $1 GROUP BY state",
        application,
    )
    return {row["state"]: row["count"] for row in found}


def settings(postgres: Postgres, **more: object) -> str:
    lines = "".join(f"{key} = {value!r}\n" for key, value in more.items())
    return f'[[postgres]]\ndsn = "{postgres.url}"\n{lines}'


@contextmanager
def pool_of_50(postgres: Postgres, sleeping: int, in_transaction: int) -> Iterator[Engine]:
    """A SQLAlchemy pool with all its connections open, some of them running a query, some in an open transaction."""
    url = postgres.url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url, pool_size=50, max_overflow=0, connect_args={"application_name": "mcp-api"})
    connections = [engine.connect() for _ in range(50)]
    for connection in connections[sleeping + in_transaction :]:
        connection.close()
    for connection in connections[sleeping : sleeping + in_transaction]:
        connection.execute(text("SELECT 1"))

    def sleep(connection: Any) -> None:
        with suppress(SQLAlchemyError):
            connection.execute(text("SELECT pg_sleep(600)"))

    threads = [threading.Thread(target=sleep, args=(connection,)) for connection in connections[:sleeping]]
    for thread in threads:
        thread.start()
    try:
        yield engine
    finally:
        rows(postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mcp-api'")
        for thread in threads:
            thread.join()
        for connection in connections[: sleeping + in_transaction]:
            with suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()
        engine.dispose()


def psycopg_port(connection: Any) -> int:
    """The client's port of a connection."""
    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
        return int(wire.getsockname()[1])


def test_a_pool_of_50_is_what_the_server_itself_says(postgres: Postgres, ask: Ask) -> None:
    asking = ask(settings(postgres, service="postgres"), "postgres", "mcp-api")
    with pool_of_50(postgres, sleeping=12, in_transaction=9):

        def the_same() -> None:
            flows, server = asking.flows(), by_state(postgres, "mcp-api")
            api = pool(flows, "mcp-api", "postgres")
            assert (api.in_use, api.idle, api.idle_in_transaction) == (21, 29, 9)
            assert server == {"active": 12, "idle in transaction": 9, "idle": 29}
            assert api.longest_s is not None
            assert api.longest_s > 0
            own = pool(flows, "postgres", "connections")
            assert (own.in_use, own.idle, own.max, own.waiting) == (21, 29, 97, None)
            assert own.max_source == "max_connections 100 - superuser_reserved_connections 3"
            assert flows["mcp-api"].source == "pg_stat_activity"

        until(the_same)


def test_while_the_pool_works_no_connection_is_lost_or_counted_twice(postgres: Postgres, ask: Ask) -> None:
    asking = ask(settings(postgres, service="postgres"), "postgres", "mcp-api")
    enough = threading.Event()

    def work(engine: Engine) -> None:
        while not enough.is_set():
            with engine.connect() as connection:
                connection.execute(text("SELECT pg_sleep(0.02)"))

    with pool_of_50(postgres, sleeping=0, in_transaction=0) as engine:
        threads = [threading.Thread(target=work, args=(engine,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        try:
            seen = [pool(asking.flows(), "mcp-api", "postgres") for _ in range(15)]
        finally:
            enough.set()
            for thread in threads:
                thread.join()
    assert {(found.in_use or 0) + (found.idle or 0) for found in seen} == {50}
    # The server reads one backend after the other: who gave one back and took another meanwhile is seen twice.
    in_use = sorted(found.in_use or 0 for found in seen)
    assert in_use[len(in_use) // 2] <= 20
    assert in_use[-1] > 0


def test_clients_are_told_apart_by_their_ports_and_the_rest_are_others(postgres: Postgres, ask: Ask) -> None:
    asking = ask(settings(postgres), "db", "api-1", "api-2")
    asking.naming.servers[postgres.port] = "db"
    with (
        psycopg.connect(postgres.url, application_name="the same") as one,
        psycopg.connect(postgres.url, application_name="the same", autocommit=True) as two,
        psycopg.connect(postgres.url, application_name="somebody", autocommit=True),
    ):
        one.execute("SELECT 1")
        asking.naming.owners = {psycopg_port(one): "api-1", psycopg_port(two): "api-2"}

        def apart() -> None:
            flows = asking.flows()
            first, second, others = (
                pool(flows, "api-1", "db"),
                pool(flows, "api-2", "db"),
                pool(flows, "db", "others"),
            )
            assert (first.in_use, first.idle, first.idle_in_transaction) == (1, 0, 1)
            assert (second.in_use, second.idle, second.longest_s) == (0, 1, None)
            assert (others.in_use, others.idle) == (0, 1)

        until(apart)


def test_a_lock_that_is_waited_for_is_said_and_is_no_wait_for_a_place(postgres: Postgres, ask: Ask) -> None:
    asking = ask(settings(postgres), "postgres")
    with psycopg.connect(postgres.url) as holder, psycopg.connect(postgres.url) as waiter:
        holder.execute("SELECT pg_advisory_xact_lock(7)")

        def wait() -> None:
            waiter.execute("SELECT pg_advisory_xact_lock(7)")

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            asking.says("1 wait for a lock")
            assert all(found.waiting is None for flow in asking.flows().values() for found in flow.pools)
        finally:
            holder.rollback()
            thread.join()


def test_reserves_are_the_servers(postgres: Postgres) -> None:
    version, *limits = (
        rows(postgres, f"SELECT current_setting('{name}', true) AS value")[0]["value"]
        for name in ("server_version", "max_connections", "superuser_reserved_connections", "reserved_connections")
    )
    view = look(postgres.url)
    assert [view.version, view.max_connections, view.superuser_reserved_connections, view.reserved_connections] == [
        version,
        *(None if limit is None else int(limit) for limit in limits),
    ]
    assert view.allowed == view.max_connections - sum(int(limit or 0) for limit in limits[1:])


def look(dsn: str) -> PostgresView:
    asked = PostgresByAddress(dsn, Address("127.0.0.1", 0), 10.0)
    try:
        return asked.look(None)
    finally:
        asked.close()


def test_the_session_can_only_read_ends_long_queries_and_holds_no_transaction(postgres: Postgres) -> None:
    def alone() -> None:
        # The server lets go of the sessions of other tests a moment after they have closed them.
        assert not rows(postgres, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'mcptop'")

    until(alone)
    dsn = f"{postgres.url}?options=-c%20work_mem%3D64kB"
    asked = PostgresByAddress(dsn, Address("127.0.0.1", postgres.port), 1.0)
    try:
        view = asked.look(None)
        assert not [client for client in view.clients if client.application_name == "mcptop"]
        (row,) = rows(
            postgres, "SELECT state, xact_start, backend_xid FROM pg_stat_activity WHERE application_name = 'mcptop'"
        )
        assert tuple(row) == ("idle", None, None)
        connection = asked._connection
        assert connection is not None
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE mcptop_was_here ()")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(600)")
        # What the DSN itself asks for is kept.
        assert connection.execute("SHOW work_mem").fetchone() == ("64kB",)
    finally:
        asked.close()


def test_psql_gives_the_same_view_and_can_only_read(postgres: Postgres) -> None:
    beside = Beside(PGHOST="127.0.0.1", PGPORT=str(postgres.port))
    inside = PostgresInContainer(beside, 5.0)
    with psycopg.connect(postgres.url, application_name="odd\x1b[31m'name"):
        views = [look(postgres.url), inside.look("c")]
    for view in views:
        assert "odd?[31m'name" in {client.application_name for client in view.clients}
    one, other = (msgspec.to_builtins(view) for view in views)
    for each in (one, other):
        for client in each["clients"]:
            assert client.pop("state_age_s") >= 0
    assert one == other
    argv, environment, _ = beside.runs[0]
    done = beside("c", [*argv[:-1], "CREATE TABLE mcptop_was_here ()"], environment, b"", 5.0)
    assert done.exit_code != 0
    assert b"read-only transaction" in done.complaint


def test_who_may_not_look_does_not_count_zero(postgres: Postgres, ask: Ask) -> None:
    rows(postgres, f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'")
    dsn = f"postgresql://stranger:{PASSWORD}@127.0.0.1:{postgres.port}/postgres"
    asking = ask(f'[[postgres]]\ndsn = "{dsn}"', "postgres", "mcp-api")
    with psycopg.connect(postgres.url, application_name="mcp-api"):
        assert "1 do not show their state" in asking.says("pg_read_all_stats")
        hidden = pool(asking.flows(), "mcp-api", "postgres")
        assert (hidden.in_use, hidden.idle, hidden.idle_in_transaction, hidden.longest_s) == (None, None, None, None)
        rows(postgres, "GRANT pg_read_all_stats TO stranger")

        def seen() -> None:
            assert pool(asking.flows(), "mcp-api", "postgres").idle == 1

        until(seen)


def test_a_wrong_password_is_one_line_without_it_while_the_other_server_goes_on(postgres: Postgres, ask: Ask) -> None:
    rows(postgres, "CREATE ROLE guarded LOGIN PASSWORD 'another'")
    place = f"127.0.0.1:{postgres.port}"
    dsn = f"postgresql://guarded:{PASSWORD}@{place}/postgres"
    asking = ask(f'[[postgres]]\ndsn = "{dsn}"\n{settings(postgres)}', "postgres")
    said = asking.says("password authentication failed")
    assert said == f'postgres at {place}: password authentication failed for user "guarded"'
    assert asking.flows(1)
    assert asking.collectors[0].name == f"postgres {place}"
    for each in (asking.settings, asking.collectors[0].__dict__, msgspec.to_builtins(asking.flows(1))):
        assert PASSWORD not in repr(each)


def test_a_server_that_goes_is_said_and_comes_back(postgres: Postgres, ask: Ask) -> None:
    asking = ask(settings(postgres), "postgres")
    assert asking.flows()
    stop_only(postgres)
    try:
        assert asking.says("Connection refused").startswith(
            f"postgres at 127.0.0.1:{postgres.port}: Connection refused"
        )
    finally:
        postgres.start()
    assert asking.flows()


def stop_only(postgres: Postgres) -> None:
    """End the server and keep its folder."""
    super(Postgres, postgres).stop()


def test_an_option_that_the_library_does_not_know_is_one_line_without_its_value(ask: Ask) -> None:
    asking = ask(f'[[postgres]]\ndsn = "host=127.0.0.1 nonsense={PASSWORD}"')
    assert asking.says("understand") == "postgres at 127.0.0.1:5432: libpq does not understand the dsn"


def test_a_server_that_accepts_and_says_nothing_stalls_nobody(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        asking = ask(f'[[postgres]]\ndsn = "postgresql://u:{PASSWORD}@{place}/x"\ntimeout = 0.2', "postgres")
        # The first look has hardly begun, and the tick has its answer.
        assert asking.once(asking.collectors[0])[1] == f"postgres at {place}: asking"
        said = asking.says("timeout")
        assert said.startswith(f"postgres at {place}: ")
        assert PASSWORD not in said
        assert "\n" not in said


def test_a_server_that_stops_in_the_middle_is_left_and_asked_anew(postgres: Postgres, ask: Ask) -> None:
    asking = ask(settings(postgres, timeout=1.0), "postgres")
    assert asking.flows()
    (row,) = rows(postgres, "SELECT pid FROM pg_stat_activity WHERE application_name = 'mcptop'")
    os.kill(row["pid"], signal.SIGSTOP)
    try:
        asking.says("no answer within 1 s")
        # A new connection has a new process at the server, and that one runs.
        assert asking.flows()
    finally:
        os.kill(row["pid"], signal.SIGCONT)


@pytest.mark.parametrize("answer", [b"", b"{", b'{"version": 1}', b"\xff", b"<html>"])
def test_an_answer_of_something_else_is_one_line(answer: bytes) -> None:
    with pytest.raises(ServerError, match="not the expected one") as caught:
        parse(answer)
    assert "\n" not in str(caught.value)


def test_a_client_that_runs_outside_a_transaction_is_as_old_as_its_query() -> None:
    assert PostgresClient(state="active", state_age_s=3.0).busy_s == 3.0
    assert PostgresClient(state="idle", state_age_s=3.0).busy_s is None
    assert PostgresClient(state="active", state_age_s=3.0, transaction_age_s=9.0).busy_s == 9.0
