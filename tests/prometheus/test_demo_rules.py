"""Real faults of the demo: the exported rules fire in a real Prometheus, for whom and for what mcptop itself names."""

from __future__ import annotations

from contextlib import ExitStack

from .server import until
from .watched import Watched, snapshot

Told = set[tuple[str, str]]
"""Rule and service."""
FAULTS = ("connection-leak:per_request=2", "slow-consumer", "db-pool-too-small")
EXPECTED: Told = {("close-wait", "mcp-api"), ("queue-not-draining", "mcp-worker"), ("pool-waiting", "mcp-api")}


def by_prometheus(stack: Watched) -> Told:
    """Of what its rules say of this demo's replicas; another demo may run on the machine."""
    ours = {service: stack.replica(service)["replica"] for service in ("mcp-api", "mcp-worker")}
    found = [alert["labels"] for alert in stack.prometheus.alerts()]
    return {(one["rule"], one["service"]) for one in found if ours.get(one.get("service", "")) == one.get("replica")}


def by_mcptop(stack: Watched) -> Told:
    """Of what the exporter says is mcptop's own judgement."""
    ours = {service: stack.replica(service)["replica"] for service in ("mcp-api", "mcp-worker")}
    found = [labels for labels, _ in stack.prometheus.query("mcptop_alert")]
    return {(one["rule"], one["service"]) for one in found if ours.get(one["service"]) == one.get("replica")}


def test_both_name_the_same_rules_and_services(stack: Watched) -> None:
    groups = stack.prometheus.api("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    assert not by_prometheus(stack) & EXPECTED, "nothing is wrong yet"

    def evaluated() -> None:
        found = stack.prometheus.api("rules")["groups"]
        assert all(rule["health"] == "ok" for group in found for rule in group["rules"])

    until(evaluated)
    with ExitStack() as faults:
        for text in FAULTS:
            faults.enter_context(stack.demo.fault(text))

        def told() -> None:
            assert by_prometheus(stack) >= EXPECTED, by_prometheus(stack)
            assert by_mcptop(stack) >= EXPECTED, by_mcptop(stack)

        until(told, 90)
        seen = {(one["rule"], one["service"]) for one in snapshot()["alerts"] if one["state"] == "firing"}
        assert ("close-wait", "mcp-api") in seen, "one look is enough for what needs no rate"


def test_the_texts_have_their_figures_and_the_command(stack: Watched) -> None:
    with stack.demo.fault("connection-leak:per_request=2"):

        def leak() -> dict[str, str]:
            wanted = stack.replica("mcp-api")
            found = [one for one in stack.prometheus.alerts() if one["labels"]["rule"] == "close-wait"
                     and wanted.items() <= one["labels"].items()]  # fmt: skip
            assert found
            return dict(found[0]["annotations"])

        said = " ".join(until(leak, 60).values())
    assert "mcptop diagnose fd-leak" in said
    assert "{{" not in said
    assert "<no value>" not in said
