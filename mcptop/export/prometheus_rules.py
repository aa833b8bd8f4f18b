"""The rules in force as alerting rules of Prometheus over what `mcptop exporter` exports. Pure, always the same text.

A limit that is not there has no series, so a rule about it has nothing to say; the guards `> 0` are for data that
says 0 where it means none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import inf
from typing import Any

from msgspec.structs import replace

from mcptop.alerts import rules
from mcptop.alerts.quantities import duration, written
from mcptop.alerts.shipped import LEVELS, Promql, promql
from mcptop.export import figures
from mcptop.export.rule_texts import literal, texts_of
from mcptop.model.playbook import Severity
from mcptop.model.rule import OwnRule, Rule, RuleSet

_HEAD = """\
# Alerting rules for Prometheus, written by `mcptop export prometheus-rules`: the rules that mcptop itself judges by,
# with the thresholds in force, over the metrics of `mcptop exporter`. Check: promtool check rules FILE
# Scrape it every 30 s or oftener: rates are over one minute, and of a minute with one sample there is none.
"""
_SHORT_KEEP_S = 30.0
"""A gap no longer than this is one between two samples; so no shipped rule asks for `keep_firing_for` (2.42)."""
_NAME = re.compile(r"\$(\w+)")
_RANGE = re.compile(r"\[\$(\w+)\]")


def text(in_force: RuleSet, runbook_url: str | None = None) -> str:
    """The file. `runbook_url`: where runbooks are; {rule} in it is the rule's id."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def lines(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, lines)
    body = yaml.dump(groups(in_force, runbook_url), Dumper=Dumper, sort_keys=False, width=1000, allow_unicode=True)
    return _HEAD + "".join(_notes(in_force)) + body


def groups(in_force: RuleSet, runbook_url: str | None = None) -> dict[str, Any]:
    """The document."""
    own = {each.rule.id for each in in_force.own}
    shipped = [one for rule in in_force.rules if rule.id not in own for one in _of_rule(in_force, rule, runbook_url)]
    found = [{"name": "mcptop", "rules": shipped}]
    if own_rules := [one for each in in_force.own for one in _of_own(each, runbook_url)]:
        found.append({"name": "mcptop-own", "rules": own_rules})
    return {"groups": found}


def _of_rule(in_force: RuleSet, rule: Rule, runbook_url: str | None) -> Iterator[dict[str, Any]]:
    if not rule.enabled:
        return
    for part in promql(rules.WRITTEN[rule.id]):
        for severity in LEVELS if part.severity == "both" else (part.severity or rule.severity.value,):
            if part.severity == "both" and getattr(rule, severity) == inf:
                continue
            figures_of = _figures(in_force, rule, severity)
            expr = _filled(part.expr, figures_of)
            wait = rule.wait_s(Severity(severity)) if part.wait is None else duration(part.wait)
            says = _NAME.sub(lambda m, known=figures_of: written(known[m[1]]), part.says)  # type: ignore[misc]
            unit = rule.unit if part.unit is None else part.unit
            yield _alert(rule, part.name or _camel(rule.id), expr, severity, wait, says, unit, runbook_url)


def _of_own(own: OwnRule, runbook_url: str | None) -> Iterator[dict[str, Any]]:
    rule = own.rule
    if not rule.enabled:
        return
    expr = figures.promql(own.of, own.figure, own.service)
    if expr is None:  # what mcptop judges, it keeps itself
        rule = replace(rule, keep_s=0.0)
    for severity in LEVELS:
        threshold = getattr(rule, severity)
        if threshold == inf:
            continue
        wait = rule.wait_s(Severity(severity))
        if expr is None:
            # mcptop has waited already.
            judged = f'mcptop_alert{{rule={figures.quoted(rule.id)},severity="{severity}"}} == 1'
            says, wait = literal(own.says) or f"{own.figure} is {'too low' if rule.is_below else 'too high'}", 0.0
        else:
            judged = f"{expr} {'<=' if rule.is_below else '>='} {_number(threshold)}"
            says = f"{literal(own.says) or own.figure}: {{value}}"
        yield _alert(rule, _camel(rule.id), judged, severity, wait, says, rule.unit, runbook_url)


def _alert(
    rule: Rule, name: str, expr: str, severity: str, wait_s: float, says: str, unit: str, runbook_url: str | None
) -> dict[str, Any]:
    found: dict[str, Any] = {"alert": f"Mcptop{name}", "expr": expr.strip()}
    if wait_s:
        found["for"] = written(wait_s)
    if rule.keep_s > _SHORT_KEEP_S:
        found["keep_firing_for"] = written(rule.keep_s)
    found["labels"] = {"severity": severity, "rule": rule.id}
    found["annotations"] = texts_of(rule, expr, says, unit)
    if runbook_url is not None:
        found["annotations"]["runbook_url"] = runbook_url.replace("{rule}", rule.id)
    return found


def _figures(in_force: RuleSet, rule: Rule, severity: str) -> dict[str, float]:
    """What an expression may name: the rule's own figures, and from when on memory grows."""
    threshold = rule.threshold(Severity(severity))
    leak = in_force[rules.MEMORY_LEAK.id].warning
    known = {"warning": rule.warning, "critical": rule.critical, "leak": leak, **rule.also}
    return known if threshold is None else known | {"threshold": threshold}


def _filled(expr: str, known: dict[str, float]) -> str:
    """Durations where a range is expected, else numbers; PromQL compares numbers only."""
    expr = _RANGE.sub(lambda m: f"[{written(known[m[1]])}]", expr)
    return _NAME.sub(lambda m: _number(known[m[1]]), expr)


def _number(value: float) -> str:
    return f"{value:.12g}"


def _camel(id: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", id))


def _notes(in_force: RuleSet) -> Iterator[str]:
    """What PromQL cannot say is said at the top."""
    parts: list[tuple[str, Promql]] = []
    for rule in in_force.rules:
        if rule.enabled and rule.id in rules.WRITTEN:
            parts += [(part.name or _camel(rule.id), part) for part in promql(rules.WRITTEN[rule.id])]
    for name, part in parts:
        if part.note is not None:
            yield f"# Mcptop{name}: {part.note}\n"
    for own in in_force.own:
        if own.rule.enabled and figures.promql(own.of, own.figure, own.service) is None:
            name = _camel(own.rule.id)
            yield f"# Mcptop{name}: no metric has {own.figure} of a service's {own.of}; this is mcptop's judgement\n"
