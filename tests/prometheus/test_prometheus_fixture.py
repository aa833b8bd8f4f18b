"""The Prometheus of these tests: it evaluates rules, says what it objects to, takes others over, and leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Start
from .server import until


def test_it_evaluates_rules_and_leaves_nothing(prometheus: Start, tmp_path: Path) -> None:
    def rules(name: str) -> Path:
        rule = {"alert": name, "expr": "vector(1)", "labels": {"severity": "warning"}}
        file = tmp_path / f"{name}.yml"
        file.write_text(json.dumps({"groups": [{"name": "test", "rules": [rule]}]}))
        return file

    def fires(name: str) -> None:
        assert [each["labels"]["alertname"] for each in server.alerts()] == [name]

    server = prometheus(rules=[rules("Here")])
    until(lambda: fires("Here"))
    server.reload(rules=[rules("There")])
    until(lambda: fires("There"))
    assert server.value("vector(2)") == 2
    with pytest.raises(AssertionError, match="parse error"):
        server.query("up{")
    server.stop()
    assert not server.folder.exists()
