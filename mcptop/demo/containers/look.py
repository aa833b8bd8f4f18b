"""The demo's containers as the engine knows them now."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from mcptop.demo.containers.docker_tool import DockerTool, why
from mcptop.demo.plan import SERVICES
from mcptop.demo.stack import StackError

PORT = 4000
"""Every service's, inside its container."""

_SERVICE = "com.docker.compose.service"


class Container(Struct, frozen=True):
    """One service's container."""

    id: str
    service: str
    status: str
    """created, running, restarting, exited, ..."""
    health: str
    exit_code: int
    restarts: int
    address: str

    @property
    def fails(self) -> str | None:
        """How it ended, if it did more than once: once can be an accident."""
        if self.status in ("exited", "dead") or self.restarts > 1:
            return f"ended with exit code {self.exit_code}"
        return None


def look(tool: DockerTool, label: str) -> dict[str, Container]:
    """Service -> its container, of those with the label. Raises `StackError`."""
    ids = tool.docker("ps", "-aq", "--no-trunc", "--filter", f"label={label}").split()
    found = [_container(each) for each in tool.inspect(*ids)]
    return {each.service: each for each in found if each.service in SERVICES}


def last_words(tool: DockerTool, container: Container) -> str:
    """The last line of its log that is not part of a traceback's body."""
    try:
        said = tool.logs(container.id)
    except StackError as problem:
        return str(problem)
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(" ")]
    return why(lines[-1]) if lines else "it said nothing"


def _container(found: dict[str, Any]) -> Container:
    state = found["State"]
    return Container(
        id=found["Id"],
        service=found["Config"]["Labels"].get(_SERVICE, ""),
        status=state["Status"],
        health=(state.get("Health") or {}).get("Status", ""),
        exit_code=state["ExitCode"],
        restarts=found["RestartCount"],
        address=_address(found["NetworkSettings"]),
    )


def _address(settings: dict[str, Any]) -> str:
    if published := (settings.get("Ports") or {}).get(f"{PORT}/tcp"):
        return f"http://{published[0]['HostIp']}:{published[0]['HostPort']}"
    networks = settings.get("Networks") or {}
    inside = next((each["IPAddress"] for each in networks.values() if each["IPAddress"]), "")
    return f"http://{inside}:{PORT}" if inside else ""
