"""A Grafana dashboard over what `mcptop exporter` exports, as the classic JSON model. Pure, always the same text.

The panels stand in `grafana_panels`; here is what Grafana wants around them: places, ids, data source, variables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mcptop.export.grafana_panels import Panel, Query, Section, sections
from mcptop.model.rule import Rule, RuleSet

UID, TITLE = "mcptop", "mcptop"
LONGEST_UID = 40
"""Grafana's own bound."""
SCHEMA_VERSION = 39
"""Grafana 10.3; newer ones take it and bring it up to date."""
_WIDTH = 24
"""Columns of Grafana's grid."""
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_GREEN, _ORANGE, _RED = "green", "orange", "red"


def text(rules: RuleSet, uid: str = UID, title: str = TITLE) -> str:
    """The file."""
    return json.dumps(dashboard(rules, uid, title), indent=2) + "\n"


def dashboard(rules: RuleSet, uid: str = UID, title: str = TITLE) -> dict[str, Any]:
    """The document itself: what Grafana imports and provisions, without the envelope of its HTTP API."""
    return {
        "uid": uid,
        "title": title,
        "description": "Services, pools, queues and the machine, as `mcptop exporter` exports them.",
        "tags": ["mcptop"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "annotations": {"list": []},
        "templating": {"list": _variables()},
        "panels": list(_placed(sections(rules))),
    }


def _variables() -> list[dict[str, Any]]:
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0}
    return [
        source | {"current": {}, "multi": False, "includeAll": False, "regex": "", "refresh": 1},
        _variable("host", "label_values(mcptop_build_info, host)"),
        _variable("project", "label_values(mcptop_replica_info, project)"),
        _variable("service", 'label_values(mcptop_replica_info{project=~"$project"}, service)'),
    ]


def _variable(name: str, query: str) -> dict[str, Any]:
    """All of it matches an empty label as well: a service may have no project."""
    return {
        "name": name, "label": name.capitalize(), "type": "query", "datasource": _SOURCE, "definition": query,
        "query": {"query": query, "refId": f"variable-{name}"}, "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]}, "refresh": 2, "sort": 1, "hide": 0,
        "regex": "", "options": [],
    }  # fmt: skip


def _placed(found: Sequence[Section]) -> Iterator[dict[str, Any]]:
    """Each section under its heading, its panels from left to right, as many in a line as there is room for."""
    number, top = 0, 0
    for section in found:
        number += 1
        yield _heading(number, section.title, top)
        top, left, height = top + 1, 0, 0
        for panel in section.panels:
            if left + panel.width > _WIDTH:
                top, left, height = top + height, 0, 0
            number += 1
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield {"id": number, "gridPos": place, **_panel(panel)}
            left, height = left + panel.width, max(height, panel.height)
        top += height


def _heading(number: int, title: str, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": _WIDTH, "h": 1}
    return {"id": number, "type": "row", "title": title, "gridPos": place, "collapsed": False, "panels": []}


def _panel(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": _thresholds(panel.rule), "min": 0}
    if panel.kind == "timeseries":
        defaults["custom"] = _lines(panel)
    if panel.kind == "table":
        del defaults["min"]
    found = {
        "type": panel.kind, "title": panel.title, "description": panel.says, "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": _overrides(panel)}, "options": _OPTIONS[panel.kind],
        "targets": [_target(query, at, panel.kind) for at, query in enumerate(panel.queries)],
    }  # fmt: skip
    if panel.kind == "table":
        unwanted = ("Time", "Value", "__name__", "instance", "job")
        organized = {"excludeByName": dict.fromkeys(unwanted, True), "indexByName": {}, "renameByName": {}}
        found["transformations"] = [{"id": "organize", "options": organized}]
    return found


def _target(query: Query, at: int, kind: str) -> dict[str, Any]:
    is_now = kind != "timeseries"
    return {
        "refId": chr(ord("A") + at), "datasource": _SOURCE, "editorMode": "code", "expr": query.expr,
        "legendFormat": query.legend, "instant": is_now, "range": not is_now,
        "format": "table" if kind == "table" else "time_series",
    }  # fmt: skip


def _thresholds(rule: Rule | None) -> dict[str, Any]:
    """Where mcptop warns, and where it calls it critical."""
    steps: list[dict[str, Any]] = [{"color": _GREEN, "value": None}]
    if rule is not None:
        pairs = ((_ORANGE, rule.warning), (_RED, rule.critical))
        steps += [{"color": color, "value": value} for color, value in pairs if value < float("inf")]
    return {"mode": "absolute", "steps": steps}


def _lines(panel: Panel) -> dict[str, Any]:
    return {
        "drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": False,
        "axisLabel": panel.axis, "thresholdsStyle": {"mode": "line" if panel.rule is not None else "off"},
    }  # fmt: skip


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    """What bounds the others is a dashed line."""
    if not any(query.is_bound for query in panel.queries):
        return []
    dashed = [
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 6]}},
        {"id": "custom.fillOpacity", "value": 0},
    ]
    return [{"matcher": {"id": "byRegexp", "options": "/ (limit|max|desired|allowed)$/"}, "properties": dashed}]


_REDUCED = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": _REDUCED, "colorMode": "value", "graphMode": "none", "textMode": "auto"},
    "gauge": {"reduceOptions": _REDUCED, "showThresholdMarkers": True, "showThresholdLabels": False},
    "bargauge": {"reduceOptions": _REDUCED, "displayMode": "gradient", "orientation": "horizontal"},
    "table": {"showHeader": True, "cellHeight": "sm"},
}
