"""A HorizontalPodAutoscaler with the guide's behaviour, corrected.

The guide scales on memory as well, of Python services: their memory rarely falls, so it goes up with the load and does
not come down, and blocks the CPU from scaling down. And utilisation is a share of the request: without requests in the
Deployment there is none, which the guide does not show.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from mcptop.advice import profiles, replicas, signals
from mcptop.analysis import hpa
from mcptop.analysis.hpa import Rules
from mcptop.analysis.hpa_course import course
from mcptop.model.value import Value

QUEUE_METRIC = "mcptop_queue_depth"
NO_MEMORY = ("mcp-api", "mcp-worker", "ui", "model-runner")
"""Python gives memory back rarely, and weights are page cache: neither tells how many replicas it takes."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")
_HEAD = """\
# A HorizontalPodAutoscaler for {service}, with the guide's behaviour: at most 2 more a minute after a minute of need,
# at most 1 less a minute after five minutes without. From {least} to {most} it takes at least {minutes:.0f} min.
# Utilisation is a share of the request. Without this in the Deployment there is none, and nothing is scaled:
#   kubectl patch deployment {service} --patch-file THIS
#     spec:
#       template:
#         spec:
#           containers:
#           - name: {service}
#             resources:
#               requests: {{cpu: {cpu}, memory: {memory}}}
# Take `replicas` out of the Deployment, or each `kubectl apply` sets them back.
"""
_NO_MEMORY = """\
# No memory target, which the guide has: memory that a Python service once took it rarely gives back, so the target
# would scale up and never down, and hold the CPU's scaling down back as well.
"""
_QUEUE = """\
# {metric} comes from `mcptop exporter` through Prometheus and an adapter for external metrics (prometheus-
# adapter, KEDA); averageValue: so many waiting entries for each replica.
"""


class HpaError(Exception):
    """It cannot be written; one line: what, and what to do."""


class Wanted(Value, frozen=True):
    """What somebody asks for."""

    service: str
    least: int = replicas.LEAST
    most: int = replicas.MOST
    cpu_percent: int = signals.TARGET_PERCENT
    memory_percent: int | None = None
    queue_target: int | None = None
    """Waiting entries for each replica; None: not by the queue."""
    queue_metric: str = QUEUE_METRIC


def text(wanted: Wanted) -> str:
    """The file. Raises `HpaError`."""
    if not _NAME.fullmatch(wanted.service):
        raise HpaError("--service: no name that Kubernetes takes: small letters, digits and `-`")
    if not 1 <= wanted.least <= wanted.most:
        raise HpaError(f"--min {wanted.least} --max {wanted.most}: expected 1 <= min <= max")
    if wanted.memory_percent is not None and wanted.service in NO_MEMORY:
        raise HpaError(f"--memory-target: not for {wanted.service}: its memory does not fall with its load, so it "
                       "would be scaled up and never down; use the CPU, or --queue-target")  # fmt: skip
    head = _HEAD.format(service=wanted.service, least=wanted.least, most=wanted.most, minutes=_minutes(wanted),
                        **_requests(wanted.service))  # fmt: skip
    if wanted.memory_percent is None:
        head += _NO_MEMORY
    if wanted.queue_target is not None:
        head += _QUEUE.format(metric=wanted.queue_metric)
    return head + yaml.safe_dump(_document(wanted), sort_keys=False, width=120)


def _document(wanted: Wanted) -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": f"{wanted.service}-hpa"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": wanted.service},
            "minReplicas": wanted.least,
            "maxReplicas": wanted.most,
            "metrics": _metrics(wanted),
            "behavior": {"scaleDown": _rules(hpa.GUIDE.down), "scaleUp": _rules(hpa.GUIDE.up)},
        },
    }


def _metrics(wanted: Wanted) -> list[dict[str, Any]]:
    metrics = [_resource("cpu", wanted.cpu_percent)]
    if wanted.memory_percent is not None:
        metrics.append(_resource("memory", wanted.memory_percent))
    if wanted.queue_target is not None:
        metrics.append({
            "type": "External",
            "external": {
                "metric": {"name": wanted.queue_metric, "selector": {"matchLabels": {"service": wanted.service}}},
                "target": {"type": "AverageValue", "averageValue": str(wanted.queue_target)},
            },
        })  # fmt: skip
    return metrics


def _resource(name: str, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def _rules(rules: Rules) -> dict[str, Any]:
    policies = [
        {"type": str(policy.type), "value": policy.value, "periodSeconds": round(policy.period_s)}
        for policy in rules.policies
    ]
    return {"stabilizationWindowSeconds": round(rules.window_s), "selectPolicy": str(rules.select),
            "policies": policies}  # fmt: skip


def _requests(service: str) -> dict[str, str]:
    """In Kubernetes' units: the guide's reservations; for others what it reserves for its api."""
    memory, cpu = profiles.RESERVED[profiles.PREFIXES.get(service, "API")]
    return {"cpu": f"{float(cpu) * 1000:.0f}m", "memory": f"{profiles.in_bytes(memory) / (1 << 20):.0f}Mi"}


def _minutes(wanted: Wanted) -> float:
    steps = course(wanted.least, wanted.most, hpa.GUIDE, least=wanted.least, most=wanted.most)
    return steps[-1][0] / 60 if steps else 0.0
