"""How real containers become services: labels of Compose and Swarm, and labels nobody should write."""

from __future__ import annotations

import programs
from containers import COMPOSE
from observer import services, snapshot


def test_replicas_of_one_compose_service_are_one_service(start, watch):
    both = [start("web", programs.SLEEP, number=number) for number in (1, 2)]

    def check(frame):
        found = services(frame, both[0])
        assert [(s["project"], s["name"], s["kind"]) for s in found] == [(both[0].project, "web", "container")]
        assert found[0]["replicas"] == 2
        assert {i["id"] for i in found[0]["instances"]} == {each.id for each in both}
        assert {i["name"] for i in found[0]["instances"]} == {each.name for each in both}

    watch.until(check)


def test_a_swarm_task_belongs_to_its_service_and_stack(start, stack, watch):
    labels = {
        "com.docker.swarm.service.name": f"{stack.run}_worker",
        "com.docker.swarm.task.name": f"{stack.run}_worker.1.abc",
        "com.docker.stack.namespace": stack.run,
    }
    task = start("task", programs.SLEEP, labels=labels)

    def check(frame):
        assert [(s["project"], s["name"], s["replicas"]) for s in services(frame, task)] == [(stack.run, "worker", 1)]

    watch.until(check)


def test_without_labels_a_container_is_a_service_of_its_own_name(start, watch):
    alone = start("alone", programs.SLEEP, labels={})

    def check(frame):
        assert [(s["project"], s["name"]) for s in services(frame, alone)] == [(None, alone.name)]

    watch.until(check)


def test_labels_of_any_length_and_content_break_nothing(start, stack, watch):
    endless = start(
        "endless", programs.SLEEP, labels={f"{COMPOSE}.project": stack.run, f"{COMPOSE}.service": "x" * 10_000}
    )
    hostile = "\x1b[31mred\x07\n[bold]markup[/bold]\u202egnp"
    painted = start(
        "painted",
        programs.SLEEP,
        labels={f"{COMPOSE}.project": hostile, f"{COMPOSE}.service": hostile, "any": "\x1b]0;title\x07"},
    )

    def check(frame):
        assert len(services(frame, endless)) == 1
        for service in services(frame, painted) or [{"name": "\n", "project": "\n"}]:
            assert service["name"].isprintable()
            # The kernel shows a container before the engine says whose it is.
            assert (service["project"] or "\n").isprintable()

    watch.until(check)
    for form in ((), ("--csv",)):
        done = snapshot(*form)
        assert done.returncode == 0, done.stderr
        assert all(character.isprintable() or character == "\n" for character in done.stdout)
        assert "red" in done.stdout
