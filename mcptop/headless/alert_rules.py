"""`mcptop alerts rules` and `lint`: the rules in force, and others' rules checked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from math import inf
from pathlib import Path

from msgspec import Struct

from mcptop.alerts import figures
from mcptop.alerts.quantities import written
from mcptop.exit_status import ExitStatus
from mcptop.export import rule_lint
from mcptop.export.rule_lint import Mistake, RulesError
from mcptop.headless import report
from mcptop.headless.pipe import put
from mcptop.model.playbook import Severity
from mcptop.model.rule import Rule, RuleSet
from mcptop.playbook.subjects import CouldNotLook
from mcptop.server_settings import PrometheusServer
from mcptop.sources.prometheus import Prometheus, PrometheusError
from mcptop.units import many, plain

_MOST_BYTES = 64 << 20


class RuleInForce(Struct, frozen=True):
    """One rule of `mcptop alerts rules --json`."""

    id: str
    title: str
    enabled: bool
    severity: str | None
    """Of a fact, which has no figure to be judged by."""
    unit: str
    warning: float | None
    critical: float | None
    for_s: float
    critical_for_s: float
    ease: float
    keep_s: float
    also: dict[str, float]
    """What else its condition compares with; durations in seconds."""
    playbook: str | None
    do: str
    of: str | None
    """Of an own rule: what has the figure."""
    figure: str | None
    below: bool
    service: str | None
    origin: str
    """shipped, or the file an own rule stands in."""
    changed: dict[str, str]
    """Key of a shipped rule -> the file that says so."""


class RulesDocument(Struct, frozen=True, tag_field="schema", tag="mcptop.rules/1"):
    """`mcptop alerts rules --json`."""

    rules: tuple[RuleInForce, ...]


class LintDocument(Struct, frozen=True, tag_field="schema", tag="mcptop.lint/1"):
    """`mcptop alerts lint --json`."""

    mistakes: tuple[Mistake, ...]


def show(in_force: RuleSet, file: str, as_json: bool) -> ExitStatus:
    """Every rule with where its figures come from."""
    if as_json:
        report.print_json(RulesDocument(tuple(_in_force(rule, in_force, file) for rule in in_force.rules)))
        return ExitStatus.OK
    lines = [("RULE", "WARNING", "CRITICAL", "FOR", "FROM")]
    for rule in in_force.rules:
        critical_for = f", critical {written(rule.critical_for_s)}" if rule.critical_for_s is not None else ""
        lines.append(
            (rule.id, _text(rule, Severity.WARNING), _text(rule, Severity.CRITICAL), written(rule.for_s) + critical_for,
             _origin(rule, in_force, file))
        )  # fmt: skip
    widths = [max(len(line[at]) for line in lines) for at in range(4)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        put("  ".join([*cells, line[4]]).rstrip() + "\n")
    return ExitStatus.OK


def lint(files: Sequence[Path], pages: Sequence[Path], server: PrometheusServer | None, as_json: bool) -> ExitStatus:
    """Name every rule whose metric nobody exports. Raises `RulesError`, `CouldNotLook`."""
    exported = set(rule_lint.OF_MCPTOP)
    for page in pages:
        exported |= rule_lint.names_of_page(_read(page))
    if server is not None:
        exported |= names_of_server(server)
    found = [each for file in files for each in rule_lint.mistakes(_read(file), plain(str(file)), exported)]
    if as_json:
        report.print_json(LintDocument(tuple(found)))
    else:
        for mistake in found:
            put(f"{mistake.line}\n")
        if not found:
            put(f"{many(len(files), 'file')}: every metric is exported by somebody\n")
    return ExitStatus.PROBLEM if found else ExitStatus.OK


def names_of_server(server: PrometheusServer) -> frozenset[str]:
    """Every metric a Prometheus server has. Raises `CouldNotLook`."""
    try:
        with closing(Prometheus(server)) as client:
            return frozenset(client.label_values("__name__"))
    except PrometheusError as error:
        raise CouldNotLook(str(error)) from None


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()[:_MOST_BYTES]
    except OSError as error:
        raise RulesError(f"{plain(str(path))}: cannot be read: {error.strerror}") from None
    return data.decode(errors="replace")


def _in_force(rule: Rule, in_force: RuleSet, file: str) -> RuleInForce:
    own = next((each for each in in_force.own if each.rule is rule), None)
    critical_for = rule.for_s if rule.critical_for_s is None else rule.critical_for_s
    changed = {key: where for (id, key), where in in_force.origins.items() if id == rule.id}
    return RuleInForce(
        rule.id, rule.title, rule.enabled, rule.severity.value if rule.is_fact else None, rule.unit,
        _finite(rule.warning), _finite(rule.critical), rule.for_s, critical_for, rule.ease, rule.keep_s, rule.also,
        rule.playbook, rule.do, own.of if own else None, own.figure if own else None, rule.is_below,
        own.service if own else None, file if own else "shipped", changed,
    )  # fmt: skip


def _origin(rule: Rule, in_force: RuleSet, file: str) -> str:
    if any(each.rule is rule for each in in_force.own):
        return file + ("" if rule.enabled else " (off)")
    changed = [key for id, key in in_force.origins if id == rule.id]
    shipped = f"shipped, but for {', '.join(changed)}: {file}" if changed else "shipped"
    return shipped + ("" if rule.enabled else " (off)")


def _finite(value: float) -> float | None:
    return value if value < inf else None


def _text(rule: Rule, severity: Severity) -> str:
    if rule.is_fact:
        return "fact" if rule.severity is severity else "-"
    value = rule.critical if severity is Severity.CRITICAL else rule.warning
    if value == inf:
        return "-"
    sign = "≤ " if rule.is_below else ""
    if rule.unit == "bytes/s":
        return f"{sign}{figures.text(value * 60, 'bytes')}/min"
    if rule.unit == "ratio/s":
        return f"{sign}{figures.text(value * 3600, 'ratio')}/h"
    return sign + figures.text(value, rule.unit)
