"""What is a level has to last before it fires; what is a fact does not; and a recording says the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from mcptop.alerts import rules
from mcptop.alerts.in_force import rule_set
from mcptop.model.alert import State
from mcptop.model.host import HostPressure, Pressure
from mcptop.model.instance import Cpu, FileDescriptors
from mcptop.model.playbook import Severity
from mcptop.model.rule import RuleSet
from mcptop.model.swarm import SwarmService, TaskTrouble
from mcptop.monitor import Monitor
from mcptop.playback import Playback
from mcptop.presentation import runs, strip
from mcptop.presentation.problems import of_frame
from mcptop.recording.reader import Reader
from mcptop.recording.writer import Writer
from tests.unit.alerting import NOON, Play, by_rule, host, instance, service, using
from tests.unit.recorded import Script, ticks, write

LEVELS = {
    "memory-near-limit": service(using(470, 512)),
    "cpu-throttled": service(instance(cpu=Cpu(0.3, 0.5, 0.6, 0.5))),
    "cpu-at-quota": service(instance(cpu=Cpu(0.49, 0.5, 0.98, 0.05))),
    "fds-near-limit": service(instance(fds=FileDescriptors(85, 100, 0.85))),
}


@pytest.mark.parametrize("rule", LEVELS)
def test_a_level_is_pending_until_it_has_lasted(rule: str):
    play, lasts = Play(), rules.BY_ID[rule].for_s
    assert lasts >= 20
    for second in range(int(lasts) + 3):
        play.tick(LEVELS[rule])
        (alert,) = (*play.alerts, *play.pending)
        assert (alert.rule, alert.for_s) == (rule, lasts)
        assert alert.state is (State.FIRING if second >= lasts else State.PENDING), second
        assert bool(play.alerts) is (alert.state is State.FIRING)
        assert alert.since == NOON + timedelta(seconds=1), "when it began to hold"


def test_what_does_not_last_never_fires_and_begins_anew():
    play = Play()
    play.run(lambda at: [LEVELS["fds-near-limit"]], 25)
    assert not play.run(lambda at: [service()], 10)
    assert not play.pending
    assert not play.run(lambda at: [LEVELS["fds-near-limit"]], 25)
    assert play.run(lambda at: [LEVELS["fds-near-limit"]], 6)


def test_a_gap_of_some_seconds_does_not_begin_it_anew():
    play = Play()
    play.run(lambda at: [service() if at % 10 > 7 else LEVELS["fds-near-limit"]], 32)
    assert by_rule(play.alerts)["fds-near-limit"].since == NOON + timedelta(seconds=1)


def test_before_it_fires_a_level_has_to_be_reached_not_only_to_stay_near():
    play = Play()
    play.tick(service(using(462, 512)))
    assert not play.run(lambda at: [service(using(456, 512))], 60), "below the threshold it began at"
    assert not play.pending


def test_critical_facts_fire_at_once_and_the_limit_that_is_near_by_trend():
    play = Play()
    assert play.tick(service(using(500, 512)))[0].severity is Severity.CRITICAL
    leaking = Play()
    for at in range(400):
        alerts = leaking.tick(
            service(using(765 + 4.8 * (at // 5 * 5) / 60, 1024, started_at=NOON - timedelta(hours=1)))
        )
        if near := by_rule(alerts).get("memory-near-limit"):
            assert near.since == leaking.at, "in the very frame"
            return
    pytest.fail("it never was near")


def test_what_was_a_warning_is_critical_as_soon_as_that_has_lasted():
    def pressed(io: float):
        return host(pressure=HostPressure(None, None, Pressure(io, io)))

    play = Play()
    for _ in range(31):
        play.tick(host=pressed(0.5))
    assert play.alerts[0].severity is Severity.WARNING
    levels = [play.tick(host=pressed(0.9))[0].severity for _ in range(12)]
    assert levels == [Severity.WARNING] * 10 + [Severity.CRITICAL] * 2
    assert {alert.since for alert in play.alerts} == {NOON + timedelta(seconds=1)}
    early = Play()
    seen = [early.tick(host=pressed(0.9)) for _ in range(12)]
    assert [bool(alerts) for alerts in seen] == [False] * 10 + [True] * 2
    assert early.alerts[0].severity is Severity.CRITICAL


def test_once_it_fired_it_fires_until_it_ends():
    play = Play()
    play.tick(service(using(500, 512)))
    play.run(lambda at: [service(using(470, 512))], 8)
    assert (play.alerts[0].severity, play.pending) == (Severity.WARNING, ())


def changed(**tables: dict) -> RuleSet:
    return rule_set({name.replace("_", "-"): table for name, table in tables.items()}, (), "f.toml")


def test_the_rules_in_force_are_those_of_the_settings():
    assert not Play(changed(unhealthy={"enabled": False})).tick(service(instance(health="unhealthy")))
    play = Play(changed(memory_near_limit={"warning": 0.5, "for": "0s", "kept_warning": 0.3}))
    (alert,) = play.tick(service(using(280, 512)))
    assert (alert.rule, alert.threshold) == ("memory-near-limit", 0.5)
    slow = Play(changed(unhealthy={"for": "10s"}))
    ill = service(instance(health="unhealthy"))
    assert not slow.run(lambda at: [ill], 10)
    assert [each.severity for each in slow.pending] == [Severity.CRITICAL]
    assert [each.severity for each in slow.tick(ill)] == [Severity.CRITICAL]
    restarts = Play(changed(restart_loop={"critical": 2}))
    for count in (0, 1, 2):
        restarts.tick(service(instance(restarts=count)), seconds=10)
    assert [each.rule for each in restarts.alerts] == ["restart-loop"]


def test_a_recording_is_judged_as_it_was_live(tmp_path: Path):
    made = list(ticks(180))
    rules_in_force = changed(cpu_throttled={"for": "10s"}, memory_leak={"warning": "1 MiB/min"})
    path = tmp_path / "day.mcptop"
    monitor = Monitor(Script(made), 1.0, Writer(path, 1.0), rules=rules_in_force)
    live = [monitor.step() for _ in made]
    monitor.tape.close()  # type: ignore[union-attr]
    reader = Reader(path)
    playback = Playback(reader, rules_in_force)
    frames = [playback.frame(index) for index in range(len(made))]
    reader.close()
    told = [([*map(_plainly, one.alerts)], [*map(_plainly, one.pending)]) for one in live]
    assert [([*map(_plainly, one.alerts)], [*map(_plainly, one.pending)]) for one in frames if one] == told
    assert any(alerts for alerts, _ in told)
    assert any(pending for _, pending in told)


@pytest.mark.parametrize(
    ("tables", "fires"),
    [
        ({"cpu_throttled": {"for": "25m"}}, True),
        ({"restart_loop": {"critical": 1, "window": "40m", "calm": "40m"}}, True),
        ({"oom_kill": {"recent": "25m"}}, False),
    ],
)
def test_after_a_jump_fires_what_fired_live_however_long_a_rule_looks_back(tables: dict, fires: bool, tmp_path: Path):
    rules_in_force, (rule,) = changed(**tables), [name.replace("_", "-") for name in tables]
    made = list(ticks(400, 5.0))  # half an hour, and what happens is over after seven minutes
    monitor = Monitor(Script(made), 5.0, rules=rules_in_force)
    live = [monitor.step() for _ in made][-1]
    reader = Reader(write(tmp_path / "day.mcptop", made, interval_s=5.0))
    jumped = Playback(reader, rules_in_force).frame(len(made) - 1)
    reader.close()
    assert jumped is not None
    assert (rule in by_rule(live.alerts)) is fires
    assert (rule in by_rule(jumped.alerts)) is fires


def test_how_long_it_holds_is_said_to_be_at_least_that_where_nobody_looked_before(tmp_path: Path):
    made = list(ticks(400, 5.0))
    reader = Reader(write(tmp_path / "day.mcptop", made, interval_s=5.0))
    playback = Playback(reader)
    jumped, begun = playback.frame(len(made) - 1), playback.frame(60)
    reader.close()
    assert jumped is not None
    assert begun is not None
    told = {each.says: each for each in of_frame(jumped, ())}
    held_back = next(each for says, each in told.items() if "held it back" in says)
    assert held_back.is_older, "since the first tick of all"
    assert "≥20 min" in "".join(runs.text_of(line) for line, _ in strip.lines([held_back], jumped.at, 160, 3))
    assert not all(each.is_older for each in told.values()), "of what began later one knows"
    assert begun.alerts
    assert not any(each.is_older for each in of_frame(begun, ())), "from the beginning on"


def test_how_long_rules_look_back_is_bounded_and_only_what_is_on_counts():
    assert changed().looks_back_s == 900
    assert changed(disk_full={"for": "2h"}).looks_back_s == 7200
    assert changed(disk_full={"for": "2h", "enabled": False}).looks_back_s == 900
    assert changed(disk_filling={"full_in": "3h"}).looks_back_s == 900, "that is about the future"


def _plainly(alert) -> tuple[object, ...]:
    # Times are kept in milliseconds.
    since = alert.since.replace(microsecond=alert.since.microsecond // 1000 * 1000)
    return tuple(getattr(replace(alert, since=since), name) for name in alert.__struct_fields__)


def test_what_was_critical_for_a_moment_becomes_no_critical_alert_while_it_is_better():
    trouble = (TaskTrouble("web.1", "failed", "exit 1"),)
    none, one = (SwarmService("i", "web", "replicated", 3, run, troubles=trouble) for run in (0, 1))
    play = Play()
    play.tick(service(swarm=none))
    for _ in range(14):  # longer than it takes to fire, and not yet forgotten
        play.tick(service(swarm=one))
        assert all(alert.severity is Severity.WARNING for alert in play.alerts)
    assert by_rule(play.alerts)["replicas-missing"].says.startswith("1 of 3 replicas run")
