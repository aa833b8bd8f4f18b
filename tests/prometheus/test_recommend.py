"""`mcptop recommend --prometheus` on a real server whose blocks hold a day that is known exactly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from mcptop.fleet.past import MOST_POINTS, observed, step_of
from mcptop.server_settings import PrometheusServer, Secret
from mcptop.sources import prometheus

from .server import Prometheus, Scrape, until

MIB, HOURS, EVERY_S = 1 << 20, 26, 60
Require = Callable[[str, object, str], None]


def samples(name: str, kind: str, labels: str, values: Callable[[float], float | None], end: float) -> Iterator[str]:
    """One series as OpenMetrics has it, a sample a minute; `values` by hours since the begin."""
    family = name.removesuffix("_total") if kind == "counter" else name
    yield f"# TYPE {family} {kind}"
    for tick in range(HOURS * 3600 // EVERY_S):
        value = values(tick * EVERY_S / 3600)
        if value is not None:
            yield f"{name}{{{labels}}} {value} {end - HOURS * 3600 + tick * EVERY_S:.0f}"


def work(hour: float) -> float:
    """Quiet, but for two hours."""
    return 1.0 if 6 <= hour < 8 else 0.0


def cpu_s(hour: float) -> float:
    """A fifth of a core, and twice that while there is work."""
    return 3600 * (0.2 * hour + 0.2 * max(0.0, min(hour, 8.0) - 6.0))


def day(end: float) -> list[str]:
    """A worker of mcptop's exporter that was killed once, and an idle container of cAdvisor without a limit."""
    of = 'project="mcp",service="mcp-worker",kind="container",replica="w-1",instance="h:9477",job="mcptop"'
    series: list[tuple[str, str, str, Callable[[float], float | None]]] = [
        ("mcptop_replica_memory_working_set_bytes", "gauge", of, lambda h: (700 + 218 * work(h)) * MIB),
        ("mcptop_replica_memory_limit_bytes", "gauge", of, lambda h: 1024 * MIB),
        ("mcptop_replica_cpu_usage_seconds_total", "counter", of, cpu_s),
        ("mcptop_replica_cpu_limit_cores", "gauge", of, lambda h: 1.0),
        ("mcptop_replica_cpu_periods_total", "counter", of, lambda h: 36_000 * h),
        ("mcptop_replica_cpu_throttled_periods_total", "counter", of, lambda h: 360 * h),
        ("mcptop_replica_oom_kills_total", "counter", of, lambda h: float(h >= 10)),
    ]
    # One exporter that two jobs scrape.
    for job in ("mcptop", "again"):
        queue = of.replace('job="mcptop"', f'job="{job}"') + ',queue="jobs",queue_kind="queue"'
        series.append(("mcptop_queue_depth", "gauge", queue, lambda h: 250.0))
    idle = ('name="c1",container_label_com_docker_compose_project="mcp",'
            'container_label_com_docker_compose_service="cache",instance="h:8080",job="cadvisor"')  # fmt: skip
    series += [
        ("container_memory_working_set_bytes", "gauge", idle, lambda h: 60.0 * MIB),
        ("container_spec_memory_limit_bytes", "gauge", idle, lambda h: 0.0),
        ("container_cpu_usage_seconds_total", "counter", idle + ',cpu="total"', lambda h: 36 * h),
    ]
    lines = [line for name, kind, labels, values in series for line in samples(name, kind, labels, values, end)]
    return [*lines, "# EOF"]


