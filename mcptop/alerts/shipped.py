"""Reads `rules.toml`: the shipped rules as they are written, and as values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from mcptop.alerts.quantities import duration, quantity
from mcptop.model.rule import Rule, RuleSet

FILE = Path(__file__).with_name("rules.toml")
TEXTS = ("title", "cause", "do", "playbook", "unit")
LEVELS = ("warning", "critical")
DURATIONS = {"for": "for_s", "critical_for": "critical_for_s", "keep": "keep_s"}
"""Key in TOML -> field of a rule."""


class Promql(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule, or a part of it, as PromQL."""

    expr: str
    says: str
    severity: str | None = None
    """warning, critical, or both: one alert for each of the two thresholds. None: the rule's, of a fact."""
    unit: str | None = None
    """Of the expression's value; None: the rule's."""
    name: str | None = None
    """Of the alert, where it is not the rule's."""
    note: str | None = None
    """What PromQL cannot."""
    wait: str | None = msgspec.field(default=None, name="for")
    """How long it has to hold; None: as long as the rule."""


def load(written: dict[str, dict[str, Any]]) -> RuleSet:
    """All shipped rules. `written`: what `tables` says."""
    rules = tuple(rule_of(id, entry) for id, entry in written.items())
    return RuleSet(rules, {rule.id: rule for rule in rules})


def tables() -> dict[str, dict[str, Any]]:
    """As they are written, by id."""
    found: dict[str, dict[str, Any]] = msgspec.toml.decode(FILE.read_bytes())
    return found


def promql(entry: dict[str, Any]) -> tuple[Promql, ...]:
    """What a rule is in Prometheus."""
    return msgspec.convert(entry.get("prometheus", []), tuple[Promql, ...])


def rule_of(id: str, entry: dict[str, Any]) -> Rule:
    """One rule as a value."""
    unit = entry.get("unit", "")
    values: dict[str, Any] = {"id": id, "also": {}}
    for key, given in entry.items():
        if key in LEVELS:
            values[key] = quantity(given, unit)
        elif key in DURATIONS:
            values[DURATIONS[key]] = duration(given)
        elif key in TEXTS or key in ("ease", "enabled", "severity"):
            values[key] = given
        elif key != "prometheus":
            values["also"][key] = quantity(given, "seconds" if isinstance(given, str) else "count")
    return msgspec.convert(values, Rule)
