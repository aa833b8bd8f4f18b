"""What series of other machines are called here: labels to plain, bounded names of hosts, projects, services."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from mcptop.units import plain

Labels = Mapping[str, str]
MOST_TEXT = 200
_HASH = "[bcdfghjklmnpqrstvwxz2456789]"
"""The letters Kubernetes makes its suffixes of: no vowels, so that they spell nothing."""
_OWNERS = (
    re.compile(rf"(.+)-{_HASH}{{5,10}}-{_HASH}{{5}}"),  # Deployment: owner, hash of its template, suffix
    re.compile(rf"(.+)-\d{{8,}}-{_HASH}{{5}}"),  # CronJob: owner, minute, suffix
    re.compile(rf"(.+)-{_HASH}{{5}}"),  # DaemonSet, Job
    re.compile(r"(.+)-\d{1,5}"),  # StatefulSet: owner, number
)
_HOST_LABELS = ("host", "hostname", "node", "nodename", "kubernetes_node", "kubernetes_io_hostname")
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_DOCKER = "container_label_com_docker_"


class Named(NamedTuple):
    """A container, by the names it has here."""

    project: str | None
    service: str
    replica: str


def text(labels: Labels, name: str) -> str:
    """A label's value as it may be shown; empty where there is none."""
    value = labels.get(name)
    return plain(value, MOST_TEXT) if value else ""


def address_of(instance: str) -> str:
    """`web1:9477` without the port, `[::1]:9477` without port and brackets."""
    host, mark, port = instance.rpartition(":")
    return plain((host if mark and port.isdigit() else instance).strip("[]"), MOST_TEXT)


def host_of(labels: Labels) -> str | None:
    """The machine, where a label names it."""
    return next((found for label in _HOST_LABELS if (found := text(labels, label))), None)


def owner_of(pod: str) -> str:
    """What made a pod, by the suffix of the pod's name: the name itself where it has none."""
    for pattern in _OWNERS:
        if found := pattern.fullmatch(pod):
            return found[1]
    return pod


def container_of(labels: Labels) -> Named | None:
    """By cAdvisor's labels: of Kubernetes, Compose or Swarm, else its name alone. None for what is no container."""
    if pod := text(labels, "pod") or text(labels, "pod_name"):
        container = text(labels, "container") or text(labels, "container_name")
        if container in ("", "POD"):
            return None
        owner = owner_of(pod)
        is_main = container == owner
        service = owner if is_main else f"{owner}/{container}"
        return Named(text(labels, "namespace") or None, service, pod if is_main else f"{pod}/{container}")
    name = text(labels, "name")
    if not name:
        return None
    project = text(labels, f"{_DOCKER}compose_project") or None
    if service := text(labels, f"{_DOCKER}compose_service"):
        return Named(project, service, name)
    if service := text(labels, f"{_DOCKER}swarm_service_name"):
        stack = text(labels, f"{_DOCKER}stack_namespace") or None
        return Named(stack, service.removeprefix(f"{stack}_") if stack else service, name)
    return Named(project, name, name)


def container_id(path: str) -> str | None:
    """The id in a cgroup's path: `/docker/ID`, `/system.slice/docker-ID.scope`, `/kubepods/.../ID`."""
    found = _ID.findall(path)
    return found[-1] if found else None
