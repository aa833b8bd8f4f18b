"""`docker-stats`: the engine's own figures once, to hold the kernel's against them.

What `docker stats` calls memory is the usage without the page cache that can be dropped at once.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook import symptoms
from mcptop.playbook.steps.base import Context, NoOptions, Output, Raw, StepFailure, now, observed
from mcptop.playbook.steps.docker_asking import asking, container_of, gone
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.tool_version import version
from mcptop.sources import command, docker_hosts
from mcptop.units import long_size

_SIZE = re.compile(r"([\d.]+)\s*([kKMGTP]?)(i?)B")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_NEAR_RATIO, _NEAR_BYTES = 0.1, 16 << 20


class DockerStats:
    """See the module."""

    name: ClassVar[str] = "docker-stats"
    says: ClassVar[str] = "asking the engine for its figures"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = NoOptions
    emits: ClassVar[Mapping[str, str]] = {
        "cpu_percent": "of one core",
        "memory_bytes": "usage with all page cache; the command does not tell",
        "memory_minus_cache_bytes": "without what can be dropped at once",
        "kernel_bytes": "the same by the kernel's files, in the monitor's last frame",
        "agrees": "both are within 10 % or 16 MiB of each other",
    }  # fmt: skip

    def expected_s(self, options: NoOptions) -> float:
        """The engine takes its time."""
        return 2.5

    def collect(self, context: Context, options: NoOptions) -> Raw:
        """The command where there is one, else the engine. Raises `StepFailure`."""
        container = container_of(context)
        answer = _by_command(context, container) if command.path_of("docker") else _by_engine(context, container)
        frame = context.frames.latest
        seen = symptoms.seen([frame], container)
        known = {"working_set_bytes": seen[-1].memory.working_set_bytes if seen else None}
        return (answer, observed("kernel.json", "monitor", msgspec.json.encode(known), now(), 0.0))

    def read(self, raw: Raw, options: NoOptions, subject: Subject) -> dict[str, Any]:
        """The figures. Raises `StepFailure`."""
        try:
            answer = json.loads(raw[0].data)
            found = of_command(answer) if "MemUsage" in answer else of_engine(answer)
        except (ValueError, TypeError, AttributeError):
            raise StepFailure(StepStatus.PARSE_ERROR, "docker stats: its output is not the expected one") from None
        if found["memory_minus_cache_bytes"] is None:
            raise StepFailure(StepStatus.NO_DATA, "the engine has no figures of it: it does not run")
        kernel = json.loads(raw[1].data)["working_set_bytes"]
        return {**found, "kernel_bytes": kernel, "agrees": _agree(found["memory_minus_cache_bytes"], kernel)}

    def summary(self, values: Mapping[str, Any]) -> str:
        """What it says of memory, and whether the kernel says so too."""
        says = f"memory {long_size(values['memory_minus_cache_bytes'])}"
        return says if values["agrees"] is None else f"{says}, the kernel {'agrees' if values['agrees'] else 'differs'}"


def _by_command(context: Context, container: str) -> Output:
    address = docker_hosts.find(context.settings.engines, container)
    host = ["-H", address] if address else []
    argv = ["docker", *host, "stats", "--no-stream", "--no-trunc", "--format", "{{json .}}", container]
    complaint, output = context.run("docker-stats.json", argv, 15.0, version=version("docker"))
    if output.provenance.exit_code:
        says = complaint.decode("utf-8", "replace").strip()
        if "no such container" in says.lower():
            raise gone()
        status = StepStatus.PERMISSION_DENIED if "permission denied" in says.lower() else StepStatus.NO_DATA
        raise StepFailure(status, f"docker stats: {says.splitlines()[-1] if says else 'it said nothing'}")
    return output


def _by_engine(context: Context, container: str) -> Output:
    began, started_at = time.monotonic(), now()
    with asking(context) as engine:
        answer = engine.stats_now(container)
        version = engine.version
    used = {key: answer.get(key) for key in ("cpu_stats", "precpu_stats", "memory_stats")}
    return observed("docker-stats.json", "docker stats", json.dumps(used).encode(), started_at,
                    time.monotonic() - began, version=version)  # fmt: skip


def of_command(answer: Mapping[str, Any]) -> dict[str, Any]:
    """One object of `docker stats --format '{{json .}}'`: `12.34%`, `10.5MiB / 1GiB`; `--` is not known."""
    percent = str(answer.get("CPUPerc", "")).rstrip("%")
    memory = size(str(answer["MemUsage"]).partition("/")[0])
    return {
        "cpu_percent": float(percent) if re.fullmatch(r"\d+(\.\d+)?", percent) else None,
        "memory_bytes": None,
        # A container that has ended is given with zeros.
        "memory_minus_cache_bytes": memory or None,
    }


def size(text: str) -> int | None:
    """`512B`, `1.5kB` (powers of 1000), `10.5MiB` (powers of 1024)."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    unit: int = (1024 if match[3] else 1000) ** _POWERS[match[2].lower()]
    return round(float(match[1]) * unit)


def of_engine(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of the engine, with the look before it (`precpu_stats`)."""
    memory = answer.get("memory_stats") or {}
    split, usage = memory.get("stats") or {}, memory.get("usage")
    cache = split.get("total_inactive_file", split.get("inactive_file")) or 0
    minus = None if usage is None else usage - cache if cache < usage else usage
    return {"cpu_percent": _cpu(answer), "memory_bytes": usage, "memory_minus_cache_bytes": minus}


def _cpu(answer: Mapping[str, Any]) -> float | None:
    now_, before = answer.get("cpu_stats") or {}, answer.get("precpu_stats") or {}
    if not before.get("system_cpu_usage") or not now_.get("system_cpu_usage"):
        return None
    used = now_["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    passed = now_["system_cpu_usage"] - before["system_cpu_usage"]
    cpus = now_.get("online_cpus") or len(now_["cpu_usage"].get("percpu_usage") or ()) or 1
    found: float | None = rounded(100.0 * cpus * used / passed) if passed > 0 else None
    return found


def _agree(engine: int, kernel: int | None) -> bool | None:
    return None if kernel is None else abs(engine - kernel) <= max(_NEAR_BYTES, _NEAR_RATIO * kernel)
