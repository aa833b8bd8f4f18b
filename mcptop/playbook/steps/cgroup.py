"""`cgroup`: what the kernel counts for the target's control group: throttling, memory by kind, kills, pressure, I/O.

Version 1, version 2, and both beside each other. Of a host process it is the group it is in, which others may share.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Output, Raw, StepFailure, now, observed
from mcptop.playbook.steps.cgroup_figures import EMITS, figures
from mcptop.playbook.steps.two_looks import Options, TwoLooks, living, twice
from mcptop.sources import cgroup_paths
from mcptop.sources.cgroup_paths import UNIFIED
from mcptop.sources.kept import contents
from mcptop.units import percent

# Hierarchy -> its files. What one of version 1 has goes before what the unified one beside it has.
_FILES: dict[str, tuple[str, ...]] = {
    "cpu": ("cpu.stat", "cpu.cfs_quota_us", "cpu.cfs_period_us"),
    "memory": ("memory.usage_in_bytes", "memory.limit_in_bytes", "memory.stat", "memory.failcnt", "memory.oom_control",
               "memory.kmem.usage_in_bytes", "memory.kmem.tcp.usage_in_bytes"),
    "blkio": ("blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced"),
    "pids": ("pids.current", "pids.max"),
    UNIFIED: ("cpu.stat", "cpu.max", "memory.current", "memory.max", "memory.stat", "memory.events", "io.stat",
              "pids.current", "pids.max", "cpu.pressure", "memory.pressure", "io.pressure"),
}  # fmt: skip


class Look(Value, frozen=True):
    """The files at one moment."""

    at: float
    """Monotonic seconds."""
    version: str
    """v1, v2 or hybrid."""
    shared: bool
    files: dict[str, str]
    """Name -> content; those that are not there are missing."""


class Cgroup(TwoLooks):
    """See the module."""

    name: ClassVar[str] = "cgroup"
    says: ClassVar[str] = "reading its control group"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = EMITS

    def collect(self, context: Context, options: Options) -> Raw:
        """Read twice. Raises `StepFailure`."""
        directories = _directories(context)
        return twice(context, options.over, lambda number: _look(context, directories, number))

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Counts and what came to them."""
        first, last = (msgspec.json.decode(output.data, type=Look) for output in raw)
        seconds = last.at - first.at
        before, after = ({name: text.encode() for name, text in look.files.items()} for look in (first, last))
        return {"version": last.version, "shared": last.shared, **figures(before, after, seconds)}

    def summary(self, values: Mapping[str, Any]) -> str:
        """Throttling and memory."""
        throttled, memory = percent(values["throttled_ratio"]), percent(values["memory"]["limit_ratio"])
        return f"{values['version']}; throttled in {throttled} of the periods, memory at {memory} of its limit"


def _directories(context: Context) -> dict[str, str]:
    procfs, sysfs = context.roots.procfs, context.roots.sysfs
    text = contents(f"{procfs}/{living(context)}/cgroup").decode("utf-8", "replace")
    if not text:
        raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")
    membership = cgroup_paths.parse_membership(text)
    mounts = cgroup_paths.parse_mounts(contents(f"{procfs}/self/mountinfo").decode("utf-8", "replace"), sysfs)
    container = context.subject.container
    found = (
        cgroup_paths.own_directories(membership, mounts)
        if container is None
        else cgroup_paths.directories(membership, mounts, container)
    )
    if not any(name in _FILES for name in found):
        raise StepFailure(StepStatus.NO_DATA, "it is in no control group of its own")
    return found


def _look(context: Context, directories: Mapping[str, str], number: int) -> Output:
    began, started_at = time.monotonic(), now()
    files: dict[str, str] = {}
    for hierarchy, names in _FILES.items():
        for name in names if hierarchy in directories else ():
            if name not in files and (text := _content(f"{directories[hierarchy]}/{name}")) is not None:
                files[name] = text
    if not files:
        raise StepFailure(StepStatus.TARGET_GONE, "its control group has been removed")
    look = Look(began, _version(directories), _is_shared(context, directories), files)
    data = msgspec.json.encode(look)
    return observed(f"cgroup-{number}.json", "cgroup", data, started_at, time.monotonic() - began)


def _content(path: str) -> str | None:
    """None where there is no such file or it may not be read; an empty one says something (no I/O yet)."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def _version(directories: Mapping[str, str]) -> str:
    old = any(name in directories for name in ("cpu", "memory", "blkio", "pids"))
    return "v2" if not old else "hybrid" if UNIFIED in directories else "v1"


def _is_shared(context: Context, directories: Mapping[str, str]) -> bool:
    """Whether a host process has others beside it in one of its groups."""
    if context.subject.container is not None:
        return False
    own = frozenset(map(str, context.subject.pids))
    members = (contents(f"{directory}/cgroup.procs").decode("ascii", "replace") for directory in directories.values())
    return any(not own.issuperset(text.split()) for text in members)
