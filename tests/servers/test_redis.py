"""A real Redis: depths equal to the truth, whichever way it is asked; consumers that block are nobody that waits."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec
import pytest
import redis

from mcptop.collectors.base import Tick
from mcptop.model.flow import Confidence
from mcptop.model.flow_reading import QueueReading
from mcptop.server_settings import Address
from mcptop.sources.redis_queues import RedisQueue
from mcptop.sources.redis_server import RedisByAddress, RedisInContainer, parse_csv
from mcptop.sources.redis_view import RedisView
from mcptop.sources.server import Execute, ServerError
from tests.demo.servers import Redis

from .asking import Asking, Beside, Flows, pool, until
from .conftest import PASSWORD

Ask = Callable[..., Asking]
KEYS = ["jobs", "arq:queue", "events", 'odd "key"\n', "empty"]


@pytest.fixture
def client(redis_server: Redis) -> Iterator[redis.Redis]:
    with redis.Redis(port=redis_server.port, client_name="oracle") as client:
        yield client


def by_address(server: Redis, keys: list[str] = KEYS, url: str | None = None) -> RedisView:
    asked = RedisByAddress(url or server.url, Address("127.0.0.1", server.port, (PASSWORD,)), keys, 10.0)
    try:
        return asked.look(None)
    finally:
        asked.close()


def in_container(server: Redis, keys: list[str] = KEYS, **environment: str) -> RedisView:
    execute: Execute = Beside(["-p", str(server.port)], **environment)
    return RedisInContainer(execute, keys, 10.0).look("c")


both_ways = pytest.mark.parametrize("look", [by_address, in_container])
Look = Callable[..., RedisView]


def queue(view: RedisView, key: str, group: str | None = None) -> RedisQueue:
    (found,) = [queue for queue in view.queues if queue.key == key and queue.group == group]
    return found


def toml(server: Redis, **more: object) -> str:
    lines = "".join(f"{key} = {value!r}\n" for key, value in more.items())
    return f'[[redis]]\nurl = "{server.url}"\n{lines}'


def queues(flows: Flows, of: str) -> dict[str, QueueReading]:
    return {queue.name: queue for queue in flows[of].queues}


@both_ways
def test_lists_and_sorted_sets_are_as_deep_as_they_are(client: redis.Redis, redis_server: Redis, look: Look) -> None:
    client.rpush("jobs", *range(137))
    client.rpush('odd "key"\n', "a", "b")
    now_ms = int(time.time() * 1000)
    client.zadd("arq:queue", {"due": now_ms - 60_000, "due, too": now_ms - 1, "later": now_ms + 60_000})
    view = look(redis_server)
    assert (queue(view, "jobs").depth, queue(view, "jobs").oldest_age_s) == (client.llen("jobs"), None)
    assert queue(view, 'odd "key" ').depth == 2
    assert queue(view, "empty").depth == 0
    due = queue(view, "arq:queue")
    assert due.depth == client.zcard("arq:queue") == 3
    assert due.oldest_age_s is not None
    assert due.oldest_age_s >= 60
    assert view.refused == ()


@both_ways
@pytest.mark.parametrize("score", [3.5, 1_700_000_000, 9_999_999_999_999, float("inf"), -1.0])
def test_a_score_that_is_no_time_that_has_passed_is_no_age(
    client: redis.Redis, redis_server: Redis, look: Look, score: float
) -> None:
    client.zadd("arq:queue", {"a": score})
    assert queue(look(redis_server), "arq:queue").oldest_age_s is None


@both_ways
def test_a_streams_groups_have_a_depth_each(client: redis.Redis, redis_server: Redis, look: Look) -> None:
    hour_s, now_s = 3600, int(time.time())
    for hours in range(10, 0, -1):
        client.xadd("events", {"text": 'a "b"\n,c'}, id=f"{(now_s - hours * hour_s) * 1000}-0")
    client.xgroup_create("events", "billing", id="0")
    client.xgroup_create("events", "audit\n,x", id="0")
    client.xreadgroup("billing", "c1", {"events": ">"}, count=7)
    [[_, delivered]] = client.xreadgroup("audit\n,x", "c1", {"events": ">"})
    client.xack("events", "audit\n,x", *(identity for identity, _ in delivered[1:]))
    view = look(redis_server)
    billing, audit = queue(view, "events", "billing"), queue(view, "events", "audit ,x")
    assert (billing.depth, billing.in_flight, billing.entered_total, billing.left_total) == (3, 7, 10, 7)
    assert (audit.depth, audit.in_flight) == (0, 1)
    # The age of the first that waits; where none does, of the first that is not acknowledged.
    assert billing.oldest_age_s is not None
    assert audit.oldest_age_s is not None
    assert (int(billing.oldest_age_s // hour_s), int(audit.oldest_age_s // hour_s)) == (3, 10)


@both_ways
def test_a_lag_that_redis_does_not_know_is_unknown(client: redis.Redis, redis_server: Redis, look: Look) -> None:
    ids = [client.xadd("events", {"n": number}, id=f"1700000000000-{number + 1}") for number in range(5)]
    client.xgroup_create("events", "g", id=ids[1])
    client.xdel("events", ids[3])
    assert client.xinfo_groups("events")[0]["lag"] is None
    view = queue(look(redis_server), "events", "g")
    assert (view.depth, view.in_flight) == (None, 0)


@both_ways
def test_keys_of_other_types_are_said_and_are_no_queues(client: redis.Redis, redis_server: Redis, look: Look) -> None:
    client.set("jobs", "text")
    client.xadd("events", {"a": "b"})
    view = look(redis_server, ["jobs", "events"])
    assert view.refused == ("jobs: a string is no queue",)
    assert [(queue.key, queue.depth) for queue in view.queues] == [("events", 1)]


@both_ways
def test_our_own_connection_is_left_out(client: redis.Redis, redis_server: Redis, look: Look) -> None:
    client.ping()
    view = look(redis_server)
    assert view.clients is not None
    assert [each.name for each in view.clients] == ["oracle"]
    assert (view.connected, view.maxclients) == (1, int(client.config_get("maxclients")["maxclients"]))
    assert view.version == client.info("server")["redis_version"]


@both_ways
def test_what_an_acl_forbids_is_unknown_and_said(client: redis.Redis, redis_server: Redis, look: Look) -> None:
    client.rpush("jobs", "a")
    client.rpush("secret", "a")
    client.execute_command("ACL", "SETUSER", "default", "-client|list", "-config", "resetkeys", "~jobs")
    view = look(redis_server, ["jobs", "secret"])
    assert view.clients is None
    assert view.connected == 1
    # Newer servers say it in INFO too.
    assert view.maxclients == 10_000
    assert queue(view, "jobs").depth == 1
    assert [line.partition(":")[0] for line in view.refused] == ["CLIENT LIST", "secret"]


def test_consumers_that_block_are_in_use_and_nobody_waits(client: redis.Redis, redis_server: Redis, ask: Ask) -> None:
    asking = ask(toml(redis_server, queues=["jobs", "events"]), "cache", "mcp-worker")
    asking.naming.servers[redis_server.port] = "cache"
    workers = [redis.Redis(port=redis_server.port, client_name="mcp-worker") for _ in range(4)]

    def block(worker: redis.Redis) -> None:
        with suppress(redis.RedisError):
            worker.blpop(["jobs"], 600)

    threads = [threading.Thread(target=block, args=(worker,)) for worker in workers[:3]]
    for thread in threads:
        thread.start()
    workers[3].ping()
    client.rpush("elsewhere", "x")
    try:

        def three_blocked() -> None:
            assert client.info("clients")["blocked_clients"] == 3
            # So long silent that one that did not block would be idle.
            assert all(int(each["idle"]) >= 1 for each in client.client_list() if each["name"] == "mcp-worker")
            flows = asking.flows()
            worker, own = pool(flows, "mcp-worker", "cache"), pool(flows, "cache", "clients")
            assert (worker.kind, worker.in_use, worker.idle, worker.waiting) == ("redis", 3, 1, None)
            assert worker.confidence is Confidence.DERIVED
            assert (own.kind, own.waiting, own.max) == ("server", None, 10_000)
            assert own.in_use is not None
            assert own.idle is not None
            assert own.in_use + own.idle == 5
            assert pool(flows, "cache", "others").peer == "cache"
            assert {name: (q.kind, q.depth) for name, q in queues(flows, "cache").items()} == {
                "jobs": ("broker", 0),
                "events": ("broker", 0),
            }

        until(three_blocked)
    finally:
        client.rpush("jobs", 1, 2, 3)
        for thread in threads:
            thread.join()
        for worker in workers:
            worker.close()


def test_clients_are_named_by_their_ports(client: redis.Redis, redis_server: Redis, ask: Ask) -> None:
    asking = ask(toml(redis_server, service="cache"), "cache", "api")
    connection = client.connection_pool.get_connection()
    asking.naming.owners[connection._sock.getsockname()[1]] = "api"

    def named() -> None:
        api = pool(asking.flows(), "api", "cache")
        assert (api.in_use or 0) + (api.idle or 0) == 1

    until(named)
    client.connection_pool.release(connection)


def test_depths_of_a_stream_with_several_groups_are_named_apart(
    client: redis.Redis, redis_server: Redis, ask: Ask
) -> None:
    client.xadd("events", {"a": "b"})
    client.xgroup_create("events", "g", id="0")
    asking = ask(toml(redis_server, queues=["events"], service="cache"), "cache")
    assert list(queues(asking.flows(), "cache")) == ["events"]
    client.xgroup_create("events", "h", id="$")

    def two() -> None:
        depths = {name: queue.depth for name, queue in queues(asking.flows(), "cache").items()}
        assert depths == {"events (g)": 1, "events (h)": 0}

    until(two)


def test_a_server_that_is_no_service_here_is_one_of_its_own(redis_server: Redis, ask: Ask) -> None:
    asking = ask(toml(redis_server, queues=["jobs"]))
    title = f"redis at 127.0.0.1:{redis_server.port}"
    assert list(queues(asking.flows(), title)) == ["jobs"]
    (alone,) = asking.collectors[0].collect(Tick(99, time.monotonic(), ())).targets
    assert (alone.id, alone.service, alone.kind) == (title, "redis", "server")


def test_a_wrong_password_never_shows(client: redis.Redis, redis_server: Redis, ask: Ask) -> None:
    client.config_set("requirepass", "another")
    url = f"redis://:{PASSWORD}@127.0.0.1:{redis_server.port}/0"
    asking = ask(f'[[redis]]\nurl = "{url}"', "cache")
    said = asking.says("invalid")
    assert said.startswith(f"redis at 127.0.0.1:{redis_server.port}: ")
    assert PASSWORD not in said
    assert "\n" not in said
    with pytest.raises(ServerError, match="NOAUTH"):
        in_container(redis_server)
    assert in_container(redis_server, REDISCLI_AUTH="another").version


def test_a_server_that_goes_is_said_and_comes_back(redis_server: Redis, ask: Ask) -> None:
    asking = ask(toml(redis_server), "cache")
    assert asking.flows()
    redis_server.stop()
    assert asking.says("refused") == f"redis at 127.0.0.1:{redis_server.port}: Connection refused"
    with pytest.raises(ServerError, match="Connection refused"):
        in_container(redis_server)
    redis_server.start()
    assert asking.flows()


def test_a_server_that_hangs_is_one_line_and_stalls_nobody(redis_server: Redis, ask: Ask) -> None:
    asking = ask(toml(redis_server, timeout=0.3), "cache")
    assert asking.flows()
    assert redis_server._process is not None
    os.kill(redis_server._process.pid, signal.SIGSTOP)
    try:
        assert asking.says("no answer") == f"redis at 127.0.0.1:{redis_server.port}: no answer within 0.3 s"
    finally:
        os.kill(redis_server._process.pid, signal.SIGCONT)
    assert asking.flows()


@pytest.mark.parametrize("option", ["socket_timeout", "nonsense"])
def test_an_option_that_the_library_does_not_know_is_one_line_without_its_value(ask: Ask, option: str) -> None:
    asking = ask(f'[[redis]]\nurl = "redis://127.0.0.1:1/0?{option}={PASSWORD}"')
    assert asking.says("understand") == "redis at 127.0.0.1:1: redis-py does not understand the url"


def test_something_else_that_listens_is_one_line(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(100)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        place = f"127.0.0.1:{server.getsockname()[1]}"
        asking = ask(f'[[redis]]\nurl = "redis://:{PASSWORD}@{place}"\ntimeout = 1', "cache")

        def said() -> None:
            line = asking.once(asking.collectors[0])[1]
            assert line.startswith(f"redis at {place}: ")
            assert not line.endswith("asking")
            assert "defect" not in line
            assert PASSWORD not in line

        until(said)
        asking.close()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        (b"5\n", 5),
        (b'"none"\n', b"none"),
        (b"NULL\n", None),
        (b"\n", []),
        (b'"a","b,\\"c\\"\\n\\x00\\\\",-1,NULL\n', [b"a", b'b,"c"\n\x00\\', -1, None]),
        (b"id=4 addr=1.2.3.4:5\n", b"id=4 addr=1.2.3.4:5"),
        (b"# Server\r\nredis_version:7\r\n", b"# Server\r\nredis_version:7\r"),
    ],
)
def test_a_line_of_redis_cli_is_a_reply(text: bytes, reply: object) -> None:
    assert parse_csv(text) == reply


def test_a_view_is_plain_data_without_the_password(client: redis.Redis, redis_server: Redis) -> None:
    client.config_set("requirepass", PASSWORD)
    view = by_address(redis_server, url=f"redis://:{PASSWORD}@127.0.0.1:{redis_server.port}/0")
    assert view.connected == 1
    assert PASSWORD not in msgspec.json.encode(view).decode()
