"""A real swarm of one node: its services, tasks that fail or find no node, scaling, and a manager that is locked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from observer import COMMAND, PATIENCE, Frame, Watch, environment
from own_engine import IMAGE, Engine

from mcptop.sources.swarm_control import SwarmControl

SCALE = [sys.executable, "-m", "mcptop", "scale"]
ASLEEP = "exec sleep 1000"
assert COMMAND[-1] == "snapshot"


@pytest.fixture(scope="module")
def engine(require: Callable[[str, object, str], None]) -> Iterator[Engine]:
    """A manager with four services: two replicas that run, one that computes, one that fails, one without a node."""
    require("docker", os.geteuid() == 0, "starting an engine of one's own needs root")
    engine = Engine()
    try:
        engine.load_image()
        engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--autolock")
        engine.service("shop_web", ASLEEP, "--replicas", "2", "--label", "com.docker.stack.namespace=shop",
                       "--container-label", "com.docker.stack.namespace=shop")  # fmt: skip
        engine.service("busy", "while :; do :; done", "--limit-cpu", "0.2", "--limit-memory", "64m")
        engine.service("bad", "exit 3", "--restart-delay", "1s")
        engine.service("nowhere", ASLEEP, "--replicas", "2", "--constraint", "node.labels.disk==fast")
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="module")
def watch(engine: Engine) -> Iterator[Watch]:
    watch = Watch("--host", engine.socket)
    yield watch
    assert watch.close() == 0
    assert "Traceback" not in watch.complaints


def only(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The one there is; not yet is an objection a `--watch` may still answer."""
    assert len(found) == 1, found
    return found[0]


def service(frame: Frame, name: str) -> dict[str, Any]:
    return only([each for each in frame["services"] if each["name"] == name and each["kind"] == "container"])


def alert(frame: Frame, rule: str, name: str | None) -> dict[str, Any]:
    return only([each for each in frame["alerts"] if each["rule"] == rule and each["service"] == name])


def scale(engine: Engine, *words: str) -> tuple[int, dict[str, Any]]:
    """`mcptop scale WORDS --json`: its exit code and its document."""
    done = subprocess.run(
        [*SCALE, *words, "--json", "--host", engine.socket], capture_output=True, text=True, timeout=90 * PATIENCE,
        env=environment(),
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 1, done.stderr
    return done.returncode, json.loads(done.stdout)


def replicas(engine: Engine, name: str) -> int:
    """As the engine's own program says."""
    return int(engine.docker("service", "inspect", "-f", "{{.Spec.Mode.Replicated.Replicas}}", name))


def test_services_show_their_replicas_and_figures_of_the_kernel(watch: Watch) -> None:
    def check(frame: Frame) -> None:
        web, busy = service(frame, "web"), service(frame, "busy")
        assert (web["project"], web["swarm"]["name"], web["swarm"]["mode"]) == ("shop", "shop_web", "replicated")
        assert (web["swarm"]["running"], web["swarm"]["desired"], web["replicas"]) == (2, 2, 2)
        instance = only(busy["instances"])
        assert instance["host"] is None
        assert instance["pid"]
        # The quota is in force in the cgroup of an engine of one's own as in any other.
        assert 0.1 < instance["cpu"]["cores"] < 0.3
        assert instance["cpu"]["limit_cores"] == pytest.approx(0.2)
        assert instance["memory"]["limit_bytes"] == 64 << 20
        assert 0 < instance["memory"]["working_set_bytes"] < 64 << 20
        node = only(frame["nodes"])
        assert (node["role"], node["state"], node["availability"]) == ("manager", "ready", "active")

    watch.until(check)


def test_scale_without_permission_changes_nothing(engine: Engine) -> None:
    code, document = scale(engine, "web", "3")
    assert (code, document["status"], document["before"], document["wanted"]) == (0, "dry_run", 2, 3)
    assert document["command"] == f"docker -H {engine.socket} service scale shop_web=3"
    assert replicas(engine, "shop_web") == 2


def test_scale_with_permission_changes_the_replicas_and_the_screen(engine: Engine, watch: Watch) -> None:
    code, document = scale(engine, "shop_web", "3", "--allow-actions")
    assert (code, document["status"], document["running"]) == (0, "done", 3), document
    assert replicas(engine, "shop_web") == 3

    def check(frame: Frame) -> None:
        web = service(frame, "web")
        assert (web["replicas"], web["swarm"]["running"], web["swarm"]["desired"]) == (3, 3, 3)

    watch.until(check)
    assert scale(engine, "web", "3")[1]["status"] == "unchanged"


def test_a_service_that_somebody_else_changes_meanwhile_is_read_again(engine: Engine) -> None:
    class Raced(SwarmControl):
        """Somebody is faster, once."""

        attempts = 0

        def _update(self, service: str, settings: Any, version: int) -> None:
            self.attempts += 1
            if self.attempts == 1:
                engine.docker("service", "update", "--detach", "--label-add", "faster=yes", service)
            super()._update(service, settings, version)

    with closing(Raced(engine.socket)) as manager:
        identity = engine.docker("service", "inspect", "-f", "{{.ID}}", "nowhere")
        assert manager.scale(identity, 4) == 2
        assert manager.attempts == 2
    assert replicas(engine, "nowhere") == 4
    # What the other one changed is still there.
    assert engine.docker("service", "inspect", "-f", "{{.Spec.Labels.faster}}", "nowhere") == "yes"


def test_scale_says_what_stands_in_the_way(engine: Engine) -> None:
    code, document = scale(engine, "nowhere", "5", "--allow-actions", "--timeout", "2")
    assert (code, document["status"]) == (3, "not_settled")
    assert "0 of 5 run" in document["says"]
    assert "no suitable node" in document["says"]


def test_a_task_that_fails_shows_its_error_and_is_an_alert(watch: Watch) -> None:
    def check(frame: Frame) -> None:
        bad = service(frame, "bad")["swarm"]
        assert (bad["running"], bad["desired"]) == (0, 1)
        newest = bad["troubles"][0]
        assert (newest["task"], newest["state"], newest["says"], newest["exit_code"]) == (
            "bad.1", "failed", "exit code 3", 3,
        )  # fmt: skip
        # Of the containers of one slot only the newest is a replica.
        assert len(service(frame, "bad")["instances"]) <= 1
        found = alert(frame, "replicas-missing", "bad")
        assert found["severity"] == "critical"
        assert "exit code 3" in found["says"]

    watch.until(check)


def test_a_service_without_a_node_is_there_and_says_why(watch: Watch) -> None:
    def check(frame: Frame) -> None:
        nowhere = service(frame, "nowhere")
        assert (nowhere["replicas"], nowhere["instances"], nowhere["swarm"]["desired"] > 1) == (0, [], True)
        assert "no suitable node" in alert(frame, "replicas-missing", "nowhere")["says"]

    watch.until(check)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("wbe", "3"), "no Swarm service `wbe`; nearest: "),
        (("web", "100000"), "more than 1000"),
        (("web", "-1"), "give 0 or more"),
    ],
)
def test_scale_refuses_what_nobody_means(engine: Engine, words: tuple[str, ...], says: str) -> None:
    code, document = scale(engine, *words, "--allow-actions")
    assert (code, document["schema"]) == (2, "mcptop.error/1")
    assert says in document["error"]


