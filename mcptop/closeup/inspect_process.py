"""A host process as sections of facts, by its files under /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mcptop.closeup import facts as made
from mcptop.closeup.world import Problems
from mcptop.model.closeup import Fact
from mcptop.sources.kept import contents
from mcptop.sources.process_table import Identity
from mcptop.sources.procfs import Roots
from mcptop.units import plain

_LIMITS = ("Max open files", "Max processes", "Max locked memory", "Max address space", "Max core file size",
           "Max cpu time", "Max file size", "Max stack size")  # fmt: skip
_LONGEST_ENVIRONMENT = 1 << 18


def facts(roots: Roots, process: Identity, instance: str, problems: Problems) -> Iterator[Fact]:
    """Section by section; what may not be read is a problem."""
    base = f"{roots.procfs}/{process.pid}"
    words = contents(f"{base}/cmdline").decode("utf-8", "replace").rstrip("\0").split("\0")
    yield made.fact("process", "pid", process.pid, instance)
    for name, path in _links(base, problems):
        yield made.fact("process", name, path, instance)
    yield made.command("process", "command", words, instance)
    yield made.fact("process", "unit", process.unit or "none", instance)
    for controller, path in sorted(process.membership.items()):
        # The root is everybody's.
        if path != "/":
            yield made.fact("cgroup", controller or "unified", path, instance)
    yield from limits(contents(f"{base}/limits"), instance)
    yield from _environment(f"{base}/environ", instance, problems)


def _links(base: str, problems: Problems) -> Iterator[tuple[str, str]]:
    try:
        for name in ("exe", "cwd", "root"):
            yield name, os.readlink(f"{base}/{name}")
    except PermissionError:
        problems.add("a process does not show its program and folders: run as root")
    except OSError:
        # A zombie has none any more.
        return


def limits(data: bytes, instance: str) -> Iterator[Fact]:
    """The limits that are met most often, of /proc/PID/limits: `soft, hard unit`."""
    for line in data.decode("ascii", "replace").splitlines():
        name = next((name for name in _LIMITS if line.startswith(name)), None)
        fields = line.removeprefix(name).split() if name else []
        if name and len(fields) >= 2:
            soft, hard, unit = fields[0], fields[1], " ".join(fields[2:])
            value = f"{soft} {unit}" if soft == hard else f"{soft} {unit} (hard limit {hard})"
            yield Fact("limits", name.removeprefix("Max "), plain(value.strip()), instance=instance)


def _environment(path: str, instance: str, problems: Problems) -> Iterator[Fact]:
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read(_LONGEST_ENVIRONMENT)
    except PermissionError:
        problems.add("a process does not show its environment: run as root")
        return
    except OSError:
        return
    entries = data.decode("utf-8", "replace").split("\0")
    yield from made.environment((entry for entry in entries if "=" in entry), instance)
