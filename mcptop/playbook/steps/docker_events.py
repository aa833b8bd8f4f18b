"""`docker-events`: how often the container died, was killed for memory, was restarted or failed its health check.

The engine remembers its last 256 events, those of all containers together: on a busy one that is not long.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import Subject
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Raw, Seconds, now, observed
from mcptop.playbook.steps.docker_asking import asking, container_of
from mcptop.playbook.steps.series import rounded
from mcptop.sources.docker_target import Answer

_REMEMBERED = 256
_ACTIONS = ("die", "oom", "kill", "restart", "start", "health_status")
_TIMEOUT_S = 10.0


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How far back."""

    since: Seconds = Seconds(900)


class Happened(Value, frozen=True):
    """One event of the container."""

    at: float
    """Unix seconds."""
    action: str
    about: str
    """What the action has behind its colon: `unhealthy`."""
    exit_code: int | None


class Events(Value, frozen=True):
    """All of them."""

    until: float
    """Unix seconds."""
    covers_s: float
    """How far back the engine's memory reaches, at most as far as was asked for."""
    events: tuple[Happened, ...]


class DockerEvents:
    """See the module."""

    name: ClassVar[str] = "docker-events"
    says: ClassVar[str] = "asking the engine what happened"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "seconds": "the time that was asked for",
        "covers_s": "how much of it the engine still remembers: what was before may have been more",
        "die": "how often it ended", "oom": "how often it, or a process in it, was killed for lack of memory",
        "kill": "signals the engine sent it", "restart": "restarts somebody asked for", "start": "how often it began",
        "unhealthy": "how often its health check began to fail", "healthy": "how often it began to succeed",
        "last_exit_code": "of its last end", "last_die_s": "how long ago that was",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """One question."""
        return 1.0

    def collect(self, context: Context, options: Options) -> Raw:
        """Ask once. Raises `StepFailure`."""
        container = container_of(context)
        began, started_at, until = time.monotonic(), now(), time.time()
        with asking(context) as engine:
            answers = engine.past_events(until - options.since, until, min(_TIMEOUT_S, context.left_s))
            version = engine.version
        covers = float(options.since) if len(answers) < _REMEMBERED else until - min(map(_time, answers))
        own = (answer for answer in answers if (answer.get("Actor") or {}).get("ID") == container)
        found = Events(until, covers, tuple(event for answer in own if (event := happened(answer)) is not None))
        data = msgspec.json.encode(found)
        return (observed("events.json", "docker events", data, started_at, time.monotonic() - began, version=version),)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Counts, and the last end."""
        found = msgspec.json.decode(raw[0].data, type=Events)
        counted = Counter(event.action for event in found.events)
        health = Counter(event.about for event in found.events if event.action == "health_status")
        ends = [event for event in found.events if event.action == "die"]
        last = max(ends, key=lambda event: event.at, default=None)
        return {
            "seconds": rounded(float(options.since)),
            "covers_s": rounded(found.covers_s),
            **{action: counted[action] for action in ("die", "oom", "kill", "restart", "start")},
            "unhealthy": health["unhealthy"],
            "healthy": health["healthy"],
            "last_exit_code": last.exit_code if last else None,
            "last_die_s": rounded(max(0.0, found.until - last.at)) if last else None,
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """Ends and kills."""
        return f"ended {values['die']} times, {values['oom']} OOM events in {values['covers_s'] / 60:.0f} min"


def _time(answer: Answer) -> float:
    return float(answer.get("timeNano") or 0) / 1e9 or float(answer.get("time") or 0)


def happened(answer: Answer) -> Happened | None:
    """An event of the engine; None for one that is not counted here, such as the commands of health checks."""
    action, _, about = str(answer.get("Action") or answer.get("status") or "").partition(":")
    if action not in _ACTIONS:
        return None
    code = str(((answer.get("Actor") or {}).get("Attributes") or {}).get("exitCode", ""))
    return Happened(_time(answer), action, about.strip(), int(code) if code.isdigit() else None)
