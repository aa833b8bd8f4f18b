"""Where the cgroups of a process are: the mount table joined with /proc/PID/cgroup, never a template.

Knows v1, v2 and hybrid (v1 controllers with a v2 tree beside them). Does not read any controller file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

UNIFIED = ""
"""The key of the v2 hierarchy, as /proc/PID/cgroup writes it (`0::/path`)."""

_CONTAINER_ID = re.compile(r"(?:^|[-_:])([0-9a-f]{64})(?:\.scope)?$")


class Mount(NamedTuple):
    """A mounted cgroup hierarchy."""

    point: str
    root: str
    """Which cgroup appears at the mount point, as this process's cgroup namespace names it."""


def parse_mounts(mountinfo: str, sysfs: str = "/sys") -> dict[str, Mount]:
    """Controller (or UNIFIED) -> mount, from the text of mountinfo(5). `sysfs` replaces a leading /sys."""
    mounts: dict[str, Mount] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if len(left) < 5 or len(right) < 3 or right[0] not in ("cgroup", "cgroup2"):
            continue
        mount = Mount(_under(sysfs, _unescape(left[4])), _unescape(left[3]))
        names = [UNIFIED] if right[0] == "cgroup2" else right[2].split(",")
        for name in names:
            mounts.setdefault(name, mount)
    return mounts


def _under(sysfs: str, point: str) -> str:
    if sysfs == "/sys" or point.startswith(sysfs + "/"):
        return point
    return sysfs + point.removeprefix("/sys") if point.startswith("/sys/") else point


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def parse_membership(text: str) -> dict[str, str]:
    """Controller (or UNIFIED) -> cgroup path, from /proc/PID/cgroup."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split(":", 2)
        if len(fields) == 3:
            for name in fields[1].split(","):
                paths[name] = fields[2]
    return paths


def container_id(path: str) -> str | None:
    """The container id a cgroup path carries, whatever the driver (cgroupfs, systemd, Podman, Kubernetes)."""
    found = None
    for component in path.split("/"):
        if match := _CONTAINER_ID.search(component):
            found = match[1]
    return found


def container_id_of(membership: Mapping[str, str]) -> str | None:
    """The container a process belongs to, or None for a process of the host."""
    for path in dict.fromkeys(membership.values()):
        if found := container_id(path):
            return found
    return None


def directories(membership: Mapping[str, str], mounts: Mapping[str, Mount], container: str) -> dict[str, str]:
    """Controller (or UNIFIED) -> directory of the container's own cgroup, for those that exist.

    A process may live in a cgroup below its container's (systemd inside, Podman's `container` child); the
    path is cut at the component that carries the id. A path that does not carry it is somebody else's cgroup: of the
    user who runs a rootless container, or of the runtime that has not yet put the container into this one.
    """
    found: dict[str, str] = {}
    for name, path in membership.items():
        mount, own = mounts.get(name), _cut_at(path, container)
        if mount is None or own is None:
            continue
        directory = _join(mount, own)
        if os.path.isdir(directory):
            found[name] = directory
    return found


def own_directories(membership: Mapping[str, str], mounts: Mapping[str, Mount]) -> dict[str, str]:
    """Controller (or UNIFIED) -> directory of the cgroup a process is in, where that is not everybody's (the root)."""
    joined = {name: _join(mounts[name], path) for name, path in membership.items() if name in mounts and path != "/"}
    return {name: directory for name, directory in joined.items() if os.path.isdir(directory)}


def _cut_at(path: str, container: str) -> str | None:
    components = path.split("/")
    for index in range(len(components) - 1, -1, -1):
        if container in components[index]:
            return "/".join(components[: index + 1])
    return None


def _join(mount: Mount, path: str) -> str:
    # Both are named from our own cgroup namespace, so a `/..` in front of either means the same place.
    root = mount.root.rstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
    return mount.point + "/" + path.strip("/")


def unit_of(membership: Mapping[str, str]) -> str | None:
    """The systemd unit or the named cgroup of a host process, None at the root or in a login session."""
    path = membership.get(UNIFIED) or membership.get("name=systemd") or "/"
    components = [c for c in path.split("/") if c and c != ".."]
    for component in reversed(components):
        if component.endswith(".service") and not component.startswith("user@"):
            return component.removesuffix(".service")
    last = components[-1] if components else ""
    return None if not last or last.endswith((".scope", ".slice")) or last.startswith("user@") else last
