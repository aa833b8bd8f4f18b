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


def test_a_containers_work_is_not_counted_again_as_a_host_process(start, watch):
    burner = start("once", programs.BURN, "--cpus", "0.5")
    watch.until_instance(burner, lambda instance: _is_known(instance["cpu"]["cores"]))
    pids = kernel.processes(burner.pid)

    def check(frame):
        on_host = [s for s in frame["services"] if s["kind"] == "process"]
        assert on_host
        assert not pids & {i["pid"] for s in on_host for i in s["instances"]}
        # The container's processes descend from the engine's; they are not the engine's work.
        engine = [i for s in on_host if s["name"].startswith(("containerd", "docker")) for i in s["instances"]]
        assert engine
        assert sum(i["cpu"]["cores"] or 0 for i in engine) < 0.3

    watch.until(check)
