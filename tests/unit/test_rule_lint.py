"""Rules that promtool finds nothing wrong with, and that never fire: the guide's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mcptop.alerts import rules
from mcptop.alerts.rules import SHIPPED
from mcptop.export.prometheus_rules import text
from mcptop.export.rule_lint import OF_MCPTOP, RulesError, metrics_of, mistakes, names_of_page
from mcptop.headless.alert_rules import names_of_server
from mcptop.playbook.subjects import CouldNotLook
from mcptop.server_settings import PrometheusServer, Secret

promql_parser = pytest.importorskip("promql_parser")

GUIDE = """
groups:
  - name: resource_alerts
    rules:
      - alert: HighMemoryUsage
        expr: mcp_service_memory_bytes / (1024^3) > 0.8 * ${MODEL_MEMORY_LIMIT}
      - alert: HighCPUUsage
        expr: mcp_service_cpu_percent > 80
      - alert: DiskSpaceLow
        expr: (disk_free_bytes / disk_size_bytes) * 100 < 10
      - alert: ConnectionPoolExhaustion
        expr: mcp_connection_pool_active / mcp_connection_pool_size > 0.9
"""
"""The guide's alert rules, as it has them."""


def test_the_guides_rules_name_a_variable_and_a_metric_that_nobody_exports():
    found = mistakes(GUIDE, "alerts.yml", OF_MCPTOP)
    assert [(one.group, one.rule, one.metric) for one in found] == [
        ("resource_alerts", "HighMemoryUsage", None),
        ("resource_alerts", "DiskSpaceLow", "disk_free_bytes"),
        ("resource_alerts", "DiskSpaceLow", "disk_size_bytes"),
    ]
    assert found[0].line == (
        "alerts.yml: group resource_alerts, rule HighMemoryUsage: Prometheus fills in no variables: "
        "`${MODEL_MEMORY_LIMIT}` is no PromQL; write the value, or divide by a metric"
    )
    assert "nobody exports `disk_free_bytes`" in found[1].line


def test_our_own_rules_have_no_such_mistake():
    assert not mistakes(text(SHIPPED), "rules.yml", OF_MCPTOP)
    assert len(rules.RULES) > 20


def one(expr: str, more: str = "") -> str:
    return f"groups: [{{name: g, rules: [{more}{{alert: A, expr: {json.dumps(expr)}}}]}}]"


def test_others_metrics_recorded_ones_and_those_of_prometheus_are_known():
    node = names_of_page('# TYPE node_load1 gauge\nnode_load1 0.5\nnode_cpu_seconds_total{cpu="0"} 1\n')
    assert node == {"node_load1", "node_cpu_seconds_total"}
    assert not mistakes(one("node_load1 > 4 and rate(node_cpu_seconds_total[5m]) > 1"), "f", OF_MCPTOP | node)
    assert not mistakes(one("job:x > 1 and up == 0", "{record: 'job:x', expr: up}, "), "f", OF_MCPTOP)
    (wrong,) = mistakes(one("mcptop_replica_memory_limit > 1"), "f", OF_MCPTOP)
    assert "(nearest: mcptop_replica_memory_limit_bytes" in wrong.says


@pytest.mark.parametrize(
    ("expr", "names"),
    [
        ('sum by (x) (rate(foo{a="b"}[5m])) / on() (bar > 0) or foo', ["foo", "bar"]),
        ('{__name__="baz", a=~"x.*"}', ["baz"]),
        ('{__name__=~"any.*"}', []),
        ("max_over_time(rate(y[1m])[5m:1m]) unless absent(z)", ["y", "z"]),
        ("predict_linear(a[1h], 3600) < 0", ["a"]),
        ("1 + 1", []),
    ],
)
def test_the_metrics_of_an_expression(expr: str, names: list[str]):
    assert metrics_of(promql_parser.parse(expr)) == names


def test_what_is_always_absent_always_holds():
    for expr in ("absent(nobody_has)", "up == 0 or absent_over_time(nobody_has[5m])"):
        (wrong,) = mistakes(one(expr), "f", OF_MCPTOP)
        assert wrong.says == "nobody exports `nobody_has`: `absent` of it always holds"
    (both,) = mistakes(one("nobody_has > 1 or absent(nobody_has)"), "f", OF_MCPTOP)
    assert both.says == "nobody exports `nobody_has`: what compares it never fires"


@pytest.mark.parametrize(
    "broken", ["", "a: [", "groups: 3", "groups: [{}]", "groups: [{rules: [{expr: up}]}]", "[]", "groups: [3]", "\x00"]
)
def test_what_is_no_file_of_rules_is_one_line(broken: str):
    with pytest.raises(RulesError, match=r"^f\.yml: [^\n]+$"):
        mistakes(broken, "f.yml", OF_MCPTOP)


def test_what_does_not_parse_is_told():
    (wrong,) = mistakes(one("up ="), "f", OF_MCPTOP)
    assert wrong.says.startswith("does not parse: ")


class _Prometheus(BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, bytes]] = {}  # noqa: RUF012

    def do_GET(self) -> None:
        code, body = self.answers.get(self.path, (404, b""))
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def prometheus() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Prometheus)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def server(url: str) -> PrometheusServer:
    return PrometheusServer(url=Secret(url))


def test_a_server_is_asked_for_the_names_it_has_and_its_password_is_never_shown(prometheus: str):
    path = "/api/v1/label/__name__/values"
    _Prometheus.answers = {path: (200, b'{"status": "success", "data": ["node_load1", "up"]}')}
    assert names_of_server(server(prometheus)) == {"node_load1", "up"}
    for answer in ((500, b""), (200, b"<html>"), (302, b"")):
        _Prometheus.answers = {path: answer}
        with pytest.raises(CouldNotLook) as told:
            names_of_server(server(prometheus.replace("//", "//me:hidden@")))
        assert "hidden" not in str(told.value)
    with pytest.raises(CouldNotLook, match="is it running") as told:
        names_of_server(server("http://me:hidden@127.0.0.1:9/"))
    assert "hidden" not in str(told.value)


def test_the_guide_is_linted_from_the_command_line(tmp_path: Path):
    from tests.unit.test_alerts_command import run

    rules_file, page = tmp_path / "guide.yml", tmp_path / "page.txt"
    rules_file.write_text(GUIDE)
    page.write_text("disk_free_bytes 1\ndisk_size_bytes 2\n")
    done = run("alerts", "lint", str(rules_file), "--json", "--metrics", str(page))
    assert done.returncode == 3
    assert [each["rule"] for each in json.loads(done.stdout)["mistakes"]] == ["HighMemoryUsage"]


def test_a_group_of_a_pattern_is_no_variable():
    label = 'label_replace(up == 0, "host", "$1", "instance", "(.*):.*")'
    assert not mistakes(one(label), "f", OF_MCPTOP)
    (found,) = mistakes(one(f"{label} > ${{LIMIT}}"), "f", OF_MCPTOP)
    assert "`${LIMIT}`" in found.line
