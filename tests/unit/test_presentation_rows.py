"""Rows: groups, order, folds, totals, and what unknown looks like."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from mcptop import units
from mcptop.alerts.in_force import rule_set
from mcptop.model.frame import EMPTY, Frame, NoSeries, Own, Service
from mcptop.model.instance import Cpu, FileDescriptors, Instance, Memory, Sockets
from mcptop.model.value import Kind
from mcptop.presentation import cells, figures, problems, rows, runs, severity, sheet
from mcptop.presentation.columns import SERVICES
from mcptop.presentation.filter import parse
from mcptop.presentation.judgement import Judgement, Level
from mcptop.presentation.row import Depth, Folds, View
from mcptop.presentation.sheet import ON_REQUEST, Moment
from tests.unit.alerting import lasting

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MIB = 1 << 20


def instance(
    name: str = "a", cores: float | None = 0.5, used: int | None = 100, limit: int | None = None, **more
) -> Instance:
    ratio = used / limit if used is not None and limit else None
    memory = Memory(working_set_bytes=used, limit_bytes=limit, limit_ratio=ratio)
    return Instance(**({"id": name, "name": name, "cpu": Cpu(cores), "memory": memory} | more))


def service(name: str, *instances: Instance, project: str | None = "shop", kind: Kind = Kind.CONTAINER) -> Service:
    return Service(project, name, kind, len(instances), instances)


def frame(*services: Service) -> Frame:
    made = Frame(1, NOON, None, (), services, (), Own(), 1.0)
    return replace(made, alerts=lasting(made))


def judged(one: Instance) -> Judgement:
    """Of an instance that is the only one of its service."""
    (row,) = rows.of_services(frame(service("api", one)))
    return row.judgement


def shown(view: View, *services: Service) -> list[tuple[int, str]]:
    return [(int(row.depth), row.name) for row in rows.build(rows.of_services(frame(*services)), view)]


def test_projects_come_first_and_host_processes_are_folded():
    services = (
        service("sshd", instance("s"), project=None, kind=Kind.PROCESS),
        service("lonely", instance("l"), project=None),
        service("api", instance("a"), project="zoo"),
        service("web", instance("w")),
    )
    assert shown(View(), *services) == [
        (0, "shop"), (1, "web"), (0, "zoo"), (1, "api"), (0, "containers"), (1, "lonely"), (0, "host processes"),
    ]  # fmt: skip


def test_instances_are_shown_when_there_are_several_or_when_unfolded():
    two = service("api", instance("shop-api-1"), instance("shop-api-2"))
    one = service("web", instance("shop-web-1"))
    assert [name for depth, name in shown(View(), two, one) if depth == Depth.INSTANCE] == ["api-1", "api-2"]
    folds = Folds().turned(two.key, False).turned(one.key, True)
    assert [name for depth, name in shown(View(folds=folds), two, one) if depth == Depth.INSTANCE] == ["web-1"]
    assert folds.turned(two.key, True).is_open(two.key, default=False)


def test_a_filter_opens_what_it_finds():
    hidden = service("sshd", instance("s", cores=0.9), project=None, kind=Kind.PROCESS)
    view = View(filter=parse("cpu>50"))
    assert shown(view, hidden, service("web", instance("w"))) == [(0, "host processes"), (1, "sshd")]


def test_sorting_leaves_the_unknown_at_the_end_in_both_directions():
    services = [service(name, instance(name, cores)) for name, cores in (("a", None), ("b", 0.1), ("c", 0.9))]
    by_cpu = SERVICES.column("cpu").sort
    for descending, order in ((True, "cba"), (False, "bca")):
        names = [name for depth, name in shown(View(by_cpu, descending), *services) if depth == Depth.SERVICE]
        assert "".join(names) == order


def test_a_total_counts_what_is_known_and_is_unknown_when_nothing_is():
    whole = figures.total([figures.of_instance(one) for one in (instance(cores=0.5), instance(cores=None))])
    assert whole.cores == 0.5
    assert whole.established is None
    assert whole.memory_limit is None
    none = figures.total([figures.of_instance(instance(cores=None)) for _ in range(2)])
    assert none.cores is None
    assert figures.total([]) is figures.NOTHING


def test_a_limit_of_the_whole_needs_all_limits_and_the_worst_share_is_kept():
    parts = [figures.of_instance(one) for one in (instance(used=90, limit=100), instance(used=10, limit=100))]
    whole = figures.total(parts)
    assert (whole.memory_limit, whole.memory_ratio, whole.memory_worst) == (200, 0.5, 0.9)
    assert figures.total([*parts, figures.of_instance(instance())]).memory_limit is None


@pytest.mark.parametrize(
    ("one", "level", "word"),
    [
        (instance(), Level.OK, None),
        (instance(health="unhealthy"), Level.CRITICAL, "health check"),
        (instance(state="restarting", exit_code=1), Level.WARNING, "exit code 1"),
        (instance(state="restarting", exit_code=1, restarts=3), Level.CRITICAL, "3 restarts so far"),
        (instance(state="exited", exit_code=0, health="unhealthy"), Level.UNKNOWN, None),
        (instance(state="exited", exit_code=1), Level.CRITICAL, "code 1"),
        (instance(state="dead"), Level.CRITICAL, "dead"),
        (instance(state="paused"), Level.WARNING, "paused"),
        (instance(oom_kills=2), Level.WARNING, "2 times"),
        (instance(used=90, limit=100), Level.WARNING, "90%"),
        (instance(used=97, limit=100), Level.CRITICAL, "97%"),
        (instance(cpu=Cpu(0.5, 0.5, 1.0, 0.25)), Level.WARNING, "25%"),
        (instance(fds=FileDescriptors(80, 100, 0.8)), Level.WARNING, "80%"),
        (instance(sockets=Sockets(close_wait=5)), Level.WARNING, "CLOSE_WAIT"),
        (instance(cores=None, used=None), Level.UNKNOWN, "no numbers"),
    ],
)
def test_judgement_of_an_instance(one, level, word):
    judgement = judged(one)
    assert judgement.level is level
    assert (word in " ".join(judgement.reasons)) if word else not judgement.reasons


def test_what_was_asked_to_stop_is_stopped_not_broken():
    for code in (0, 143, None):
        judgement = judged(instance(state="exited", exit_code=code))
        assert (judgement.level, judgement.symbol) == (Level.UNKNOWN, "○")


def test_a_service_is_as_bad_as_its_worst_instance_and_says_which():
    one = service("api", instance("shop-api-1"), instance("shop-api-2", health="unhealthy"))
    of_all, *parts = (row.judgement for row in rows.build(rows.of_services(frame(one)), View())[1:])
    assert of_all.level is Level.CRITICAL
    assert of_all.reasons[0].startswith("api-2 unhealthy")
    assert [part.level for part in parts] == [Level.OK, Level.CRITICAL]
    assert not severity.of_service(service("api")).level.value > Level.UNKNOWN


def test_problems_are_ranked():
    services = (
        service("a", instance("a", state="paused")),
        service("b", instance("b", health="unhealthy")),
        service("c", instance("c")),
    )
    made = frame(*services)
    assert [trouble.name for trouble in problems.of_frame(made, rows.of_services(made))] == ["b", "a"]
    assert problems.of_frame(EMPTY, []) == []


@pytest.mark.parametrize("width", [*range(18, 130), 160, 199, 200, 300])
def test_no_line_is_wider_than_the_table(width):
    odd = service("数据" * 40, instance("shop-x-1", 123.4, 10**15, 10**16), instance("y" * 300, None, None))
    placed = SERVICES.place(width)
    moment = Moment(NOON, NoSeries())
    expected = 1 + sum(item.width + 1 for item in placed)
    assert expected <= width
    for row in rows.build(rows.of_services(frame(odd)), View()):
        # The margin for the cursor is the table's own.
        assert runs.width(sheet.line(row, placed, moment)) + 1 == expected
    assert runs.width(sheet.heading(placed, "cpu", True)) == expected


def test_the_promised_columns_are_there():
    at_80, at_120, at_200 = ({item.column.id for item in SERVICES.place(width)} for width in (79, 119, 199))
    assert {"name", "cpu", "memory", "trend", "pool", "queue", "restarts", "state"} <= at_80
    assert {"throttled", "net", "sockets", "fds", "pids"} <= at_120 - at_80
    assert at_200 == {column.id for column in SERVICES.columns if column.fits != ON_REQUEST}


def test_unknown_is_a_dash_in_every_column_of_figures():
    empty = rows.of_services(frame(service("x", instance("x", None, None))))[0]
    moment = Moment(NOON, NoSeries())
    every = SERVICES.chosen([column.id for column in SERVICES.columns])
    for item in every.place(1000):
        if item.column.id not in ("name", "replicas", "state", "pressure", "project"):
            assert runs.text_of(item.column.cell(empty, item.width, moment)).strip() == "-", item.column.id


def test_growth_is_red_when_the_limit_is_within_the_hour():
    memory = Memory(working_set_bytes=900 * MIB, limit_bytes=1000 * MIB, limit_ratio=0.9, trend_bytes_per_s=MIB / 20)
    row = rows.of_services(frame(service("x", instance("x", memory=memory))))[0]
    assert cells.trend(row) == "+180M"
    assert cells.trend_style(row) == "critical"


def test_no_figure_is_coloured_by_a_rule_that_is_off():
    bad = instance(
        used=99, limit=100, fds=FileDescriptors(99, 100, 0.99), sockets=Sockets(3, 7), cpu=Cpu(0.5, 0.5, 1.0, 0.9)
    )
    made = frame(service("api", bad))
    moment = Moment(NOON, NoSeries(), 1, True)
    off = {id: {"enabled": False} for id in ("memory-near-limit", "fds-near-limit", "close-wait", "cpu-throttled")}
    for in_force in (None, rule_set(off, (), "f")):
        (row,) = rows.of_services(replace(made, alerts=(), rules=in_force))
        for name in ("memory", "fds", "sockets", "throttled"):
            column = next(each for each in SERVICES.columns if each.id == name)
            loud = [style for _, style in column.cell(row, 24, moment) if "warning" in style or "critical" in style]
            assert bool(loud) is (in_force is None), (name, loud)


def test_kills_for_lack_of_memory_are_readable_however_many_restarts_there_were():
    def said(restarts, kills, width):
        killed = instance("x", restarts=restarts, oom_kills=kills)
        row = rows.of_services(frame(service("x", killed)))[0]
        return runs.text_of(cells.restarts(row, width, Moment(NOON, NoSeries())))

    assert (said(2, 0, 4), said(1, 1, 4)) == ("   2", "1/1!")
    assert said(8, 10, 4) == " 10!"
    assert said(8, 10, 6) == " 8/10!"


def test_host_processes_alone_are_not_folded():
    sshd = service("sshd", instance("s"), project=None, kind=Kind.PROCESS)
    assert shown(View(), sshd) == [(0, "host processes"), (1, "sshd")]


def test_a_sparkline_in_a_row_is_the_one_of_units():
    values = [None, -1.0, 0.0, 0.1, 0.49, 0.5, 0.99, 1.0, 2.0]
    assert cells.spark(values, 9, 1.0) == units.sparkline(values, 1.0)
    assert cells.spark([0.5], 4, None) == "   " + units.sparkline([0.5], 1.0)
