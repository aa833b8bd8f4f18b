"""Which service has which symptom, and the command that says why."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from mcptop.alerts import rules
from mcptop.model.frame import Frame, Service
from mcptop.model.host import Filesystem, HostPressure, Pressure
from mcptop.model.instance import Cpu, FileDescriptors, Instance, Memory, Sockets
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind
from mcptop.playbook import shelf
from mcptop.playbook.triage import Problem, problems
from tests.ui.frames import HOST, NOON, backlog, frame, instance, pool, queue, seen, service

CALM = replace(HOST, disks=(Filesystem("/", "vda1", 100, 60, 0.4),), pressure=HostPressure())
MIB = 1 << 20


def quiet(name: str = "api-1", **more: Any) -> Instance:
    return replace(instance(name, 0.1, 100, 512, quota=2.0, throttled=0.0, net=0.0, sockets=Sockets()), **more)


def frames(made: Callable[[int], Instance], count: int = 16, flows: Any = None, **more: Any) -> list[Frame]:
    return [
        frame(at, (replace(service("api", made(at)), **(flows or {})),), at=NOON + timedelta(seconds=at),
              **{"host": CALM, **more})
        for at in range(count)
    ]  # fmt: skip


def only(given: list[Frame]) -> Problem:
    (found,) = problems(given)
    return found


def test_nothing_to_say() -> None:
    assert problems([]) == ()
    assert problems(frames(lambda at: quiet())) == ()
    assert problems([frame(1, (), host=None)]) == ()


def leaks(at: int) -> Instance:
    size = (100 + 5 * at) * MIB
    return quiet(memory=Memory(working_set_bytes=size, anon_bytes=size))


@pytest.mark.parametrize(("made", "severity", "playbook", "says"), [
    (lambda at: quiet(health="unhealthy"), Severity.CRITICAL, "restarts", "its health check fails"),
    (lambda at: quiet(state="restarting", restarts=7), Severity.CRITICAL, "restarts", "it is restarting, 7 restarts"),
    (lambda at: quiet(state="dead", restarts=None), Severity.CRITICAL, "restarts", "it is dead, 0 restarts"),
    (lambda at: quiet(oom_kills=2), Severity.CRITICAL, "restarts", "the kernel killed it 2 times for lack of memory"),
    (lambda at: quiet(memory=Memory(limit_ratio=0.97)), Severity.CRITICAL, "memory-leak", "memory at 97% of its limit"),
    (leaks, Severity.WARNING, "memory-leak", "memory grows 300 MiB/min"),
    (lambda at: quiet(cpu=Cpu(0.3, throttled_ratio=0.5)), Severity.WARNING, "cpu-load",
     "its CPU quota holds it back in 50% of the periods"),
    (lambda at: quiet(cpu=Cpu(0.95)), Severity.WARNING, "cpu-load", "it uses 0.95 cores"),
    (lambda at: quiet(cpu=Cpu(0.46, limit_cores=0.5)), Severity.WARNING, "cpu-load", "it uses 0.46 cores"),
    (lambda at: quiet(fds=FileDescriptors(900, 1024, 0.88)), Severity.CRITICAL, "fd-leak",
     "open files at 88% of the limit"),
    (lambda at: quiet(sockets=Sockets(close_wait=12)), Severity.WARNING, "fd-leak", "12 connections in CLOSE_WAIT"),
    (lambda at: quiet(fds=FileDescriptors(100 + 2 * at, 9999, 0.02)), Severity.WARNING, "fd-leak",
     "open files grow 120 a minute"),
])  # fmt: skip
def test_of_one_instance(made: Callable[[int], Instance], severity: Severity, playbook: str, says: str) -> None:
    found = only(frames(made))
    assert (found.severity, found.playbook, found.says) == (severity, playbook, says)
    assert (found.service, found.project, found.instance) == ("api", "mcp-stack", "api-1")
    assert found.run == f"mcptop diagnose {playbook} --service mcp-stack/api"
    assert shelf.entry_of(playbook).path.is_file()


@pytest.mark.parametrize(("flows", "severity", "playbook", "says"), [
    ({"pools": (pool("db", 5, 5, waiting=3),)}, Severity.CRITICAL, "connection-pool", "3 callers wait for pool db"),
    ({"pools": (seen("runner", 2, longest_s=4.5),)}, Severity.WARNING, "slow-service", "it waits for runner, for 4.5s"),
    ({"queues": (backlog(128),)}, Severity.CRITICAL, "slow-service", "128 connections wait to be accepted"),
    ({"queues": (queue("jobs", 40, growth_per_s=1.0),)}, Severity.WARNING, "queue-backlog",
     "queue jobs is 40 deep and grows"),
])  # fmt: skip
def test_of_what_flows_through_it(flows: Any, severity: Severity, playbook: str, says: str) -> None:
    found = only(frames(lambda at: quiet(), flows=flows))
    assert (found.severity, found.playbook, found.says) == (severity, playbook, says)


@pytest.mark.parametrize(
    "flows",
    [{"pools": (pool("db", 5, 5, waiting=0), pool("other", 5, 5, waiting=9, instance="api-2"))},
     {"pools": (seen("runner", 2, longest_s=0.2), pool("http", 1, 2, kind="http", longest_s=60.0))},
     {"queues": (backlog(3), backlog(500, None), queue("a", 9, growth_per_s=1.0), queue("b", 90, growth_per_s=-1.0))}],
)  # fmt: skip
def test_a_full_pool_or_a_deep_queue_alone_is_no_symptom(flows: Any) -> None:
    assert problems(frames(lambda at: quiet(), flows=flows)) == ()


def test_a_caller_that_waits_at_one_moment_only_is_no_symptom() -> None:
    def at(second: int, waiting: int) -> Frame:
        flows = {"pools": (pool("db", 5, 5, waiting=waiting),)}
        return frames(lambda _: quiet(), count=second + 1, flows=flows)[-1]

    assert problems([at(second, int(second == 15)) for second in range(16)]) == ()
    assert len(problems([at(second, second % 3 == 0) for second in range(16)])) == 1


@pytest.mark.parametrize(
    ("anon", "severity"), [(820, Severity.CRITICAL), (700, Severity.WARNING), (300, None), (None, Severity.CRITICAL)]
)
def test_pages_of_files_that_fill_the_limit_are_no_symptom(anon: int | None, severity: Severity | None) -> None:
    memory = Memory(anon_bytes=anon, shmem_bytes=0, working_set_bytes=970, limit_bytes=1000, limit_ratio=0.97)
    assert [each.severity for each in problems(frames(lambda at: quiet(memory=memory)))] == (
        [severity] if severity else []
    )


def test_what_only_seems_to_grow_is_no_symptom() -> None:
    levels = (lambda at: quiet(memory=Memory(anon_bytes=(100 + min(at, 5)) * MIB)),
              lambda at: quiet(memory=Memory(anon_bytes=(100 + 9 * (at % 4)) * MIB)),
              lambda at: quiet(memory=Memory(anon_bytes=None), fds=FileDescriptors()))  # fmt: skip
    for made in levels:
        assert problems(frames(made)) == ()


def test_growth_is_told_by_when_it_was_seen() -> None:
    """An instance that is missing in some frames has not grown in the frames before it."""
    given = frames(leaks)
    gap = [each if number not in (3, 4, 5, 9) else replace(each, services=()) for number, each in enumerate(given)]
    assert only(gap).says == "memory grows 300 MiB/min"


def test_the_worst_first_and_once_for_each_playbook() -> None:
    bad = quiet("a-1", health="unhealthy", oom_kills=1, cpu=Cpu(0.9))
    worse = quiet("b-2", state="restarting")
    services = (service("a", bad), service("b", quiet("b-1", health="unhealthy"), worse),
                service("pg", quiet("pg-1", cpu=Cpu(3.0)), kind=Kind.SERVER))  # fmt: skip
    found = problems([frame(at, services, host=CALM, at=NOON + timedelta(seconds=at)) for at in range(3)])
    assert [(each.service, each.instance, each.playbook) for each in found] == [
        ("b", "b-2", "restarts"), ("a", "a-1", "restarts"), ("a", "a-1", "cpu-load")
    ]  # fmt: skip
    assert found[1].says == "the kernel killed it 1 times for lack of memory"


def full(*moved: tuple[str, float], **host: Any) -> tuple[Problem, ...]:
    services = tuple(service(name, replace(quiet(f"{name}-1"), disk=instance("x", 0.1, 1, net=4 * per_s).disk))
                     for name, per_s in moved)  # fmt: skip
    return problems([frame(1, services, host=replace(CALM, **host))])


def test_what_is_wrong_with_the_machine_is_told_of_who_moves_most() -> None:
    disks = (Filesystem("/", "vda1", 100, 60, 0.4), Filesystem("/data\x1b", "vdb", 100, 2, 0.98))
    (found,) = full(("a", 10.0), ("b", 500.0), disks=disks)
    assert (found.service, found.playbook, found.severity) == ("b", "disk-full", Severity.CRITICAL)
    assert found.says == "/data  is 98% full; it moves most bytes"
    (nobody,) = full(("a", 0.0), disks=disks)
    assert (nobody.service, nobody.says, nobody.run) == (HOST.name, "/data  is 98% full", "mcptop diagnose disk-full")
    (slow,) = full(("a", 10.0), pressure=HostPressure(io=Pressure(0.45)))
    assert (slow.playbook, slow.severity) == ("io-bottleneck", Severity.WARNING)
    assert slow.says == "somebody waits for a disk 45% of the time; it moves most bytes"
    assert full(("a", 1e9), pressure=HostPressure(io=Pressure(0.1))) == ()


def test_it_judges_by_the_rules_in_force() -> None:
    near = lambda at: quiet(memory=Memory(limit_ratio=0.92), fds=FileDescriptors(900, 1024, 0.88))  # noqa: E731
    known = rules.SHIPPED.by_id
    changed = replace(
        rules.SHIPPED,
        by_id={
            **known,
            "memory-near-limit": replace(rules.MEMORY_NEAR_LIMIT, warning=0.95),
            "fds-near-limit": replace(rules.FDS_NEAR_LIMIT, enabled=False),
        },
    )
    assert {one.playbook for one in problems(frames(near))} == {"memory-leak", "fd-leak"}
    assert problems(frames(near, rules=changed)) == ()


def test_a_command_can_be_copied_whatever_a_process_calls_itself() -> None:
    odd = replace(service("x; rm -rf ~", quiet(health="unhealthy")), project=None, kind=Kind.PROCESS)
    found = only([frame(1, (odd,), host=CALM)])
    assert shlex.split(found.run) == ["mcptop", "diagnose", "restarts", "--service", "x; rm -rf ~"]
    spaced: Service = replace(odd, name="a b\x1b[31m")
    assert shlex.split(only([frame(1, (spaced,), host=CALM)]).run)[-1] == "a b [31m"


@pytest.mark.parametrize("made", [
    lambda less: quiet(cpu=Cpu(0.3, throttled_ratio=rules.CPU_THROTTLED.warning - 0.01 * less)),
    lambda less: quiet(sockets=Sockets(close_wait=int(rules.CLOSE_WAIT.warning) - less)),
])  # fmt: skip
def test_what_the_dashboard_calls_healthy_is_no_symptom(made: Callable[[int], Instance]) -> None:
    assert len(problems(frames(lambda at: made(0)))) == 1
    assert problems(frames(lambda at: made(1))) == ()
