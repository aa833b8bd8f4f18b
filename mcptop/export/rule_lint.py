"""What is wrong with a file of Prometheus rules that `promtool check rules` says nothing of: metrics nobody exports.

Such a rule is valid, and never fires; one that asks whether there is none always does. Needs `promql-parser`
(`pip install 'mcptop[rules]'`). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from difflib import get_close_matches
from typing import Any

from msgspec import Struct

from mcptop.exposition.catalogue import BY_NAME
from mcptop.units import plain

OF_PROMETHEUS = frozenset(
    {"up", "ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_series_added",
     "scrape_samples_post_metric_relabeling"}
)  # fmt: skip
"""What Prometheus makes itself."""
OF_MCPTOP = frozenset(BY_NAME)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
"""Of PromQL: a `$1` in one is the group of a pattern."""
_ABSENT = ("absent", "absent_over_time")
_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)[{ \t]", re.MULTILINE)


class RulesError(Exception):
    """A file is no file of rules; one line: which, and why."""


class Mistake(Struct, frozen=True):
    """One rule that cannot do what it is there for."""

    file: str
    group: str
    rule: str
    says: str
    metric: str | None = None
    """The one that nobody exports; None: it does not parse."""

    @property
    def line(self) -> str:
        """All of it."""
        return f"{self.file}: group {self.group}, rule {self.rule}: {self.says}"


def mistakes(text: str, file: str, exported: Set[str]) -> list[Mistake]:
    """Of a file of rules, in its order. `exported`: the names that there are. Raises `RulesError`."""
    rules = list(_rules(text, file))
    recorded = {name for _, _, name, is_record in rules for name in ([name] if is_record else [])}
    known = exported | recorded | OF_PROMETHEUS
    return [each for group, expr, name, _ in rules for each in _of_rule(file, group, name, expr, known)]


def names_of_page(text: str) -> frozenset[str]:
    """The names of the samples of a page of metrics."""
    return frozenset(_SAMPLE.findall(text))


def _rules(text: str, file: str) -> Iterator[tuple[str, str, str, bool]]:
    """Group, expression, name, whether it records."""
    import yaml

    try:
        document: Any = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RulesError(f"{file}: not valid YAML: {plain(str(error), 160)}") from None
    groups = document.get("groups") if isinstance(document, dict) else None
    if not isinstance(groups, list):
        raise RulesError(f"{file}: no rules of Prometheus: expected `groups:` with a list")
    for group in groups:
        rules = group.get("rules") if isinstance(group, dict) else None
        if not isinstance(rules, list):
            raise RulesError(f"{file}: no rules of Prometheus: expected every group to have `rules:` with a list")
        for rule in rules:
            name = (rule.get("alert") or rule.get("record")) if isinstance(rule, dict) else None
            if not isinstance(name, str):
                raise RulesError(f"{file}: no rules of Prometheus: expected every rule to have `alert:` or `record:`")
            yield plain(str(group.get("name", "")), 80), str(rule.get("expr", "")), plain(name, 120), "record" in rule


def _of_rule(file: str, group: str, name: str, expr: str, known: Set[str]) -> Iterator[Mistake]:
    import promql_parser

    try:
        tree = promql_parser.parse(expr)
    except ValueError as error:
        says = f"does not parse: {plain(str(error), 160)}"
        if variables := re.findall(r"\$\{?\w+[^}\s]*\}?", _STRING.sub('""', expr)):
            named = f"`{plain(variables[0], 60)}` is no PromQL"
            says = f"Prometheus fills in no variables: {named}; write the value, or divide by a metric"
        yield Mistake(file, group, name, says)
        return
    absent = _only_absent(tree)
    for metric in metrics_of(tree):
        if metric not in known:
            near = get_close_matches(metric, sorted(known), n=2, cutoff=0.7)
            hint = f" (nearest: {', '.join(near)})" if near else ""
            so = "`absent` of it always holds" if metric in absent else "what compares it never fires"
            yield Mistake(file, group, name, f"nobody exports `{plain(metric, 120)}`{hint}: {so}", metric)


def metrics_of(tree: Any) -> list[str]:
    """The names an expression asks for, each once, in its order; a pattern of names is none."""

    return list(dict.fromkeys(_asked_for(tree)))


def _only_absent(tree: Any) -> set[str]:
    """The names an expression asks for only to know whether there are none."""
    import promql_parser

    inside: list[str] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.Call) and node.func.name in _ABSENT:
            for each in node.args:
                inside.extend(_asked_for(each))
        return True

    promql_parser.walk(tree, visit)
    every = _asked_for(tree)
    return {name for name in inside if inside.count(name) >= every.count(name)}


def _asked_for(tree: Any) -> list[str]:
    """The names, each as often as it stands there."""
    import promql_parser

    found: list[str] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            equal = promql_parser.MatchOp.Equal
            named = [each.value for each in node.matchers.matchers if each.name == "__name__" and each.op == equal]
            found.extend([node.name] if node.name else named)
        return True

    promql_parser.walk(tree, visit)
    return found
