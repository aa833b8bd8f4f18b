"""What an alert of Prometheus says: whose it is, what is wrong with its figure and unit, what to do. Pure.

Labels are names that containers gave themselves: in a command to be copied only harmless letters of them are left.
"""

from __future__ import annotations

import re

from mcptop.exposition.catalogue import BY_NAME
from mcptop.model.rule import Rule

_VALUES = {
    "ratio": "{{ $value | humanizePercentage }}",
    "bytes": "{{ $value | humanize1024 }}B",
    "bytes/s": "{{ $value | humanize1024 }}B/s",
    "seconds": "{{ $value | humanizeDuration }}",
    "count/s": '{{ $value | printf "%.3g" }}',
    "cores": '{{ $value | printf "%.2f" }} cores',
}
_COUNT = '{{ $value | printf "%.0f" }}'
_SERVICE = (
    "{{ if $labels.project }}{{ $labels.project }}/{{ end }}{{ $labels.service }}"
    "{{ if $labels.replica }} ({{ $labels.replica }}){{ end }}"
)
_SAFE_SERVICE = (
    '{{ if $labels.project }}{{ reReplaceAll "[^A-Za-z0-9._-]" "?" $labels.project }}/{{ end }}'
    '{{ reReplaceAll "[^A-Za-z0-9._@-]" "?" $labels.service }}'
)


def literal(text: str) -> str:
    """A text that is no template, in one: what the user wrote is shown as it is, braces too."""
    return text.replace("{", '{{ "{" }}')


def texts_of(rule: Rule, expr: str, says: str, unit: str) -> dict[str, str]:
    """The annotations. `says` has {value} for the expression's value and {label} for labels."""
    labels = _labels(expr)
    whom = _whom(labels)
    text = re.sub(r"\{(\w+)\}", lambda m: _VALUES.get(unit, _COUNT) if m[1] == "value" else _label(m[1]), says)
    found = {"summary": f"{whom}: {literal(rule.title)}", "description": f"{whom}: {text}"}
    if rule.do:
        found["do"] = literal(rule.do)
    if rule.playbook is not None:
        service = f" --service '{_SAFE_SERVICE}'" if "service" in labels else ""
        command = f"mcptop diagnose {literal(rule.playbook)}{service}"
        # A server that is only asked cannot be looked into.
        found["runbook"] = (
            f'{{{{ if ne $labels.kind "server" }}}}{command}{{{{ end }}}}' if "kind" in labels else command
        )
    return found


def _labels(expr: str) -> frozenset[str]:
    """Of the series on the left, which are the alert's."""
    first = re.search(r"mcptop_\w+", expr)
    family = BY_NAME.get(first[0]) if first else None
    return frozenset() if family is None else frozenset(family.labels)


def _whom(labels: frozenset[str]) -> str:
    if "service" in labels:
        return _SERVICE
    for name in ("host", "server"):
        if name in labels:
            return _label(name)
    return "mcptop on {{ $labels.instance }}"


def _label(name: str) -> str:
    return f"{{{{ $labels.{name} }}}}"