def test_scale_refuses_a_global_service(engine: Engine) -> None:
    engine.service("everywhere", ASLEEP, "--mode", "global")
    code, document = scale(engine, "everywhere", "2", "--allow-actions")
    assert code == 2
    assert "is global" in document["error"]
    engine.docker("service", "rm", "everywhere")


def test_auto_scales_by_the_cpu_and_says_the_arithmetic(engine: Engine) -> None:
    code, document = scale(engine, "busy", "--auto", "--max", "4")
    assert (code, document["status"], document["before"]) == (0, "dry_run", 1), document
    # One replica at its whole limit of which 70 % are wanted: ceil(1 x 100/70) = 2.
    assert document["wanted"] == 2
    assert "% of the reservation / 70 %" in document["why"]


@contextmanager
def pages(texts: dict[str, str]) -> Iterator[int]:
    """A server of pages of metrics on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = texts.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def only_running(frame: Frame, name: str, number: int) -> None:
    assert service(frame, name)["swarm"]["running"] == number


LISTENING = """exec perl -MIO::Socket::INET -e '
$server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 5432, Listen => 20, ReuseAddr => 1) or die $!;
while ($client = $server->accept) { push @clients, $client }'"""
CONNECTED = """exec perl -MIO::Socket::INET -e '
$socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => 5432) or die $!; sleep 1000'"""
PAGES = {
    "/orders": 'mcp_connection_pool_max{pool="db"} 40\nmcp_connection_pool_active{pool="db"} 1\n',
    "/postgres": "pg_settings_max_connections 100\npg_settings_superuser_reserved_connections 3\n"
    'pg_stat_activity_count{state="active",backend_type="client backend"} 2\n',
}


def test_the_connections_of_a_database_are_a_bound(engine: Engine, watch: Watch) -> None:
    """Two pools of 40 beside a server that gives 97: a third one is refused with the sum, unless it is said twice."""
    with pages(PAGES) as port:
        label = f"mcptop.metrics=http://127.0.0.1:{port}"
        engine.service("postgres", LISTENING, "--container-label", f"{label}/postgres")
        engine.service("orders", CONNECTED, "--replicas", "2", "--restart-delay", "500ms",
                       "--container-label", f"{label}/orders")  # fmt: skip
        try:
            watch.until(lambda frame: only_running(frame, "orders", 2))
            code, document = scale(engine, "orders", "3", "--allow-actions")
            assert (code, document["status"]) == (3, "over_budget"), document
            assert "orders db 40 x 3 = 120 > 97" in document["says"]
            assert replicas(engine, "orders") == 2
            scale(engine, "orders", "3", "--allow-actions", "--over-budget", "--timeout", "1")
            assert replicas(engine, "orders") == 3
        finally:
            engine.docker("service", "rm", "orders", "postgres")


def test_a_locked_manager_says_so_and_the_rest_goes_on(engine: Engine, watch: Watch) -> None:
    """The last of this file: its swarm is not to be had any more."""
    lonely = engine.docker(
        "run", "-d", "--stop-signal", "KILL", "--network", "host", "--restart", "always", IMAGE, "/bin/sleep", "999"
    )
    engine.halt()
    engine.start()

    def check(frame: Frame) -> None:
        swarm = only([each for each in frame["sources"] if each["name"] == "swarm"])
        assert swarm["status"] == "error"
        assert "docker swarm unlock" in swarm["message"]
        docker = only([each for each in frame["sources"] if each["name"] == "docker"])
        assert docker["status"] == "ok"
        instance = only([i for s in frame["services"] for i in s["instances"] if i["id"] == lonely])
        assert instance["state"] == "running"
        assert instance["memory"]["working_set_bytes"]
        assert not any(each["swarm"] for each in frame["services"])
        assert alert(frame, "source-broken", None)["says"].startswith("source swarm: locked")

    watch.until(check, 60)
    code, document = scale(engine, "web", "1", "--allow-actions")
    assert code == 5
    assert "docker swarm unlock" in document["error"]
