"""What changes a Swarm service: how many replicas it shall have, and nothing else of it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from mcptop.sources import swarm_answers
from mcptop.sources.docker_control import DockerControl
from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.docker_hosts import Address
from mcptop.sources.docker_target import Answer
from mcptop.sources.swarm_answers import Look
from mcptop.sources.swarm_watch import no_manager

_TRIES = 5
_CHANGED_MEANWHILE = "out of sequence"


class NoManager(EngineError):
    """The engine cannot be asked about services: no swarm, a worker, locked."""


def manager_of(hosts: Sequence[Address]) -> Address:
    """Of several engines the first that is a manager, else the first, which says itself why it is none."""
    if len(hosts) > 1:
        for address in hosts:
            with contextlib.suppress(EngineError), contextlib.closing(DockerEngine(address)) as engine:
                if engine.swarm().get("ControlAvailable"):
                    return address
    return hosts[0]


class SwarmControl(DockerControl):
    """A connection to a manager. Every call may raise `EngineError`."""

    def look(self) -> Look:
        """All services, tasks and nodes now. Raises `NoManager`."""
        role = self.swarm()
        if not role.get("ControlAvailable"):
            says = no_manager(role)[0]
            hint = ": give a manager's engine with --host" if role.get("LocalNodeState") == "inactive" else ""
            raise NoManager(f"swarm at {self.endpoint}: {says}{hint}")
        return swarm_answers.look_of(self.services(), self.tasks(), self.nodes(), datetime.now(UTC))

    def settings(self, service: str) -> Answer:
        """The specification of a service, by its id."""
        return cast(Answer, self._ask("inspect_service", service).get("Spec") or {})

    def reservation_cores(self, service: str) -> float | None:
        """What each of its tasks reserves, else its limit; None without either."""
        resources = (self.settings(service).get("TaskTemplate") or {}).get("Resources") or {}
        nano = (resources.get("Reservations") or {}).get("NanoCPUs") or (resources.get("Limits") or {}).get("NanoCPUs")
        return float(nano) / 1e9 if nano else None

    def scale(self, service: str, replicas: int) -> int:
        """Let it have so many; how many it had. One that somebody else changes meanwhile is read and changed anew."""
        for attempt in range(_TRIES):
            answer = self._ask("inspect_service", service)
            # All of it goes back as it came: the package's own way would name each part, and lose those it does not
            # know.
            settings = dict(answer["Spec"])
            mode: Mapping[str, Any] = settings.get("Mode") or {}
            if "Replicated" not in mode:
                raise EngineError("docker refuses: only replicated services have a number of replicas")
            before = int((mode["Replicated"] or {}).get("Replicas") or 0)
            settings["Mode"] = {"Replicated": {**(mode["Replicated"] or {}), "Replicas": replicas}}
            try:
                self._update(service, settings, int(answer["Version"]["Index"]))
            except EngineError as error:
                if _CHANGED_MEANWHILE not in str(error) or attempt == _TRIES - 1:
                    raise
                continue
            return before
        raise AssertionError("unreachable")

    def _update(self, service: str, settings: Answer, version: int) -> None:
        address = self._ask("_url", "/services/{0}/update", service)
        answer = self._ask("_post_json", address, data=dict(settings), params={"version": version})
        self._ask("_raise_for_status", answer)
