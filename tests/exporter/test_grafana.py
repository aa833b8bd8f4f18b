"""The dashboard's file: a document Grafana takes, panels that do not lie on each other, thresholds of the rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mcptop.alerts import rules
from mcptop.alerts.in_force import rule_set
from mcptop.alerts.rules import SHIPPED
from mcptop.cli.main import cli
from mcptop.export import grafana
from mcptop.exposition.catalogue import BY_NAME

DOCUMENT = grafana.dashboard(SHIPPED)
PANELS = [panel for panel in DOCUMENT["panels"] if panel["type"] != "row"]


def expressions(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


def by_title(title: str, document: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    return next(panel for panel in document["panels"] if panel["title"] == title)


def test_it_is_the_classic_model_and_no_envelope() -> None:
    assert "dashboard" not in DOCUMENT
    assert 36 <= DOCUMENT["schemaVersion"] <= 41
    assert {panel["type"] for panel in PANELS} <= {"timeseries", "stat", "gauge", "bargauge", "table"}, "no `graph`"
    assert json.loads(grafana.text(SHIPPED)) == DOCUMENT
    assert grafana.text(SHIPPED) == grafana.text(SHIPPED)


def test_panels_have_ids_of_their_own_and_do_not_lie_on_each_other() -> None:
    everything = DOCUMENT["panels"]
    ids = [panel["id"] for panel in everything]
    assert len(ids) == len(set(ids))
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
    for one, other in combinations([panel["gridPos"] for panel in everything], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_is(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [target["refId"] for target in panel["targets"]] == list("ABCDEF"[: len(panel["targets"])])
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        names = set(re.findall(r"\b(mcp(?:top)?_\w+)", target["expr"]))
        assert names
        assert names <= BY_NAME.keys()
        labels = {label for name in names for label in BY_NAME[name].labels} | {"instance", "job"}
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


def test_the_variables_are_those_the_panels_name() -> None:
    names = [variable["name"] for variable in DOCUMENT["templating"]["list"]]
    assert names == ["datasource", "host", "project", "service"]
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DOCUMENT["panels"])))
    assert used == {*names, "__rate_interval"}


def test_titles_are_unique() -> None:
    titles = [panel["title"] for panel in PANELS]
    assert len(titles) == len(set(titles))


def test_thresholds_are_those_of_the_rules_in_force() -> None:
    def steps(document: dict[str, Any], title: str) -> list[float]:
        found = by_title(title, document)["fieldConfig"]["defaults"]["thresholds"]["steps"]
        return [step["value"] for step in found if step["value"] is not None]

    rule = rules.MEMORY_NEAR_LIMIT
    assert steps(DOCUMENT, "Memory, share of the limit") == [rule.warning, rule.critical]
    assert steps(DOCUMENT, "Pools: how long they wait") == [rules.POOL_WAITING.warning, rules.POOL_WAITING.critical]
    assert steps(DOCUMENT, "Memory by service") == [], "bytes of no particular limit"
    off = grafana.dashboard(rule_set({rule.id: {"enabled": False}}, (), "f"))
    assert steps(off, "Memory, share of the limit") == []


def test_a_count_is_nothing_and_not_0_where_no_exporter_answers(tmp_path: Path) -> None:
    expr = re.sub(r"\$\w+", ".*", expressions(by_title("Critical"))[0])
    labels = 'instance="a",job="m"'
    known = [f'mcptop_build_info{{{labels},host="h"}}', f'mcptop_source_up{{{labels},source="s"}}']
    cases = [(None, []), ("1x9", [{"labels": "{}", "value": 0}])]
    tests = [
        {"interval": "15s", "input_series": [{"series": one, "values": values} for one in known if values],
         "promql_expr_test": [{"expr": expr, "eval_time": "1m", "exp_samples": samples}]}
        for values, samples in cases
    ]  # fmt: skip
    (tmp_path / "tests.json").write_text(json.dumps({"tests": tests}))
    promtool = shutil.which("promtool") or pytest.skip("promtool is not here")
    done = subprocess.run([promtool, "test", "rules", "tests.json"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def run(*words: str, config: Path) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["export", "grafana", "--config", str(config), *words])
    return done.exit_code, done.output


def test_the_command_writes_it_with_the_readers_thresholds(tmp_path: Path) -> None:
    config, file = tmp_path / "config.toml", tmp_path / "board.json"
    config.write_text("[alerts.memory-near-limit]\nwarning = 0.5\n")
    status, said = run("-o", str(file), "--uid", "ours", "--title", "Ours", config=config)
    assert (status, said) == (0, "")
    document = json.loads(file.read_text())
    assert (document["uid"], document["title"]) == ("ours", "Ours")
    found = by_title("Memory, share of the limit", document)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert found[1]["value"] == 0.5
    assert run("-o", str(file), config=config)[0] == 2, "a file that is there is not replaced"


@pytest.mark.parametrize("uid", ["", "a b", "ä", "x" * 41, "a/b"])
def test_a_uid_grafana_would_not_take(tmp_path: Path, uid: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text("")
    assert run("--uid", uid, config=config)[0] == 2
    assert run("--uid", "x" * grafana.LONGEST_UID, config=config)[0] == 0
