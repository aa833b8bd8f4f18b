"""The Prometheus of these tests: it scrapes, evaluates rules, says what it objects to, and leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Start
from .server import Scrape, until


def test_it_scrapes_evaluates_and_leaves_nothing(prometheus: Start, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rule = {"alert": "Here", "expr": "up == 1", "labels": {"severity": "warning"}}
    rules.write_text(json.dumps({"groups": [{"name": "test", "rules": [rule]}]}))
    server = prometheus(rules=[rules])
    server.reload(scrapes=[Scrape(f"127.0.0.1:{server.port}", "itself", {"zone": "a"})])
    server.until_up()
    assert server.value('up{job="itself", zone="a"}') == 1

    def fires() -> None:
        assert [each["labels"]["alertname"] for each in server.alerts()] == ["Here"]

    until(fires)
    with pytest.raises(AssertionError, match="parse error"):
        server.query("up{")
    server.stop()
    assert not server.folder.exists()
