"""Host processes: who owns them, how they form instances, and the races of a live /proc."""

from pathlib import Path

import pytest

from mcptop.collectors.base import Findings, Tick
from mcptop.collectors.processes import ProcessCollector
from mcptop.config import ServiceRule
from mcptop.sources import process_files
from mcptop.sources.process_table import ProcessTable

from .fixtures import FakeProc


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    return FakeProc(tmp_path)


class Looker:
    """A collector on a fake /proc, ticked by hand."""

    def __init__(self, proc: FakeProc, *rules: ServiceRule) -> None:
        self.table = ProcessTable(proc.roots)
        self.collector = ProcessCollector(proc.roots, self.table, rules)
        self.number = 0

    def look(self) -> Findings:
        self.number += 1
        return self.collector.collect(Tick(self.number, float(self.number)))


def services(found: Findings) -> dict[str, list[int | None]]:
    grouped: dict[str, list[int | None]] = {}
    for target in found.targets:
        grouped.setdefault(target.service, []).append(target.pid)
    return grouped


def test_announced_names_go_before_rules_units_and_programs(proc: FakeProc) -> None:
    announced = "HOME=/ MCPTOP_PROJECT=shop MCPTOP_SERVICE=api MCPTOP_METRICS=http://127.0.0.1:1/metrics"
    proc.process(10, environ=announced, cgroup="0::/system.slice/x.service")
    proc.process(11, comm="nginx", cgroup="0::/system.slice/web.service")
    proc.process(12, comm="redis-server", cmdline="redis-server *:6379")
    proc.process(13, comm="cache", cmdline="/opt/cache --port 1")
    found = Looker(proc, ServiceRule(name="store", project="shop", process="cache")).look()
    assert services(found) == {"api": [10], "web": [11], "redis-server": [12], "store": [13]}
    target = next(t for t in found.targets if t.pid == 10)
    assert (target.project, target.metrics_url) == ("shop", "http://127.0.0.1:1/metrics")


def test_workers_belong_to_their_servers_instance(proc: FakeProc) -> None:
    proc.process(10, comm="gunicorn", cpu_ticks=0)
    proc.process(11, comm="gunicorn", ppid=10)
    proc.process(12, comm="gunicorn", ppid=11)
    proc.process(20, comm="gunicorn")
    found = Looker(proc).look()
    assert services(found) == {"gunicorn": [10, 20]}
    assert found.readings["10-100"].pids == 3
    assert found.readings["10-100"].memory_usage_bytes == 3 * 1000 * process_files.PAGE_SIZE


def test_cpu_time_of_an_ended_worker_stays_counted(proc: FakeProc) -> None:
    proc.process(10, comm="app")
    proc.process(11, comm="app", ppid=10, cpu_ticks=100)
    looker = Looker(proc)
    before = looker.look().readings["10-100"].cpu_usage_s
    proc.process(11, comm="app", ppid=10, cpu_ticks=300)
    looker.look()
    proc.end(11)
    for _ in range(6):
        after = looker.look().readings["10-100"].cpu_usage_s
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(200 / process_files.TICKS_PER_S)


def test_what_a_new_worker_used_counts_from_its_start(proc: FakeProc) -> None:
    proc.process(10, comm="app")
    looker = Looker(proc)
    before = looker.look().readings["10-100"].cpu_usage_s
    proc.process(11, comm="app", ppid=10, start=200, cpu_ticks=50)
    for _ in range(6):
        after = looker.look().readings["10-100"].cpu_usage_s
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(50 / process_files.TICKS_PER_S)


def test_a_process_seen_between_fork_and_exec_is_named_again(proc: FakeProc) -> None:
    proc.process(10, comm="sh", cmdline="sh")
    looker = Looker(proc)
    assert services(looker.look()) == {"sh": [10]}
    proc.process(10, comm="postgres", cmdline="postgres -D /data", environ="MCPTOP_SERVICE=db")
    assert services(looker.look()) == {"db": [10]}


def test_kernel_threads_and_containers_processes_are_left_out(proc: FakeProc) -> None:
    proc.process(10, comm="app")
    proc.process(11, comm="in-container", cgroup=f"0::/docker/{'ab' * 32}")
    proc.process(12, comm="kworker/0:1")
    stat = proc.path / "12" / "stat"
    stat.write_text(stat.read_text().replace(" 4194304 ", " 2129984 "))
    looker = Looker(proc)
    assert services(looker.look()) == {"app": [10]}
    assert set(looker.table.containers()) == {"ab" * 32}


def test_hostile_names_become_harmless(proc: FakeProc) -> None:
    proc.process(10, comm="x) S (y", environ="MCPTOP_SERVICE=\x1b[31mred[bold]" + "a" * 10_000)
    target = Looker(proc).look().targets[0]
    assert len(target.service) == 200
    assert target.service.isprintable()


def test_names_with_parentheses_do_not_shift_the_fields() -> None:
    parsed = process_files.process_stat(b"7 (a) R (b) S 3 0 0 0 0 0 0 0 0 0 5 5 0 0 20 0 4 0 99 0 10 0")
    assert parsed is not None
    assert (parsed.comm, parsed.state, parsed.ppid, parsed.threads, parsed.start_ticks) == ("a) R (b", "S", 3, 4, 99)


@pytest.mark.parametrize(
    ("comm", "cmdline", "expected"),
    [
        ("python3", b"/usr/bin/python3\0-u\0/srv/worker.py\0--x\0", "worker.py"),
        ("python3", b"python3\0-m\0uvicorn\0app:app\0", "uvicorn"),
        ("python3", b"python3\0-c\0print(1)\0", "python3"),
        ("very-long-progr", b"/opt/very-long-program-name\0", "very-long-program-name"),
        ("nginx", b"nginx: worker process\0", "nginx"),
        ("bash", b"-bash\0", "bash"),
        ("kthing", b"", "kthing"),
    ],
)
def test_programs_are_called_what_people_call_them(comm: str, cmdline: bytes, expected: str) -> None:
    assert process_files.program(comm, cmdline) == expected


def test_only_our_names_are_read_from_an_environment() -> None:
    found = process_files.announced(
        b"SECRET=1\0MCPTOP_SERVICE=api\0MCPTOP_TOKEN=x\0MCPTOP_PROJECT=shop\0XMCPTOP_METRICS=y\0"
    )
    assert found == {"MCPTOP_SERVICE": "api", "MCPTOP_PROJECT": "shop"}


def test_a_zombie_belongs_to_who_has_to_wait_for_it(proc: FakeProc) -> None:
    """It has neither environment nor command line left."""
    proc.process(10, comm="worker", cmdline="worker", environ="MCPTOP_SERVICE=worker")
    proc.process(11, comm="convert", ppid=10)
    proc.process(20, comm="shell", cmdline="shell")
    proc.process(21, comm="helper", ppid=20)
    found = Looker(proc).look()
    assert services(found) == {"worker": [10], "shell": [20], "helper": [21]}
    assert found.readings["10-100"].threads == 2
