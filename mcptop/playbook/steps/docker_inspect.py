"""`docker-inspect`: what the engine says of the container: state, restarts, health, limits, the size of its log."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Output, Raw, StepFailure, now, observed
from mcptop.playbook.steps.docker_asking import asking, container_of, gone
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.two_looks import Options, TwoLooks, per_s, twice
from mcptop.sources.docker_engine import DockerEngine
from mcptop.sources.docker_target import Answer, cpu_limit, timestamp
from mcptop.units import plain

# The whole answer has the container's environment in it: what is not used is not kept.
_STATE = ("Status", "Running", "ExitCode", "OOMKilled", "Error", "StartedAt", "FinishedAt")
_SETTINGS = ("RestartPolicy", "Memory", "NanoCpus", "CpuQuota", "CpuPeriod")


class Look(Value, frozen=True):
    """The container at one moment."""

    at: float
    """Unix seconds."""
    answer: dict[str, Any]
    log_bytes: int | None


class DockerInspect(TwoLooks):
    """See the module."""

    name: ClassVar[str] = "docker-inspect"
    says: ClassVar[str] = "asking the engine about the container"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "seconds": "between the two looks",
        "state": "running, restarting, exited, paused, created, dead",
        "exit_code": "of the last run; unknown while it runs",
        "oom_killed": "the last run was ended for lack of memory",
        "error": "why it could not be started",
        "restarts": "by its restart policy, since it was made", "restarts_growth": "of them while we looked",
        "restart_policy": "no, always, on-failure, unless-stopped",
        "health": "healthy, unhealthy, starting; unknown without a check",
        "health_failing": "checks that failed in a row", "health_output": "what the last check said",
        "started_at": "when the present run began", "uptime_s": "how long it runs",
        "memory_limit_bytes": "unknown without one", "cpu_limit_cores": "unknown without one",
        "log_path": "the file the engine keeps its output in", "log_bytes": "how large it is",
        "log_bytes_per_s": "how fast it grows",
        "image": "what it was made from",
    }  # fmt: skip

    def collect(self, context: Context, options: Options) -> Raw:
        """Ask twice. Raises `StepFailure`."""
        container = container_of(context)
        with asking(context) as engine:
            return twice(context, options.over, lambda number: _look(engine, container, number))

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What the engine said. Raises `StepFailure`."""
        try:
            first, last = (msgspec.json.decode(output.data, type=Look) for output in raw)
            return _values(first, last)
        except (msgspec.DecodeError, AttributeError, TypeError, ValueError) as error:
            raise StepFailure(StepStatus.PARSE_ERROR, f"the engine's answer: {error}") from None

    def summary(self, values: Mapping[str, Any]) -> str:
        """State, restarts, health."""
        says = f"{values['state']}, {values['restarts']} restarts"
        return f"{says}, {values['health']}" if values["health"] else says


def _look(engine: DockerEngine, container: str, number: int) -> Output:
    began, started_at = time.monotonic(), now()
    answer = engine.inspect(container)
    if answer is None:
        raise gone()
    look = Look(time.time(), kept(answer), _size(str(answer.get("LogPath") or "")))
    data = msgspec.json.encode(look)
    return observed(f"inspect-{number}.json", "docker inspect", data, started_at, time.monotonic() - began,
                    version=engine.version)  # fmt: skip


def kept(answer: Answer) -> dict[str, Any]:
    """The parts of an answer that are used here."""
    state = answer.get("State") or {}
    health = state.get("Health") or {}
    return {
        "RestartCount": answer.get("RestartCount"),
        "LogPath": answer.get("LogPath"),
        "Config": {"Image": (answer.get("Config") or {}).get("Image")},
        "HostConfig": {key: (answer.get("HostConfig") or {}).get(key) for key in _SETTINGS},
        "State": {
            **{key: state.get(key) for key in _STATE},
            "Health": {**health, "Log": (health.get("Log") or [])[-1:]} if health else None,
        },
    }


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size if path else None
    except OSError:
        # The engine is on another machine, or only root may look there.
        return None


def _values(first: Look, last: Look) -> dict[str, Any]:
    seconds, answer = last.at - first.at, last.answer
    state, settings = answer["State"], answer["HostConfig"]
    health = state.get("Health") or {}
    began = timestamp(state.get("StartedAt")) if state.get("Running") else None
    before, after = first.answer.get("RestartCount"), answer.get("RestartCount")
    grew = last.log_bytes - first.log_bytes if last.log_bytes is not None and first.log_bytes is not None else None
    ended = [s for s in (state, first.answer["State"]) if s.get("Status") in ("exited", "dead", "restarting")]
    return {
        "seconds": rounded(seconds),
        "state": str(state.get("Status") or "unknown"),
        "exit_code": ended[0].get("ExitCode") if ended else None,
        "oom_killed": bool(state.get("OOMKilled") or first.answer["State"].get("OOMKilled")),
        "error": plain(state["Error"]) if state.get("Error") else None,
        "restarts": after,
        "restarts_growth": after - before if after is not None and before is not None else None,
        "restart_policy": (settings.get("RestartPolicy") or {}).get("Name") or None,
        "health": str(health["Status"]) if health.get("Status") not in (None, "", "none") else None,
        "health_failing": health.get("FailingStreak"),
        "health_output": _last_line(health),
        "started_at": began.isoformat() if began else None,
        "uptime_s": rounded(max(0.0, last.at - began.timestamp())) if began else None,
        "memory_limit_bytes": settings.get("Memory") or None,
        "cpu_limit_cores": cpu_limit(settings),
        "log_path": plain(str(answer["LogPath"])) if answer.get("LogPath") else None,
        "log_bytes": last.log_bytes,
        # It becomes smaller when it is rotated: then nobody knows how much came.
        "log_bytes_per_s": rounded(per_s(grew, seconds)) if grew is not None and grew >= 0 else None,
        "image": plain(str(answer["Config"]["Image"])) if answer["Config"].get("Image") else None,
    }


def _last_line(health: Mapping[str, Any]) -> str | None:
    """What the last check said; the newest entry is the last."""
    log = health.get("Log") or []
    lines = [line for line in str(log[-1].get("Output") or "").splitlines() if line.strip()] if log else []
    return plain(lines[-1].strip()) if lines else None
