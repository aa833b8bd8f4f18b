"""Every expression of the dashboard, asked of the Prometheus that scrapes the exporter beside the demo."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mcptop.alerts.rules import SHIPPED
from mcptop.export import grafana

from .server import until
from .watched import Watched

DOCUMENT = grafana.dashboard(SHIPPED)
TARGETS = [(panel["title"], target["expr"]) for panel in DOCUMENT["panels"] for target in panel.get("targets", ())]


def filled(expr: str) -> str:
    """With the variables as Grafana fills them in when all is chosen."""
    expr = expr.replace("$__rate_interval", "1m")
    return re.sub(r"\$(host|project|service)\b", ".*", expr)


def test_each_is_answered_and_has_series_where_there_is_data(stack: Watched) -> None:
    empty: list[str] = []

    def ask() -> None:
        # Containers are of other tests: they come, stop and go while this one looks.
        now = stack.prometheus.query('count by (__name__) ({__name__=~"mcp.+", kind!="container"})')
        known = {labels["__name__"] for labels, _ in now}
        assert len(known) > 40, sorted(known)
        empty.clear()
        for title, expr in TARGETS:
            assert "$" not in filled(expr)
            names = set(re.findall(r"\b(mcp(?:top)?_\w+)", expr))
            # Nothing restarts or is killed here: the filter of those two has nothing to let through.
            if not stack.prometheus.query(filled(expr)) and names <= known and not expr.endswith("> 0"):
                empty.append(f"{title}: {filled(expr)}")
        assert not empty, empty

    until(ask, 40)
    for title in ("Memory by service", "CPU by service", "Pools: in use", "Queues: depth", "Threads", "Sources up"):
        assert any(stack.prometheus.query(filled(expr)) for name, expr in TARGETS if name == title), title


def values(stack: Watched, query: str) -> set[str]:
    """What Grafana asks for `label_values(series, label)`."""
    series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", query).groups()  # type: ignore[union-attr]
    return set(stack.prometheus.api(f"label/{label}/values", **{"match[]": filled(series)}))


def test_the_variables_have_values(stack: Watched) -> None:
    variables: list[dict[str, Any]] = DOCUMENT["templating"]["list"]
    found = {one["name"]: values(stack, one["definition"]) for one in variables if one["type"] == "query"}
    assert len(found["host"]) == 1
    assert stack.replica("mcp-api")["project"] in found["project"]
    assert {"mcp-api", "mcp-worker", "model-runner", "ui"} <= found["service"]


@pytest.mark.parametrize("name", ["project", "service", "host"])
def test_a_choice_leaves_the_others_out(stack: Watched, name: str) -> None:
    expr = next(expr for title, expr in TARGETS if title == "Threads")
    assert stack.prometheus.query(filled(expr))
    assert not stack.prometheus.query(filled(expr.replace(f"${name}", "another")))
