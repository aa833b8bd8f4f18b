"""What happens to real containers: restarts, failed health checks, pauses, coming and going."""

from __future__ import annotations

import programs
from containers import docker
from observer import alerts, instance, services


def test_a_restart_loop_counts_and_keeps_the_exit_code(start, watch):
    looping = start("looping", programs.FAIL_AFTER_A_MOMENT, "--restart", "always")

    def check(instance):
        assert instance["restarts"] >= 2
        assert instance["exit_code"] == 3
        assert instance["state"] in ("restarting", "running")

    first = watch.until_instance(looping, check, seconds=40)

    def check_again(instance):
        assert instance["restarts"] > first["restarts"]

    watch.until_instance(looping, check_again, seconds=40)

    def check_alert(frame):
        (alert,) = alerts(frame, looping)
        assert (alert["rule"], alert["severity"], alert["playbook"]) == ("restart-loop", "critical", "restarts")
        assert alert["says"].endswith("last exit code 3")

    watch.until(check_alert, seconds=40)


def test_exited_with_its_code_and_no_figures_of_a_running_one(start, watch):
    gone = start("gone", "raise SystemExit(3)")

    def check(instance):
        assert instance["state"] == "exited"
        assert instance["exit_code"] == 3
        assert instance["cpu"]["cores"] is None
        assert instance["memory"]["usage_bytes"] is None
        assert not instance["oom_kills"]

    frame = watch.until(lambda frame: check(instance(frame, gone)))
    assert services(frame, gone)[0]["replicas"] == 0


def test_a_failed_health_check_shows(start, watch):
    options = ("--health-interval", "1s", "--health-retries", "1", "--health-timeout", "60s")
    sick = start("sick", programs.SLEEP, "--health-cmd", "echo no; echo database; exit 1", *options)
    well = start("well", programs.SLEEP, "--health-cmd", "true", *options)

    def check(expected):
        def compare(instance):
            assert instance["health"] == expected

        return compare

    assert watch.until_instance(sick, check("unhealthy"))["health_output"] == "no database"
    assert watch.until_instance(well, check("healthy"))["health_output"] is None

    def check_alert(frame):
        (alert,) = alerts(frame, sick)
        assert alert["says"] == "unhealthy: its health check fails: no database"
        assert not alerts(frame, well)

    watch.until(check_alert)


def test_paused_and_continued(start, watch):
    sleeper = start("sleeper", programs.SLEEP)

    def check(expected):
        def compare(instance):
            assert instance["state"] == expected

        return compare

    watch.until_instance(sleeper, check("running"))
    docker("pause", sleeper.id)
    paused = watch.until_instance(sleeper, check("paused"))
    assert paused["memory"]["usage_bytes"] > 0, "a paused container still holds its memory"
    docker("unpause", sleeper.id)
    watch.until_instance(sleeper, check("running"))


def test_a_removed_container_goes_and_its_return_is_a_new_one(start, watch):
    first = start("phoenix", programs.SLEEP)
    watch.until_instance(first, lambda instance: None)
    docker("rm", "-f", first.id)

    def is_gone(frame):
        assert not services(frame, first)

    watch.until(is_gone)
    second = start("phoenix", programs.SLEEP)

    def is_running(instance):
        assert instance["state"] == "running"
        assert instance["cpu"]["cores"] is not None

    watch.until_instance(second, is_running)
