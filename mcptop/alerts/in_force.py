"""The rules in force: the shipped ones as the settings change them, and the user's own. Pure.

Every mistake is one line with the file, the key, and what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from msgspec.structs import replace

from mcptop.alert_settings import Levels, OwnAlert
from mcptop.alerts import figures, rules
from mcptop.alerts.quantities import duration, quantity
from mcptop.alerts.shipped import DURATIONS, LEVELS
from mcptop.config import ConfigError
from mcptop.model.playbook import Severity
from mcptop.model.rule import OwnRule, Rule, RuleSet
from mcptop.units import nearest, plain

_TEXTS = ("do", "playbook")
_KEEP_FLOWS_S = 12.0
"""Pools and queues are looked at every few seconds."""


def rule_set(changes: Mapping[str, Any], own: Sequence[OwnAlert], file: str) -> RuleSet:
    """`changes`: the `[alerts.ID]` tables; `own`: the `[[alert]]` tables of `file`. Raises `ConfigError`."""
    if not changes and not own:
        return rules.SHIPPED
    by_id = dict(rules.BY_ID)
    origins: dict[tuple[str, str], str] = {}
    for id, table in changes.items():
        rule = by_id.get(id)
        if rule is None:
            raise ConfigError(f"{file}: alerts.{plain(id, 60)}: no such rule; {nearest(id, list(rules.BY_ID))}")
        by_id[id] = _changed(rule, table, f"{file}: alerts.{id}")
        origins |= {(id, key): file for key in table}
    found = []
    for at, alert in enumerate(own):
        one = _own(alert, f"{file}: alert[{at}]")
        if one.rule.id in by_id:
            raise ConfigError(f"{file}: alert[{at}].id: there is a rule `{one.rule.id}` already; expected another id")
        by_id[one.rule.id] = one.rule
        found.append(one)
    return RuleSet(tuple(by_id.values()), by_id, tuple(found), origins)


def keys_of(rule: Rule) -> list[str]:
    """What of a shipped rule can be set."""
    levels = [level for level in LEVELS if getattr(rule, level) < inf]
    return ["enabled", *(["severity"] if rule.is_fact else []), *levels, *DURATIONS, "ease", *rule.also, *_TEXTS]


def _changed(rule: Rule, table: Any, where: str) -> Rule:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: expected a table such as [alerts.{rule.id}], got `{plain(str(table), 40)}`")
    values: dict[str, Any] = {}
    also = dict(rule.also)
    for key, given in table.items():
        place = f"{where}.{plain(key, 40)}"
        if key not in keys_of(rule):
            raise ConfigError(f"{where}: unknown key `{plain(key, 40)}`; known are: {', '.join(keys_of(rule))}")
        if key in also:
            also[key] = _also(rule, key, given, place)
        elif key in LEVELS:
            values[key] = _threshold(given, rule.unit, place)
        elif key in DURATIONS:
            values[DURATIONS[key]] = _checked(duration, given, place)
        else:
            values[key] = _plainly(key, given, place)
    changed = replace(rule, also=also, **values)
    _in_order(changed, where)
    return changed


def _also(rule: Rule, key: str, given: Any, place: str) -> float:
    shipped = rules.WRITTEN[rule.id][key]
    if isinstance(shipped, str):
        return _checked(duration, given, place)
    return _threshold(given, "count" if isinstance(shipped, int) else "ratio", place)


def _threshold(given: Any, unit: str, place: str) -> float:
    """No figure that shipped rules are about is ever negative."""
    found = _checked(lambda given: quantity(given, unit), given, place)
    if found < 0:
        raise ConfigError(f"{place}: expected 0 or more, got `{plain(str(given), 40)}`")
    return found


def _plainly(key: str, given: Any, place: str) -> Any:
    if key == "enabled" and not isinstance(given, bool):
        raise ConfigError(f"{place}: expected true or false, got `{plain(str(given), 40)}`")
    if key == "severity":
        if given not in LEVELS:
            raise ConfigError(f"{place}: expected {' or '.join(LEVELS)}, got `{plain(str(given), 40)}`")
        return Severity(given)
    if key == "ease":
        ease = _checked(lambda given: quantity(given, "ratio"), given, place)
        if not 0.5 <= ease <= 1:
            raise ConfigError(f"{place}: expected 0.5 to 1, got `{given}`")
        return ease
    if key in _TEXTS:
        if not isinstance(given, str):
            raise ConfigError(f"{place}: expected a text, got `{plain(str(given), 40)}`")
        return plain(given, 300)
    return given


def _checked(read: Callable[[Any], float], given: Any, place: str) -> float:
    try:
        return read(given)
    except ValueError as error:
        raise ConfigError(f"{place}: {plain(str(error), 200)}") from None


def _in_order(rule: Rule, where: str) -> None:
    warning, critical = rule.warning, rule.critical
    if inf in (warning, critical):
        return
    if (warning < critical) if rule.is_below else (warning > critical):
        than = "below" if rule.is_below else "above"
        raise ConfigError(
            f"{where}: warning {warning:g} is {than} critical {critical:g}; expected the milder one first"
        )


def _own(alert: OwnAlert, where: str) -> OwnRule:
    if not alert.id or plain(alert.id, 60) != alert.id or " " in alert.id:
        raise ConfigError(f"{where}.id: expected a name without spaces, got `{plain(alert.id, 40)}`")
    if alert.of not in figures.OF:
        known = ", ".join(figures.OF)
        raise ConfigError(f"{where}.of: expected one of {known}, got `{plain(alert.of, 40)}`")
    names = figures.names(alert.of)
    if alert.figure not in names:
        near = nearest(alert.figure, names)
        raise ConfigError(f"{where}.figure: no `{plain(alert.figure, 60)}` of {_a(alert.of)}; {near}")
    if (alert.above is None) == (alert.below is None):
        raise ConfigError(f"{where}: expected `above` or `below`, and only one of them")
    if alert.service is not None and alert.of in ("disk", "host"):
        raise ConfigError(f"{where}.service: {_a(alert.of)} belongs to no service: expected none")
    key = "above" if alert.below is None else "below"
    rule = _rule(alert, key, where)
    _in_order(rule, f"{where}.{key}")
    return OwnRule(rule, alert.of, alert.figure, alert.service, plain(alert.says, 120))


def _a(noun: str) -> str:
    return f"an {noun}" if noun == "instance" else f"a {noun}"


def _rule(alert: OwnAlert, key: str, where: str) -> Rule:
    unit = figures.unit(alert.figure)
    given = alert.above if alert.below is None else alert.below
    both = given if isinstance(given, Levels) else Levels(warning=given)
    if both.warning is None and both.critical is None:
        raise ConfigError(f"{where}.{key}: expected a warning or critical threshold")
    levels: dict[str, Any] = {
        level: _checked(lambda given: quantity(given, unit), value, f"{where}.{key}.{level}")
        for level in LEVELS
        if (value := getattr(both, level)) is not None
    }
    keep = alert.keep if alert.keep is not None else (_KEEP_FLOWS_S if alert.of in ("pool", "queue") else 5.0)
    critical_for = alert.critical_for
    return Rule(
        id=alert.id,
        cause=alert.id,
        do=plain(alert.do, 300),
        title=plain(alert.says, 120) or alert.id,
        playbook=alert.playbook,
        unit=unit,
        ease=alert.ease,
        for_s=_checked(duration, alert.wait, f"{where}.for"),
        critical_for_s=None if critical_for is None else _checked(duration, critical_for, f"{where}.critical_for"),
        keep_s=_checked(duration, keep, f"{where}.keep"),
        enabled=alert.enabled,
        is_below=key == "below",
        **levels,
    )
