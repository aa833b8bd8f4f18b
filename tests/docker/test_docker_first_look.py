"""The dashboard's own source, begun beside containers that have a past: nothing of it happened just now."""

from __future__ import annotations

import time

import programs
import pytest
from containers import docker
from observer import PATIENCE

from mcptop.config import Settings
from mcptop.live import LiveSource
from mcptop.model.frame import Frame
from mcptop.model.instance import Instance
from mcptop.model.playbook import Severity
from mcptop.monitor import Monitor


def part(frame: Frame, identity: str) -> Instance | None:
    return next((one for service in frame.services for one in service.instances if one.id == identity), None)


def until(look, holds):
    """Look until it holds; all that was seen."""
    deadline, seen = time.monotonic() + 40 * PATIENCE, []
    while not (seen and holds(seen[-1])):
        assert time.monotonic() < deadline, seen[-1]
        seen.append(look())
        time.sleep(0.1)
    return seen


@pytest.mark.parametrize("ends", [False, True], ids=["running", "stopped"])
def test_what_happened_before_the_first_look_is_no_event(start, ends):
    options = (
        "--restart",
        "on-failure",
        "--memory",
        "64m",
        "--memory-swap",
        "64m",
        "--cpus",
        "0.5",
        "--pids-limit",
        "50",
    )
    old = start("old", programs.FAIL_TWICE_THEN_STAY, *options)

    def restarts() -> tuple[int, str]:
        count, state = docker("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", old.id).split()
        return int(count), state

    until(restarts, lambda told: told == (2, "running"))
    # The third run has its kill behind it as well, where the kernel lets one look.

    def runs() -> str:
        try:
            return docker("exec", old.id, "python3", "-c", "print(len(open('/var/tmp/runs').read()))")
        except RuntimeError:  # between two runs nobody can be asked
            return ""

    until(runs, bool)
    if ends:
        docker("kill", old.id)
    # As the dashboard begins: a list by the glance, some ticks, and only then the engine is asked about each.
    source = LiveSource(Settings(scrape=False), hold_engine_s=1.0)
    monitor = Monitor(source)
    try:
        seen = until(monitor.step, lambda frame: (one := part(frame, old.id)) and one.restarts == 2)
        seen += [monitor.step() for _ in range(3)]
    finally:
        source.close()
    firsts = [one for frame in seen if (one := part(frame, old.id))]
    assert firsts[0].restarts is None, "the list alone was not seen"
    assert [(event.kind, event.says) for event in seen[-1].events if event.instance == old.id] == []
    kills = [alert for alert in seen[-1].alerts if alert.subject == old.id and alert.rule == "oom-kill"]
    assert all(alert.severity is Severity.WARNING for alert in kills)
