"""A limited container that computes: its figures in a real Prometheus, and the exported rule that fires for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from containers import Container

from tests.exporter.process import Exporter
from tests.prometheus.server import Prometheus, Scrape, until
from tests.prometheus.watched import exported_rules, selector

Start = Callable[..., Container]
SETTINGS = '[alerts.cpu-throttled]\nfor = "3s"\n'


@pytest.mark.timeout(300)
def test_a_container_that_its_quota_holds_back(
    require: Callable[[str, object, str], None], start: Start, tmp_path: Path
) -> None:
    require("prometheus", shutil.which("prometheus"), "no prometheus")
    container = start("burner", "while True: pass", "--cpus", "0.2", "--memory", "64m")
    config = tmp_path / "config.toml"
    config.write_text(SETTINGS)
    rules = exported_rules(config, tmp_path / "rules.yml")
    with (
        Exporter("--config", str(config)) as exporter,
        Prometheus([Scrape(exporter.address)], [rules]) as prometheus,
    ):
        labels = {"kind": "container", "service": "burner", "replica": container.name}

        def value(name: str) -> float:
            return prometheus.value(selector(name, labels))

        def known() -> None:
            assert value("mcptop_replica_cpu_usage_cores") == pytest.approx(0.2, abs=0.12)

        until(known, 60)
        assert value("mcptop_replica_memory_limit_bytes") == 64 << 20
        assert value("mcptop_replica_cpu_limit_cores") == pytest.approx(0.2)
        assert value("mcptop_replica_restarts_total") == 0
        assert value("mcptop_replica_running") == 1

        def fires() -> None:
            told = [one["labels"] for one in prometheus.alerts()]
            assert [one for one in told if one["rule"] == "cpu-throttled" and labels.items() <= one.items()], told
            own = prometheus.query(selector("mcptop_alert", labels | {"rule": "cpu-throttled"}))
            assert own

        until(fires, 90)
