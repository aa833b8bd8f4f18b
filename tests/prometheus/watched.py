"""The demo stack, an exporter that looks at it, and a Prometheus that scrapes the exporter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.exporter.process import Exporter, environment

from .server import Prometheus, Scrape

DEMO = Path(__file__).parents[1] / "demo"
if str(DEMO) not in sys.path:  # the demo's tests import each other by their bare names
    sys.path.append(str(DEMO))

from stack import Demo  # noqa: E402

SETTINGS = """
[alerts.queue-not-draining]
warning = "3s"
"""
"""What a user may set as well, so that nobody has to wait for half a minute."""


class Watched(NamedTuple):
    """All three, running."""

    demo: Demo
    exporter: Exporter
    prometheus: Prometheus

    def replica(self, service: str) -> dict[str, str]:
        """Labels of the replica that is this demo's: there may be another demo on the machine."""
        found = self.prometheus.query(f'mcptop_replica_info{{service="{service}", kind="process"}}')
        pid = self.demo.pids[service]
        mine = [labels for labels, _ in found if labels["id"].startswith(f"{pid}-")]
        assert mine, f"{service}: {found}"
        return {name: mine[0][name] for name in ("project", "service", "kind", "replica")}

    def value(self, name: str, service: str, **labels: str) -> float:
        """Of the only series of that family and this demo's replica."""
        return self.prometheus.value(selector(name, self.replica(service) | labels))


def selector(name: str, labels: dict[str, str]) -> str:
    """As PromQL has it."""
    return name + "{" + ", ".join(f"{key}={json.dumps(value)}" for key, value in labels.items()) + "}"


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """All three as long as the block; Prometheus has the exported rules, by the same settings as the exporter."""
    config = folder / "config.toml"
    config.write_text(SETTINGS)
    rules = exported_rules(config, folder / "rules.yml")
    demo = Demo(LOAD_PER_MINUTE="600")
    try:
        with (
            Exporter("--config", str(config)) as exporter,
            Prometheus([Scrape(exporter.address)], [rules]) as prometheus,
        ):
            yield Watched(demo, exporter, prometheus)
    finally:
        status, said = demo.close()
        assert status == 0, said


def exported_rules(config: Path, file: Path) -> Path:
    """What `mcptop export prometheus-rules` writes by these settings."""
    mcptop("export", "prometheus-rules", "--config", str(config), "-o", str(file))
    return file


def snapshot(*words: str) -> dict[str, Any]:
    """`mcptop snapshot --json`."""
    return dict(json.loads(mcptop("snapshot", "--json", *words)))


def mcptop(*words: str) -> str:
    """What it prints."""
    command = [sys.executable, "-m", "mcptop", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120, check=True)
    return done.stdout
