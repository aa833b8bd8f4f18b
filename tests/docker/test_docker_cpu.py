"""CPU of real containers: use against the quota, throttling, and who is not charged for it."""

from __future__ import annotations

import time

import kernel
import programs
import pytest
from observer import PATIENCE


def test_a_burning_container_uses_its_quota_and_is_throttled(start, watch):
    burner = start("burner", programs.BURN, "--cpus", "0.5")

    def check(instance):
        cpu = instance["cpu"]
        assert cpu["cores"] == pytest.approx(0.5, rel=0.2)
        assert cpu["limit_cores"] == 0.5
        assert cpu["limit_ratio"] == pytest.approx(cpu["cores"] / 0.5)
        assert cpu["throttled_ratio"] > 0.3

    watch.until_instance(burner, check, seconds=40)


def test_cores_add_up_to_the_time_the_kernel_counted(start, watch):
    burner = start("counted", programs.BURN, "--cpus", "0.3")
    watch.until_instance(burner, lambda instance: _is_known(instance["cpu"]["cores"]))
    pid, frames = burner.pid, []
    # From just after one line to just after another, so that both count about the same stretch of time.
    watch.next()
    before, began = kernel.cpu_seconds(pid), time.monotonic()
    while time.monotonic() - began < 6 * min(PATIENCE, 3):
        frame = watch.next()
        frames += [i for s in frame["services"] for i in s["instances"] if i["id"] == burner.id]
    counted = (kernel.cpu_seconds(pid) - before) / (time.monotonic() - began)
    shown = sum(each["cpu"]["cores"] for each in frames) / len(frames)
    assert shown == pytest.approx(counted, rel=0.25)


def _is_known(value):
    assert value is not None


def test_an_idle_container_without_limits_has_no_limit_and_no_throttling(start, watch):
    idle = start("idle", programs.SLEEP)

    def check(instance):
        assert instance["cpu"]["cores"] < 0.05
        assert instance["cpu"]["limit_cores"] is None
        assert instance["cpu"]["limit_ratio"] is None
        assert not instance["cpu"]["throttled_ratio"]

    watch.until_instance(idle, check)


def test_a_containers_processes_are_not_counted_again_as_the_hosts(start, watch):
    many = start("many", programs.SLEEP_30_TIMES)

    def check_container(instance):
        assert instance["pids"] == 31

    watch.until_instance(many, check_container)
    pids = kernel.processes(many.pid)
    assert len(pids) == 31

    def check_host(frame):
        on_host = [i for s in frame["services"] if s["kind"] == "process" for i in s["instances"]]
        assert on_host
        assert not pids & {i["pid"] for i in on_host}
        # They descend from the engine's shim, a host process. A few host processes come and go at any time.
        assert abs(sum(i["pids"] or 0 for i in on_host) - kernel.host_processes()) <= 8

    watch.until(check_host)
