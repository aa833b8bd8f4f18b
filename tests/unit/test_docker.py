"""The engine's answers and failures, and the watch that follows its events."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mcptop.sources import docker_watch
from mcptop.sources.docker_engine import EngineError, Event, explain, parse_event
from mcptop.sources.docker_target import service_of, target_of
from mcptop.sources.docker_watch import DockerWatch, Inventory


def test_compose_swarm_and_plain_containers_have_a_service() -> None:
    compose = {"com.docker.compose.project": "shop", "com.docker.compose.service": "api"}
    assert service_of(compose, "shop-api-1") == ("shop", "api")
    swarm = {"com.docker.swarm.service.name": "shop_api", "com.docker.stack.namespace": "shop"}
    assert service_of(swarm, "shop_api.1.x") == ("shop", "api")
    assert service_of({"com.docker.swarm.service.name": "api"}, "x") == (None, "api")
    assert service_of({}, "solo") == (None, "solo")


def test_hostile_names_and_labels_are_made_harmless() -> None:
    labels = {"com.docker.compose.service": "\x1b]0;x\x07[red]" + "y" * 10_000, "com.docker.compose.project": "a\nb"}
    target = target_of({"Id": "ab" * 32, "Names": ["/c\x00d"], "Labels": labels, "Image": "\u202eevil"}, None)
    for text in (target.name, target.service, target.project, target.image):
        assert text is not None
        assert text.isprintable()
        assert len(text) <= 200


def test_an_answer_with_hardly_anything_in_it_is_enough() -> None:
    target = target_of({"Id": "ab" * 32}, {"State": None, "HostConfig": None})
    assert (target.name, target.service, target.state) == ("ab" * 6, "ab" * 6, "unknown")
    assert target.restarts is None


def failing(*outputs: str, status: str = "unhealthy") -> dict[str, Any]:
    looks = [{"ExitCode": 1, "Output": output} for output in outputs]
    return {"State": {"Status": "running", "Health": {"Status": status, "Log": looks}}}


def test_a_health_check_that_fails_is_heard_in_one_line() -> None:
    listed = {"Id": "ab" * 32}
    assert target_of(listed, failing("old", "no\n  \x1b[31mdatabase\u202e\n")).health_output == "no [31mdatabase"
    assert len(target_of(listed, failing("x\n" * 10**6)).health_output or "") <= 200
    for inspected in (failing("fine", status="healthy"), failing(), failing(""), {"State": {"Health": None}}, None):
        assert target_of(listed, inspected).health_output is None


def test_events_carry_their_value_inside_the_action() -> None:
    raw = {"Action": "health_status: unhealthy", "Actor": {"ID": "a"}, "time": 5}
    assert parse_event(raw) == Event("health_status", "a", 5, None)
    died = {"Action": "die", "Actor": {"ID": "a", "Attributes": {"exitCode": "137"}}, "time": 5}
    assert parse_event(died) == Event("die", "a", 5, 137)
    assert parse_event({}) is None


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PermissionError(13, "Permission denied"), "no permission on unix:///s"),
        (FileNotFoundError(2, "No such file"), "no docker engine at unix:///s"),
        (ConnectionRefusedError(111, "Connection refused"), "refuses connections"),
        (TimeoutError("timed out"), "does not answer in time"),
        (ValueError("client version 1.41 is too old. Minimum supported API version is 1.44"), "1.44"),
    ],
)
def test_each_failure_is_one_clear_line(error: Exception, says: str) -> None:
    line = explain(error, "unix:///s")
    assert says in line
    assert "\n" not in line


class Engine:
    """An engine whose answers and death a test decides."""

    endpoint = "unix:///fake"

    def __init__(self) -> None:
        self.listed = [{"Id": "a", "Names": ["/a"], "State": "running"}]
        self.queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.inspected: list[str] = []
        self.listings = 0

    def containers(self) -> list[dict[str, Any]]:
        self.listings += 1
        return self.listed

    def inspect(self, container: str) -> dict[str, Any]:
        self.inspected.append(container)
        return {"State": {"Status": "running"}, "RestartCount": len(self.inspected)}

    def events(self, since: int) -> "Engine":
        return self

    def __iter__(self) -> Iterator[Event]:
        while (event := self.queue.get()) is not None:
            yield event

    def ping(self) -> None:
        """It lives."""

    def close(self) -> None:
        self.queue.put(None)


def until(watch: DockerWatch, condition: Callable[[Inventory], bool]) -> Inventory:
    """Wait for a condition, for at most a generous while."""
    for _ in range(2000):
        if condition(watch.inventory):
            return watch.inventory
        threading.Event().wait(0.01)
    raise AssertionError(f"never came true; last: {watch.inventory}")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_watch, "_BACKOFF_S", (0.01,))


def test_it_lists_once_and_answers_a_burst_of_events_together() -> None:
    engine = Engine()
    watch = DockerWatch(lambda: engine)  # type: ignore[arg-type, return-value]
    watch.start()
    until(watch, lambda inventory: inventory.complete)
    assert engine.listings == 1
    for action in ("oom", "die", "start"):
        engine.queue.put(Event(action, "a", 1, 137 if action == "die" else None))
    target = until(watch, lambda inventory: inventory.targets[0].oom_events == 1).targets[0]
    assert engine.listings == 2
    assert engine.inspected == ["a", "a"]
    assert (target.restarts, target.exit_code) == (2, 137)
    watch.stop()


def test_it_says_that_the_engine_went_and_recovers_when_it_returns() -> None:
    engines = [Engine(), EngineError("no docker engine at unix:///fake"), Engine()]
    gone = threading.Event()

    def connect() -> Engine:
        found = engines.pop(0) if len(engines) > 1 else engines[0]
        if isinstance(found, EngineError):
            gone.wait(10)
            raise found
        return found

    first = engines[0]
    watch = DockerWatch(connect)  # type: ignore[arg-type]
    watch.start()
    until(watch, lambda inventory: inventory.complete)
    assert isinstance(first, Engine)
    first.queue.put(None)
    lost = until(watch, lambda inventory: inventory.error is not None)
    assert "lost the docker engine" in (lost.error or "")
    # What was known stays on the screen.
    assert [target.id for target in lost.targets] == ["a"]
    gone.set()
    assert until(watch, lambda inventory: inventory.engine is not None).error is None
    watch.stop()
