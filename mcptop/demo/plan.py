"""What a demo consists of: its programs, their ports, what each is told. Decides; starts nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mcptop.demo import PROJECT, profiles

SERVICES = {
    "model-runner": ("runner", "MODEL_RUNNER_URL"),
    "mcp-worker": ("worker", "WORKER_URL"),
    "mcp-api": ("api", "API_URL"),
    "ui": ("ui", "UI_URL"),
    "load": ("load", "LOAD_URL"),
}
"""Service -> its module in `services`, and the variable that tells the others where it is. In the order of starting."""

LOOPBACK = "127.0.0.1"
API_PORT = 4000
"""Of mcp-api in Docker, on the host's loopback."""
BASE_IMAGE = "python:3.12-slim"
"""What the image is built on where there is a network."""

Wanted = dict[str, dict[str, Any]]
"""Fault -> dose."""


class Program(Struct, frozen=True):
    """One service as a process."""

    service: str
    module: str
    port: int
    environment: dict[str, str]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"


class DockerPlan(Struct, frozen=True):
    """What only the demo in Docker needs to know."""

    port: int
    """Of mcp-api, on the host's loopback."""
    base_image: str
    wheels: str | None
    """Folder with wheels to build the image from; None: the package index."""
    keep_image: bool


class Plan(Struct, frozen=True):
    """A whole demo, as the keeper is told it."""

    profile: dict[str, str]
    """The guide's limits: variable -> value."""
    faults: dict[str, Wanted]
    """Service -> what is on from the start."""
    programs: tuple[Program, ...] = ()
    """As processes; empty in Docker."""
    docker: DockerPlan | None = None


def limits(profile: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The profile's limits; the environment's own values go before them."""
    return {name: environment.get(name) or value for name, value in profiles.variables(profile).items()}


def programs(
    profile: Mapping[str, str], api_port: int | None, environment: Mapping[str, str] = os.environ
) -> tuple[Program, ...]:
    """The services as processes on loopback, each with a free port."""
    ports = dict(zip(SERVICES, _free_ports(len(SERVICES)), strict=True))
    if api_port:
        ports["mcp-api"] = api_port
    shared = {name: value for name, value in environment.items() if not name.startswith("MCPTOP_")}
    shared |= {variable: f"http://{LOOPBACK}:{ports[service]}" for service, (_, variable) in SERVICES.items()}
    # Everything is on loopback: a proxy of this user's would only be in the way.
    shared |= {**profile, "NO_PROXY": "*", "PYTHONUNBUFFERED": "1", "LISTEN_HOST": LOOPBACK}
    return tuple(
        Program(
            service,
            f"mcptop.demo.services.{module}",
            ports[service],
            {
                **shared,
                **profiles.limits(dict(profile), service),
                "MCPTOP_PROJECT": PROJECT,
                "MCPTOP_SERVICE": service,
                "MCPTOP_METRICS": f"http://{LOOPBACK}:{ports[service]}/metrics",
                "LISTEN_PORT": str(ports[service]),
            },
        )
        for service, (module, _) in SERVICES.items()
    )


def _free_ports(count: int) -> list[int]:
    """Ports nobody listens at now; all held until the last is known, so that they differ."""
    held = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()