@pytest.fixture(scope="module")
def past(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A server with that day in it, the end of which is now."""
    require("prometheus", shutil.which("prometheus") and shutil.which("promtool"), "no prometheus, or no promtool")
    text = tmp_path_factory.mktemp("day") / "day.txt"
    text.write_text("\n".join(day(time.time())) + "\n")
    server = Prometheus()
    server.data.mkdir(parents=True)
    made = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(server.data)],
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert made.returncode == 0, made.stderr
    with server:
        yield server


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MCPTOP_")}
    command = [sys.executable, "-m", "mcptop", "recommend", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=clean)


def test_the_last_days_of_a_server(past: Prometheus) -> None:
    done = run("--prometheus", past.url, "--for", "30h", "--json")
    found: dict[str, Any] = {one["service"]: one for one in json.loads(done.stdout)["services"]}
    assert done.returncode == 3, done.stderr
    worker, cache = found["mcp-worker"], found["cache"]
    limit = worker["memory"]["limit"]
    assert (limit["advice"], limit["wanted"], limit["acute"]) == ("raise", 1280 * MIB, True)
    assert worker["memory"]["peak"] == 918 * MIB
    assert worker["oom_kills"] == 1
    assert worker["throttled_ratio"] == pytest.approx(0.01, abs=0.001)
    assert worker["autoscaler"]["signal"] == "queue 250 / 100 each, rounded up = 3"
    assert worker["autoscaler"]["says"].endswith("connections, which is not known from there")
    # Two hours of 26 are 8 %: the p95 is work.
    assert worker["cpu"]["p95"] == pytest.approx(0.4, rel=0.05)
    assert worker["observed_s"] == pytest.approx(26 * 3600, abs=900)
    assert worker["coverage_ratio"] > 0.95
    assert (cache["memory"]["limit"]["current"], cache["memory"]["limit"]["advice"]) == (None, "keep")
    assert "no limit, 128 MiB would do; nothing is lowered or set before a busy" in cache["memory"]["limit"]["because"]
    assert cache["cpu"]["p95"] == pytest.approx(0.01, rel=0.05)


def test_a_short_time_back_is_not_enough(past: Prometheus) -> None:
    done = run("--prometheus", past.url, "--for", "1h", "--service", "mcp-worker", "--json")
    (worker,) = json.loads(done.stdout)["services"]
    assert worker["memory"]["reservation"]["wanted"] is None
    assert worker["memory"]["limit"]["missing"].startswith("not enough data")


def test_a_server_that_is_not_there_is_one_line(past: Prometheus) -> None:
    done = run("--prometheus", "http://user:secret@127.0.0.1:9", "--json")
    assert done.returncode == 5, "as `mcptop snapshot` ends that could not look"
    assert "secret" not in done.stdout + done.stderr
    assert "error" in json.loads(done.stdout)


def test_a_server_that_knows_nothing_is_said_so(require: Require) -> None:
    require("prometheus", shutil.which("prometheus"), "no prometheus")
    with Prometheus() as empty:
        done = run("--prometheus", empty.url)
        assert done.returncode == 5
        assert "has no figures of mcptop's exporters or of cAdvisor" in done.stderr


@pytest.mark.parametrize("days", [1 / 24, 1, 8, 14, 90])
def test_no_question_has_more_points_than_prometheus_answers(days: float) -> None:
    assert days * 86_400 / step_of(days * 86_400) < MOST_POINTS


class Page(BaseHTTPRequestHandler):
    """An exporter of one replica with limits."""

    def do_GET(self) -> None:
        of = '{project="mcp",service="api",kind="container",replica="a-1"}'
        figures = {"memory_working_set_bytes": 300 * MIB, "memory_limit_bytes": 2048 * MIB, "cpu_limit_cores": 2}
        self.send_response(200)
        self.end_headers()
        self.wfile.write("".join(f"mcptop_replica_{name}{of} {value}\n" for name, value in figures.items()).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def test_a_limit_does_not_go_away_with_the_last_scrape(require: Require) -> None:
    """Where a scrape failed a present figure is none, and the peak of the last seconds still is one."""
    require("prometheus", shutil.which("prometheus"), "no prometheus")
    exporter = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    with Prometheus([Scrape(f"127.0.0.1:{exporter.server_port}")]) as server:
        server.until_up()
        exporter.shutdown()
        exporter.server_close()

        def gone() -> None:
            assert not server.query("mcptop_replica_memory_limit_bytes")
            assert server.query("max_over_time(mcptop_replica_memory_working_set_bytes[15s])")

        until(gone)
        client = prometheus.Prometheus(PrometheusServer(url=Secret(server.url)))
        (one,) = observed(client, None, 60.0).services
        client.close()
    (replica,) = one.replicas
    assert (replica.memory_limit, replica.cpu_limit, replica.changes) == (2048 * MIB, 2.0, ())
