"""Servers that are asked, without servers: what is sent into a container, whose a client is, and what a look costs."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

import pytest

from mcptop.collectors.base import Findings, NoData, SourceError, Tick
from mcptop.collectors.server_asker import pause_s
from mcptop.collectors.server_flows import Place, postgres_flows, redis_flows
from mcptop.collectors.servers import ServerCollector, server_collectors
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.server_settings import PostgresServer, RedisServer, Secret
from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.postgres import QUERY, PostgresClient, PostgresInContainer, PostgresView
from mcptop.sources.redis_queues import Queues
from mcptop.sources.redis_reply import Command, Reply
from mcptop.sources.redis_server import RedisInContainer
from mcptop.sources.redis_view import RedisView
from mcptop.sources.server import Done, ServerError

PSQL = b"""{"version" : "16.4 (Debian 16.4-1.pgdg120+1)", "max_connections" : 100, \
"superuser_reserved_connections" : 3, "reserved_connections" : 2, "clients" : [{"address" : "172.18.0.4", \
"port" : 45110, "application_name" : "mcp-api", "database" : "mcp", "state" : "idle in transaction (aborted)", \
"waits_for_lock" : false, "state_age_s" : 0.5, "transaction_age_s" : 4.25}, \n {"address" : null, "port" : null, \
"application_name" : "psql", "database" : "mcp", "state" : "active", "waits_for_lock" : true, "state_age_s" : 1.5, \
"transaction_age_s" : null}]}
"""


_NO_ROLE = (
    b'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: '
    b'FATAL:  role "x" does not exist\n'
)


_NO_SOCKET = (
    b'psql: error: connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory\n'
    b"\tIs the server running locally and accepting connections on that socket?\n"
)


class Recorded:
    """Answers as a container did, and remembers what it was asked to run."""

    def __init__(self, *answers: Done, **variables: str) -> None:
        self._answers = list(answers)
        self._variables = variables
        self.runs: list[tuple[str, list[str], dict[str, str]]] = []

    def __call__(
        self, container: str, argv: Sequence[str], environment: Mapping[str, str], stdin: bytes, timeout_s: float
    ) -> Done:
        self.runs.append((container, list(argv), dict(environment)))
        return self._answers.pop(0)

    def variables(self, container: str, names: frozenset[str]) -> dict[str, str]:
        return {name: value for name, value in self._variables.items() if name in names}

    def close(self) -> None:
        """Nothing is held."""


def test_psql_is_run_as_the_images_user_and_can_only_read() -> None:
    inside = Recorded(Done(0, PSQL), POSTGRES_USER="mcp", POSTGRES_DB="shop", POSTGRES_PASSWORD="geheim")
    view = PostgresInContainer(inside, 1.5).look("abc")
    ((container, argv, environment),) = inside.runs
    assert container == "abc"
    options = ["-X", "-A", "-t", "-q", "-w", "--username=mcp", "-v", "ON_ERROR_STOP=1", "--dbname=shop"]
    assert argv == ["psql", *options, "-c", QUERY]
    assert environment["PGOPTIONS"] == "-c default_transaction_read_only=on -c statement_timeout=1500"
    assert environment["PGAPPNAME"] == "mcptop"
    assert "geheim" not in str(inside.runs)
    assert (view.allowed, view.reserved_connections, len(view.clients)) == (95, 2, 2)
    assert view.allowed_says == "max_connections 100 - superuser_reserved_connections 3 - reserved_connections 2"


@pytest.mark.parametrize(
    ("variables", "user", "database"),
    [({}, "postgres", "postgres"), ({"POSTGRES_USER": "mcp"}, "mcp", "mcp"), ({"POSTGRES_DB": "x"}, "postgres", "x")],
)
def test_the_images_defaults_are_the_images(variables: dict[str, str], user: str, database: str) -> None:
    inside = Recorded(Done(0, PSQL), **variables)
    PostgresInContainer(inside, 1.5).look("abc")
    assert {f"--username={user}", f"--dbname={database}"} <= set(inside.runs[0][1])


@pytest.mark.parametrize(
    ("done", "says"),
    [
        (Done(2, b"", _NO_ROLE), 'role "x" does not exist'),
        (
            Done(2, b"", _NO_SOCKET),
            'connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory',
        ),
        (
            Done(126, b'OCI runtime exec failed: exec: "psql": executable file not found in $PATH: unknown\r\n'),
            "there is no psql in the container's image: use its address instead",
        ),
        (Done(137, b""), "psql ended with 137"),
    ],
)
def test_psql_that_fails_is_one_line(done: Done, says: str) -> None:
    with pytest.raises(ServerError) as caught:
        PostgresInContainer(Recorded(done), 1.0).look("abc")
    assert str(caught.value) == says


def test_redis_cli_without_a_server_is_one_line() -> None:
    refused = Done(0, b"", b"Could not connect to Redis at 127.0.0.1:6379: Connection refused\n")
    with pytest.raises(ServerError, match=r"Could not connect to Redis at .*: Connection refused"):
        RedisInContainer(Recorded(refused), ["jobs"], 1.0).look("abc")


def clients(*states: str | None) -> PostgresView:
    return PostgresView("16", 100, 3, 2, tuple(PostgresClient(state=state, state_age_s=1.0) for state in states))


def test_states_are_counted_by_what_they_are() -> None:
    view = clients("active", "idle", "idle", "idle in transaction", "idle in transaction (aborted)")
    own, others = postgres_flows(view, 7.0, Place("db", "db", lambda *_: None))["db"].pools
    assert (own.name, own.in_use, own.idle, own.idle_in_transaction, own.max) == ("connections", 3, 2, 2, 95)
    assert (others.name, others.in_use, others.max) == ("others", 3, None)


def test_of_those_idle_in_a_transaction_the_oldest_is_told_whatever_else_runs() -> None:
    held = PostgresClient(state="idle in transaction", state_age_s=1.0, transaction_age_s=40.0)
    busy = PostgresClient(state="active", state_age_s=900.0, transaction_age_s=900.0)
    view = PostgresView("16", 100, 3, None, (held, busy))
    own = postgres_flows(view, 7.0, Place("db", "db", lambda *_: None))["db"].pools[0]
    assert (own.longest_s, own.idle_in_transaction_s) == (900.0, 40.0)


@pytest.mark.parametrize("state", [None, "disabled", "a state of the future"])
def test_a_state_that_is_not_known_makes_the_sum_unknown(state: str | None) -> None:
    own = postgres_flows(clients("idle", state), 7.0, Place("db", "db", lambda *_: None))["db"].pools[0]
    assert (own.in_use, own.idle, own.idle_in_transaction, own.longest_s, own.max) == (None, None, None, None, 95)
    assert own.open == 2


def test_redis_without_client_list_has_a_maximum_and_nothing_else() -> None:
    view = RedisView("7", 10_000, 12, None, None)
    (own,) = redis_flows(view, 7.0, Place("cache", "cache", lambda *_: None))["cache"].pools
    assert (own.open, own.in_use, own.idle, own.max, own.max_source) == (12, None, None, 10_000, "maxclients")


@pytest.mark.parametrize(("following", "depth"), [([], 0), ([b"1700000000000-6", b"field", b"value"], None)])
def test_a_redis_before_7_knows_no_lag_but_nothing_left_is_nothing(following: Reply, depth: int | None) -> None:
    group: Reply = [b"name", b"g", b"consumers", 1, b"pending", 2, b"last-delivered-id", b"1700000000000-5"]
    answers: list[list[Reply]] = [[9, group], [following, [2, b"1700000000000-4", b"1700000000000-5", b"c", b"2"]]]
    asked: list[Command] = []

    def ask(commands: Sequence[Command]) -> list[Reply]:
        asked.extend(commands)
        return answers.pop(0)

    ((queue,), refused) = Queues(ask, 1_700_000_060_000).read(["events"], [b"stream"])
    assert (queue.depth, queue.in_flight, queue.oldest_age_s, refused) == (depth, 2, 60.0, ())
    assert ("XRANGE", "events", "1700000000000-6", "+", "COUNT", "1") in asked


def test_a_server_that_fails_is_asked_less_and_less_often_but_not_never() -> None:
    assert [pause_s(5.0, failures) for failures in (0, 1, 2, 3, 99)] == [5.0, 10.0, 20.0, 30.0, 30.0]
    assert pause_s(60.0, 3) == 60.0


class Scripted:
    """A server that answers, fails or hangs as it is told; it hangs until it is let go."""

    def __init__(self, *outcomes: PostgresView | ServerError | Exception | threading.Event) -> None:
        self._outcomes = list(outcomes)
        self.containers: list[str | None] = []
        self.closed = threading.Event()

    def look(self, container: str | None) -> PostgresView:
        self.containers.append(container)
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, threading.Event):
            outcome.wait()
            return clients()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        self.closed.set()


class Nobody:
    """A naming that knows nobody."""

    def owner(self, address: str, port: int) -> str | None:
        return None

    def server(self, host: str, port: int) -> str | None:
        return None


def container(name: str, service: str, state: str = "running", kind: Kind = Kind.CONTAINER) -> Target:
    return Target(id=f"{name}-id", name=name, kind=kind, project=None, service=service, state=state)


def collect(collector: ServerCollector, *targets: Target, at: float = 1.0) -> Findings:
    """The first outcome that is more than `asking`."""
    for _ in range(2000):
        try:
            return collector.collect(Tick(1, at, targets))
        except NoData:
            threading.Event().wait(0.01)
    raise AssertionError("it never answered")


DB = PostgresServer(dsn=Secret("postgresql://u:geheim@db:5432/x"))


def test_a_tick_does_not_wait_for_a_server_that_hangs_and_says_so_in_time() -> None:
    hanging = threading.Event()
    collector = ServerCollector(DB, Scripted(hanging), Nobody(), 5.0)
    with pytest.raises(NoData, match="postgres at db:5432: asking"):
        collector.collect(Tick(1, 1.0))
    while (since := collector._asker.since) is None:
        threading.Event().wait(0.01)
    with pytest.raises(SourceError, match="postgres at db:5432: no answer for 60 s"):
        collector.collect(Tick(2, since + 60.2))
    hanging.set()
    assert collect(collector)
    collector.close()


def test_figures_are_the_same_object_until_the_server_was_asked_again() -> None:
    collector = ServerCollector(DB, Scripted(clients("idle")), Nobody(), 3600.0)
    first = collect(collector)
    assert collect(collector).flows["postgres at db:5432"] is first.flows["postgres at db:5432"]
    collector.close()


def test_a_failure_names_the_server_and_a_defect_shows_no_text_of_its_own() -> None:
    for error, says in (
        (ServerError("gone"), "postgres at db:5432: gone"),
        (ValueError("geheim"), "postgres at db:5432: defect in mcptop: ValueError"),
    ):
        collector = ServerCollector(DB, Scripted(error), Nobody(), 3600.0)
        with pytest.raises(SourceError) as caught:
            collect(collector)
        assert str(caught.value) == says
        collector.close()


def test_it_is_closed_by_its_own_thread() -> None:
    asked = Scripted(clients())
    collector = ServerCollector(DB, asked, Nobody(), 3600.0)
    collect(collector)
    collector.close()
    assert asked.closed.wait(30)


@pytest.mark.parametrize("named", ["shop-db-1", "db", "shop-db-1-id"])
def test_a_container_is_found_by_name_id_or_service(named: str) -> None:
    asked = Scripted(clients("idle"))
    collector = ServerCollector(PostgresServer(container=named), asked, Nobody(), 3600.0)
    there = [
        container("host-db", "db", kind=Kind.PROCESS),
        container("shop-db-0", "db", state="exited"),
        container("shop-db-1", "db"),
        container("shop-db-2", "db"),
    ]
    assert list(collect(collector, *there).flows) == ["shop-db-1-id"]
    assert asked.containers == ["shop-db-1-id"]
    collector.close()


def test_a_container_that_appears_is_asked_at_once() -> None:
    asked = Scripted(ServerError("its container is not among those that run"), clients())
    collector = ServerCollector(PostgresServer(container="db"), asked, Nobody(), 3600.0)
    with pytest.raises(SourceError, match="postgres in db: its container is not among those that run"):
        collect(collector)
    # Without being woken it would wait for an hour.
    for _ in range(2000):
        try:
            found = collect(collector, container("shop-db-1", "db"))
            break
        except SourceError:
            threading.Event().wait(0.01)
    assert list(found.flows) == ["shop-db-1-id"]
    assert asked.containers == [None, "shop-db-1-id"]
    collector.close()


def test_a_name_that_a_client_gives_itself_counts_only_where_its_port_says_nothing() -> None:
    class ByPort(Nobody):
        def owner(self, address: str, port: int) -> str | None:
            return "worker-1-id" if (address, port) == ("10.0.0.9", 41000) else None

    said = [
        PostgresClient("10.0.0.9", 41000, "mcp-api", "x", "idle"),
        PostgresClient("10.0.0.9", 41001, "mcp-api", "x", "idle"),
        PostgresClient(None, None, "", "x", "idle"),
    ]
    collector = ServerCollector(
        PostgresServer(dsn=DB.dsn, service="db"), Scripted(PostgresView("16", 100, 3, None, tuple(said))), ByPort(), 5.0
    )
    there = [container("db", "db"), container("api-1", "mcp-api"), container("worker-1", "mcp-worker")]
    flows = collect(collector, *there).flows
    assert {key: [(pool.name, pool.idle) for pool in flow.pools] for key, flow in flows.items()} == {
        "db-id": [("connections", 3), ("others", 1)],
        "worker-1-id": [("db", 1)],
        "api-1-id": [("db", 1)],
    }
    collector.close()


def test_without_an_engine_a_container_cannot_be_asked() -> None:
    def connect() -> DockerEngine:
        raise EngineError("no docker engine at unix:///nope: start it, or set DOCKER_HOST")

    for collector in server_collectors(
        [PostgresServer(container="db")], [RedisServer(container="db")], Nobody(), connect
    ):
        with pytest.raises(SourceError, match=r"in db: no docker engine at unix:///nope"):
            collect(collector, container("db", "db"))
        collector.close()


@pytest.mark.parametrize(
    ("package", "server"),
    [
        ("psycopg", "[PostgresServer(dsn=Secret('host=x'))], []"),
        ("redis", "[], [RedisServer(url=Secret('redis://x'))]"),
    ],
)
def test_a_client_library_is_loaded_only_to_ask_and_its_lack_says_what_to_install(package: str, server: str) -> None:
    code = f"""
import sys
from mcptop.collectors.servers import server_collectors
from mcptop.server_settings import *
from mcptop.sources.server import ServerError
assert not {{"psycopg", "redis", "docker"}} & set(sys.modules)
sys.modules[{package!r}] = None
(collector,) = server_collectors({server}, None, None)
try:
    collector._asker._asked.look(None)
except ServerError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    extra = {"psycopg": "postgres"}.get(package, package)
    assert done.stdout == f"needs {package}: pip install 'mcptop[{extra}]'\n"
