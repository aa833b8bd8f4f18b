"""The steps that ask an engine, on recorded answers of an old and a new one. The engine itself: tests/docker."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.playbook.steps.base import StepFailure, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.playbook.steps.docker_events import Events, Happened, happened
from mcptop.playbook.steps.docker_inspect import Look, kept
from mcptop.playbook.steps.docker_stats import size
from mcptop.sources.docker_engine import EngineError
from tests.playbook.step_world import context, looked, process, read
from tests.unit.fixtures import HOSTS, RECORDED, container

AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC).timestamp()
"""A little after both hosts were recorded."""


@pytest.mark.parametrize("kind", ["docker-inspect", "docker-events"])
@pytest.mark.parametrize(
    ("says", "status"),
    [
        ("no permission on unix:///x.sock: run as root", StepStatus.PERMISSION_DENIED),
        ("the docker engine at x refuses connections: is it running?", StepStatus.NO_DATA),
    ],
)
def test_an_engine_that_cannot_be_asked(kind: str, says: str, status: StepStatus) -> None:
    def refuse() -> Any:
        raise EngineError(says)

    given = context(Subject("container", None, "s", "s", container="c" * 64))
    given.engine = refuse
    with pytest.raises(StepFailure, match=says[:20]) as failure:
        KINDS[kind].collect(given, options_of(KINDS[kind], {}))
    assert failure.value.status is status


def answer(host: str, name: str, kind: str = "json") -> Any:
    """What the engine said about one container."""
    identity = container(host, name)["Id"]
    text = (RECORDED / host / "api" / "containers" / f"{identity}.{kind}").read_text()
    return json.loads(text) if kind == "json" else [json.loads(line) for line in text.splitlines()]


def inspected(*answers: Any, logs: tuple[int | None, int | None] = (None, None)) -> dict[str, Any]:
    looks = [Look(AT + 5 * at, kept(each), logs[at]) for at, each in enumerate(answers)]
    return read("docker-inspect", *((f"{at}", msgspec.json.encode(look)) for at, look in enumerate(looks)))


@pytest.mark.parametrize("kind", ["docker-inspect", "docker-events", "docker-stats"])
def test_of_a_process_the_engine_knows_nothing(kind: str) -> None:
    with pytest.raises(StepFailure, match="not a container") as failure:
        looked(kind, process(1))
    assert failure.value.status is StepStatus.NO_DATA


@pytest.mark.parametrize("host", HOSTS)
def test_one_that_runs_within_limits(host: str) -> None:
    found = inspected(answer(host, "burner"), answer(host, "burner"), logs=(100, 600))
    assert (found["state"], found["exit_code"], found["oom_killed"], found["error"]) == ("running", None, False, None)
    assert (found["restarts"], found["restarts_growth"], found["restart_policy"]) == (0, 0, "no")
    assert (found["memory_limit_bytes"], found["cpu_limit_cores"]) == (268435456, 0.5)
    assert (found["log_bytes"], found["log_bytes_per_s"]) == (600, 100)
    assert (found["health"], found["health_failing"], found["health_output"]) == (None, None, None)
    assert 1400 < found["uptime_s"] < 1700


@pytest.mark.parametrize("host", HOSTS)
def test_one_that_has_ended_and_one_that_is_ill(host: str) -> None:
    ended, ill = (inspected(answer(host, name), answer(host, name)) for name in ("broken", "sick"))
    assert (ended["state"], ended["exit_code"], ended["uptime_s"], ended["started_at"]) == ("exited", 3, None, None)
    assert (ended["memory_limit_bytes"], ended["cpu_limit_cores"], ended["log_bytes"]) == (None, None, None)
    assert ill["health"] == "unhealthy"
    assert ill["health_failing"] >= 6


def changed(host: str, **state: Any) -> Any:
    found = answer(host, "burner")
    found["State"] |= state
    return found


def test_a_restart_between_the_looks_shows_how_the_run_before_ended() -> None:
    dead = changed(HOSTS[0], Status="restarting", Running=True, ExitCode=137, OOMKilled=True)
    again = changed(HOSTS[0]) | {"RestartCount": 1}
    found = inspected(dead, again, logs=(900, 100))
    assert (found["state"], found["exit_code"], found["oom_killed"]) == ("running", 137, True)
    assert found["restarts_growth"] == 1
    # The log was rotated: how much came is not known.
    assert found["log_bytes_per_s"] is None


def test_what_a_health_check_said_last_is_harmless_text() -> None:
    log = [{"Output": "old"}, {"Output": "first line\nit said \x1b[31mno\u202e\n\n"}]
    found = inspected(*[changed(HOSTS[1], Health={"Status": "unhealthy", "FailingStreak": 4, "Log": log})] * 2)
    assert (found["health_failing"], found["health_output"]) == (4, "it said  [31mno ")


@pytest.mark.parametrize("host", HOSTS)
def test_the_containers_environment_is_not_kept(host: str) -> None:
    found = answer(host, "burner")
    found["Config"]["Env"] = ["PASSWORD=geheim"]
    assert "geheim" not in json.dumps(kept(found))


def test_an_answer_without_most_of_its_parts() -> None:
    found = inspected({"State": None}, {"Config": None, "HostConfig": None})
    assert (found["state"], found["restarts"], found["restarts_growth"], found["image"]) == (
        "unknown",
        None,
        None,
        None,
    )


def test_an_answer_of_another_form_is_no_evidence() -> None:
    with pytest.raises(StepFailure) as failure:
        inspected({"State": {"Running": True, "StartedAt": 5}}, {"State": {"Running": True, "StartedAt": 5}})
    assert failure.value.status is StepStatus.PARSE_ERROR


def event(action: str, at: float, code: str = "") -> dict[str, Any]:
    return {"Action": action, "timeNano": int(at * 1e9), "time": int(at), "Actor": {"Attributes": {"exitCode": code}}}


def test_events_are_counted() -> None:
    raw = [
        event("exec_create: /bin/sh -c secret", 1.0),
        event("die", 3.0, "1"),
        event("oom", 3.5),
        event("die", 4.5, "137"),
        event("start", 5.0),
        event("health_status: unhealthy", 6.0),
        {"status": "kill", "time": 7},
        {},
    ]
    events = Events(10.0, 60.0, tuple(found for each in raw if (found := happened(each))))
    assert "secret" not in str(events)
    values = read("docker-events", ("events.json", msgspec.json.encode(events)), since="15m")
    assert (values["die"], values["oom"], values["kill"], values["start"], values["restart"]) == (2, 1, 1, 1, 0)
    assert (values["unhealthy"], values["healthy"]) == (1, 0)
    assert (values["last_exit_code"], values["last_die_s"]) == (137, 5.5)
    assert (values["seconds"], values["covers_s"]) == (900, 60)


def test_without_an_end_there_is_no_exit_code() -> None:
    events = Events(10.0, 60.0, (Happened(2.0, "start", "", None),))
    values = read("docker-events", ("events.json", msgspec.json.encode(events)))
    assert (values["die"], values["last_exit_code"], values["last_die_s"]) == (0, None, None)


def stats(found: Any, kernel: int | None) -> dict[str, Any]:
    return read(
        "docker-stats", ("s", json.dumps(found).encode()), ("k", json.dumps({"working_set_bytes": kernel}).encode())
    )


@pytest.mark.parametrize("host", HOSTS)
def test_the_engines_figures_as_the_command_computes_them(host: str) -> None:
    # Of a stream's answers only the second knows the one before it.
    first, second = answer(host, "burner", "stats")[:2]
    found, usage = stats(second, None), second["memory_stats"]["usage"]
    assert found["memory_bytes"] == usage
    assert 0 < found["memory_minus_cache_bytes"] <= usage
    assert 20 < found["cpu_percent"] < 80
    assert stats(first, None)["cpu_percent"] is None
    assert found["agrees"] is None


@pytest.mark.parametrize(("kernel", "agrees"), [(100 << 20, True), (110 << 20, True), (300 << 20, False), (None, None)])
def test_whether_the_kernel_agrees(kernel: int | None, agrees: bool | None) -> None:
    found = stats({"CPUPerc": "12.34%", "MemUsage": "100MiB / 1GiB", "NewColumn": "x"}, kernel)
    assert (found["cpu_percent"], found["memory_minus_cache_bytes"], found["memory_bytes"]) == (12.34, 100 << 20, None)
    assert found["agrees"] is agrees


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ({"CPUPerc": "--", "MemUsage": "-- / --"}, StepStatus.NO_DATA),
        ({"CPUPerc": "0.00%", "MemUsage": "0B / 0B"}, StepStatus.NO_DATA),
        ({"memory_stats": {}, "cpu_stats": {}}, StepStatus.NO_DATA),
        ([1], StepStatus.PARSE_ERROR),
        ("text", StepStatus.PARSE_ERROR),
    ],
)
def test_figures_of_one_that_does_not_run_are_none(found: Any, status: StepStatus) -> None:
    with pytest.raises(StepFailure) as failure:
        stats(found, 5)
    assert failure.value.status is status


@pytest.mark.parametrize(
    ("text", "expected"),
    [("512B", 512), ("1.5kB", 1500), ("10.5MiB ", 11010048), ("2GB", 2 * 10**9), ("1GiB", 1 << 30), ("--", None)],
)
def test_sizes_as_the_command_writes_them(text: str, expected: int | None) -> None:
    assert size(text) == expected
