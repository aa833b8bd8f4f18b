"""Cases for `promtool test rules`: series a quarter of a minute apart, and what fires of them and says what."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcptop.alerts import rules
from mcptop.model.value import Value

REPLICA = {"project": "shop", "service": "api", "kind": "container", "replica": "api-1"}
POOL = REPLICA | {"pool": "db", "pool_kind": "db", "peer": "pg", "source": "metrics", "confidence": "measured"}
SERVER = POOL | {"pool": "clients", "pool_kind": "server", "peer": ""}
QUEUE = REPLICA | {"queue": "jobs", "queue_kind": "queue", "source": "metrics", "confidence": "measured"}
ACCEPT = QUEUE | {"queue": ":80", "queue_kind": "accept"}
SERVICE = {"project": "shop", "service": "api", "kind": "container"}
NODE = {"node": "vm2", "role": "worker", "instance": "vm:9477"}
HOST, DISK = {"host": "vm"}, {"host": "vm", "mount": "/data", "device": "vdb"}
INFO = REPLICA | {"id": "0a", "image": "shop/api", "health": ""}
BUDGET = {"project": "shop", "server": "pg"}

Series = tuple[str, dict[str, str], str | float]
"""Name, labels, values: one that stays, or in promtool's notation."""


class Case(Value, frozen=True):
    """What is there, and what an alert says of it then."""

    alert: str
    severity: str
    rule: str
    series: tuple[Series, ...]
    says: str | None
    """None: it does not fire."""
    at: str = "8m"


def case(alert: str, severity: str, rule: str, says: str | None, *series: Series, **more: Any) -> Case:
    """One case."""
    return Case(f"Mcptop{alert}", severity, rule, series, says, **more)


def check(tmp_path: Path, text: str, cases: list[Case]) -> None:
    """Have promtool check the rules and run the cases."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here")
    (tmp_path / "rules.yml").write_text(text)
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "30s", "tests": [_test(each) for each in cases]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(document, sort_keys=False))
    for argv in (["check", "rules", "rules.yml"], ["test", "rules", "tests.yml"]):
        done = subprocess.run([promtool, *argv], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "duplicate" not in done.stdout, done.stdout


def _test(one: Case) -> dict[str, Any]:
    series = [{"series": _series(name, labels), "values": _values(values)} for name, labels, values in one.series]
    return {
        "name": f"{one.alert} {one.severity} {one.says}",
        "interval": "15s",
        "input_series": series,
        "alert_rule_test": [{"eval_time": one.at, "alertname": one.alert, "exp_alerts": _expected(one)}],
    }


def _series(name: str, labels: dict[str, str]) -> str:
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items() if value) + "}"


def _values(values: str | float) -> str:
    return values if isinstance(values, str) else f"{values:.10g}+0x160"


def _expected(one: Case) -> list[dict[str, Any]]:
    if one.says is None:
        return []
    labels = {name: value for name, value in one.series[0][1].items() if value}
    written = rules.WRITTEN[one.rule]
    whom = labels.get("host") or labels.get("server") or "mcptop on vm:9477"
    if "service" in labels:
        whom = f"{labels['project']}/{labels['service']}"
        whom += f" ({labels['replica']})" if "replica" in labels else ""
    runbook = f"mcptop diagnose {written['playbook']}" if "playbook" in written else None
    if runbook and "service" in labels:
        runbook += f" --service 'shop/{''.join(c if c.isalnum() or c in '._@-' else '?' for c in labels['service'])}'"
    texts = {"summary": f"{whom}: {written['title']}", "description": f"{whom}: {one.says}", "do": written["do"]}
    return [
        {
            "exp_labels": labels | {"severity": severity, "rule": one.rule},
            "exp_annotations": texts | ({"runbook": runbook} if runbook else {}),
        }
        for severity in one.severity.split("+")
    ]
