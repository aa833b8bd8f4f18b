"""Rules changed and added in the configuration: what they do, and how mistakes in them are told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mcptop import config
from mcptop.alerts import figures, rules
from mcptop.alerts.evaluator import Evaluator
from mcptop.alerts.in_force import keys_of, rule_set
from mcptop.alerts.quantities import duration, quantity, written
from mcptop.config import ConfigError
from mcptop.model.flow import Pool, Queue
from mcptop.model.frame import Frame, Own
from mcptop.model.host import HostPressure, Pressure
from mcptop.model.instance import Cpu, Memory, Network
from mcptop.model.rule import RuleSet
from mcptop.model.swarm import SwarmService
from tests.unit.alerting import GIB, MIB, NOON, Play, by_rule, disk, host, instance, service


@pytest.mark.parametrize(
    ("given", "unit", "found"),
    [
        (0.9, "ratio", 0.9), ("90%", "ratio", 0.9), ("2 MiB/min", "bytes/s", 2 * MIB / 60), 
        ("1%/h", "ratio/s", 0.01 / 3600),
        ("1.5GiB", "bytes", 1.5 * GIB), ("200 MB", "bytes", 2e8), (5, "count", 5.0), ("50ms", "seconds", 0.05),
        ("1h30m", "seconds", 5400.0), (30, "seconds", 30.0), ("0.5", "cores", 0.5), ("-3", "count", -3.0),
        ("100/min", "count/s", 100 / 60), (1.2, "ratio", 1.2), ("250%", "ratio", 2.5), (25, "count", 25.0),
    ],
)  # fmt: skip
def test_quantities(given: float | str, unit: str, found: float):
    assert quantity(given, unit) == pytest.approx(found)


@pytest.mark.parametrize(
    ("given", "unit"),
    [("5m", "ratio"), ("90%", "seconds"), ("2 MiB", "seconds"), ("2 MiB/min", "bytes"), ("", "ratio"), (True, "count"),
     ("nan", "ratio"), (float("nan"), "ratio"), (float("inf"), "count"), ([], "count"), ("1 h x", "seconds")],
)  # fmt: skip
def test_what_is_no_such_quantity(given, unit: str):
    with pytest.raises(ValueError, match=r"^expected a "):
        quantity(given, unit)


def test_durations_are_written_as_they_are_read():
    for text in ("0s", "50ms", "30s", "5m", "1h30m", "2h", "1m30s"):
        assert written(duration(text)) == text


def set_of(text: str, tmp_path: Path) -> RuleSet:
    file = tmp_path / "config.toml"
    file.write_text(text)
    settings = config.load(file, {}, {})
    return rule_set(settings.alerts, settings.alert, "config.toml")


OWN = '[[alert]]\nid = "own"\nfigure = "cpu.limit_ratio"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[alerts.memory-nearlimit]\nwarning = 0.8",
         "alerts.memory-nearlimit: no such rule; nearest: memory-near-limit"),
        ("[alerts.paused]\nwarning = 1",
         "alerts.paused: unknown key `warning`; known are: enabled, severity, for,"),
        ("[alerts.paused]\nseverity = 'grave'",
         "alerts.paused.severity: expected warning or critical, got `grave`"),
        ("[alerts.disk-full]\nseverity = 'warning'", "alerts.disk-full: unknown key `severity`"),
        ("[alerts.disk-full]\nwarning = '2h'",
         "alerts.disk-full.warning: expected a ratio such as 0.9 or `90%`, got `2h`"),
        ("[alerts.disk-full]\nfor = 'soon'", "alerts.disk-full.for: expected a time such as"),
        ("[alerts.disk-full]\nfor = -1", "alerts.disk-full.for: expected"),
        ("[alerts.disk-full]\nwarning = 0.96", "alerts.disk-full: warning 0.96 is above critical 0.95"),
        ("[alerts.disk-full]\nenabled = 'no'", "alerts.disk-full.enabled: expected true or false, got `no`"),
        ("[alerts.disk-full]\nease = 0.2", "alerts.disk-full.ease: expected 0.5 to 1"),
        ("[alerts.disk-full]\ndo = 3", "alerts.disk-full.do: expected a text"),
        ("[alerts]\ndisk-full = 3", "alerts.disk-full: expected a table such as [alerts.disk-full], got `3`"),
        ("[alerts.queue-not-draining]\nstuck = '5%'", "alerts.queue-not-draining.stuck: expected a time"),
        ("[alerts.cpu-throttled]\nwarning = 25",
         "alerts.cpu-throttled.warning: expected a ratio such as 0.9 or `90%`, got `25`"),
        ("[alerts.host-swap]\nno_memory = '5'", "alerts.host-swap.no_memory: expected a ratio such as 0.9 or `90%`"),
        ("[alerts.disk-full]\nwarning = -0.1", "alerts.disk-full.warning: expected 0 or more, got `-0.1`"),
        ("[alerts.close-wait]\nwarning = -5", "alerts.close-wait.warning: expected 0 or more, got `-5`"),
        ("[alerts.host-swap]\nno_memory = '-5%'", "alerts.host-swap.no_memory: expected 0 or more, got `-5%`"),
        (OWN + "above = 80", "alert[0].above.warning: expected a ratio such as 0.9 or `90%`, got `80.0`"),
        (OWN, "alert[0]: expected `above` or `below`"),
        (OWN + "above = 1\nbelow = 2", "alert[0]: expected `above` or `below`"),
        (OWN + "above = '5 MiB'", "alert[0].above.warning: expected a ratio"),
        (OWN + "above = {}", "alert[0].above: expected a warning or critical threshold"),
        (OWN + "above = {warning = 0.9, critical = 0.8}", "alert[0].above: warning 0.9 is above critical 0.8"),
        (OWN + "below = {warning = 0.1, critical = 0.2}", "alert[0].below: warning 0.1 is below critical 0.2"),
        (OWN + "above = 1\nof = 'service'", "alert[0].of: expected one of instance, pool, queue, disk, host"),
        (OWN.replace("cpu.limit_ratio", "cpu.limit_ration") + "above = 1", "nearest: cpu.limit_ratio"),
        (OWN.replace("cpu.limit_ratio", "state") + "above = 1", "alert[0].figure: no `state` of an instance"),
        (OWN.replace('"own"', '"disk-full"') + "above = 1", "alert[0].id: there is a rule `disk-full` already"),
        (OWN.replace('"own"', '"my own"') + "above = 1", "alert[0].id: expected a name without spaces"),
        (OWN + "above = 1\n" + OWN + "above = 1", "alert[1].id: there is a rule `own` already"),
        (OWN + "above = 1\nfor = '5'", "alert[0].for"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_the_key(text: str, says: str, tmp_path: Path):
    if says == "alert[0].for":  # a number in quotes is one of seconds
        assert set_of(text, tmp_path)["own"].for_s == 5
        return
    with pytest.raises(ConfigError) as told:
        set_of(text, tmp_path)
    assert str(told.value).startswith("config.toml: ")
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_unknown_keys_of_own_rules_are_told_with_those_there_are(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"unknown key `abov` .*known are: id, figure, of, above"):
        set_of(OWN + "abov = 1", tmp_path)


def test_a_mistake_is_told_at_the_start_of_a_command(tmp_path: Path):
    file = tmp_path / "own.toml"
    file.write_text("[alerts.unhealty]\nenabled = false\n")
    done = subprocess.run(
        [sys.executable, "-m", "mcptop", "snapshot", "--config", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"mcptop: {file}: alerts.unhealty: no such rule; nearest: unhealthy\n"


def test_without_changes_the_shipped_rules_are_in_force_and_with_them_the_origin_is_known(tmp_path: Path):
    assert set_of("", tmp_path) is rules.SHIPPED
    found = set_of("[alerts.disk-full]\nwarning = '80%'\n", tmp_path)
    assert found["disk-full"].warning == 0.8
    assert found["disk-full"].critical == rules.DISK_FULL.critical
    assert found.origins == {("disk-full", "warning"): "config.toml"}
    assert rules.DISK_FULL.warning == 0.9, "the shipped one is as it was"


def test_every_key_of_every_rule_can_be_set_to_what_it_is(tmp_path: Path):
    for rule in rules.RULES:
        shipped = rules.WRITTEN[rule.id]
        given = {key: shipped[key] for key in keys_of(rule) if key in shipped}
        changed = rule_set({rule.id: given}, (), "f")[rule.id]
        assert all(getattr(changed, name) == getattr(rule, name) for name in rule.__struct_fields__)


def test_a_count_beside_a_rules_threshold_is_no_ratio():
    assert rule_set({"queue-not-draining": {"backlog": 500}}, (), "f")["queue-not-draining"].also["backlog"] == 500


def test_an_own_rule_of_an_instance(tmp_path: Path):
    found = set_of(OWN + "above = {warning = '80%', critical = 0.95}\nfor = '3s'\nservice = 'shop/*pi'", tmp_path)
    play = Play(found)
    busy = instance(cpu=Cpu(0.85, 1.0, 0.85))
    assert not play.run(lambda at: [service(busy)], 3)
    (alert,) = play.tick(service(busy))
    assert (alert.rule, alert.says) == ("own", "cpu.limit_ratio is 85%, at least 80%")
    assert (alert.severity, alert.threshold, alert.unit, alert.instance) == ("warning", 0.8, "ratio", "shop-api-1")
    assert not Play(found).run(lambda at: [service(busy, name="worker")], 10), "of another service"
    assert not Play(found).run(lambda at: [service(instance())], 10), "unknown is no problem"
    assert Play(found).run(lambda at: [service(instance(cpu=Cpu(1.0, 1.0, 1.0)))], 4)[0].severity == "critical"


def test_own_rules_of_everything_else(tmp_path: Path):
    text = """
    [[alert]]
    id = "few-idle"
    of = "pool"
    figure = "idle"
    below = 2
    says = "hardly any left"
    do = "wait"
    playbook = "connection-pool"
    [[alert]]
    id = "old"
    of = "queue"
    figure = "oldest_age_s"
    above = "5s"
    [[alert]]
    id = "no-room"
    of = "disk"
    figure = "available_bytes"
    below = {critical = "50 GiB"}
    [[alert]]
    id = "cpu-waits"
    of = "host"
    figure = "pressure.cpu.some_avg10"
    above = 0.2
    """
    play = Play(set_of(text, tmp_path))
    flows = {"pools": (Pool("db", idle=1, max=5),), "queues": (Queue("jobs", depth=1, oldest_age_s=7.0),)}
    machine = host(disks=(disk(0.6),), pressure=HostPressure(Pressure(0.3), None, None))
    found = by_rule(play.tick(service(**flows), host=machine))
    assert {rule: alert.says for rule, alert in found.items()} == {
        "few-idle": "db pool: hardly any left: idle is 1",
        "old": "jobs queue: oldest_age_s is 7.0 s, at least 5.0 s",
        "no-room": "/data available_bytes is 40 GiB, at most 50 GiB",
        "cpu-waits": "pressure.cpu.some_avg10 is 30%, at least 20%",
    }
    assert (found["few-idle"].do, found["few-idle"].playbook) == ("wait", "connection-pool")
    assert play.alerts[0].rule == "no-room", "the critical one"


def test_below_ends_only_well_above(tmp_path: Path):
    text = '[[alert]]\nid = "low"\nof = "host"\nfigure = "memory_available_bytes"\nbelow = "1 GiB"\nease = 0.8\n'
    play = Play(set_of(text, tmp_path))
    for mib, fires in ((1100, False), (1000, True), (1200, True), (1300, False)):
        for _ in range(8):
            play.tick(host=host(memory_available_bytes=mib * MIB))
        assert bool(play.alerts) is fires, mib


def test_figures_are_the_numbers_of_the_snapshot():
    assert {"cpu.limit_ratio", "memory.working_set_bytes", "fds.open", "restarts"} <= set(figures.names("instance"))
    assert not {"name", "state", "network.interfaces", "asked_to_stop", "started_at"} & set(figures.names("instance"))
    assert "pressure.io.full_avg10" in figures.names("host")
    assert not {"disks.used_ratio", "network.interfaces.rx_bytes_per_s"} & {*figures.names("host")}, "of many"
    one = instance(memory=Memory(working_set_bytes=5), network=Network(rx_bytes_per_s=1.0))
    assert figures.reader("memory.working_set_bytes")(one) == 5
    assert figures.reader("sockets.close_wait")(one) is None
    assert {name: figures.unit(name) for name in ("memory.trend_bytes_per_s", "wait_s", "in_per_s", "cpu.cores")} == {
        "memory.trend_bytes_per_s": "bytes/s", "wait_s": "seconds", "in_per_s": "count/s", "cpu.cores": "cores",
    }  # fmt: skip


def test_how_many_replicas_and_kills_it_takes_is_as_set(tmp_path: Path):
    in_force = set_of("[alerts.replicas-missing]\nwarning = 2\n[alerts.oom-kill]\nwarning = 3\n", tmp_path)
    play = Play(in_force)
    play.tick(service(instance(oom_kills=0)))
    two = service(instance(oom_kills=2), swarm=SwarmService("i", "web", "replicated", 3, 2))
    assert not play.run(lambda _: [two], 90)
    assert not play.pending
    three = service(instance(oom_kills=3), swarm=SwarmService("i", "web", "replicated", 3, 1))
    assert set(by_rule(play.run(lambda _: [three], 90))) == {"replicas-missing", "oom-kill"}


def test_that_it_restarts_is_told_where_the_loop_is_not(tmp_path: Path):
    play = Play(set_of("[alerts.restart-loop]\nenabled = false\n", tmp_path))
    for number in range(5):
        play.tick(service(instance(restarts=number)))
    found = play.run(lambda _: [service(instance(restarts=4, state="restarting"))], 20)
    assert [alert.rule for alert in found] == ["restarting"]


def test_own_rules_are_about_every_machine_of_a_fleet(tmp_path: Path):
    in_force = set_of('[[alert]]\nid = "own"\nof = "host"\nfigure = "load_1m"\nabove = 4\n', tmp_path)
    busy, calm, late = (host(name=name, load_1m=load) for name, load in (("a", 9.0), ("b", 1.0), ("c", 5.0)))
    frame = Frame(1, NOON, None, (), (), (), Own(), 1.0, monotonic=1.0, hosts=(busy, calm, late))
    found = Evaluator(rules_in_force=in_force).alerts(frame)
    assert {(alert.service, alert.subject) for alert in found} == {("a", "host:a"), ("c", "host:c")}
