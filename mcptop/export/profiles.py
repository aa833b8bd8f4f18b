"""The guide's profiles and deploy sections as files: .env, Compose, Swarm. Values come from `advice.profiles` alone.

Against the guide: no `version:`, which Compose calls obsolete; and Swarm does not scale by itself.
"""

from __future__ import annotations

from typing import Any

import yaml

from mcptop.advice import profiles

_REPLICAS = {"mcp-api": 3, "mcp-worker": 2, "model-runner": 1, "ui": 1}
"""The guide's for api and worker."""
_UPDATE = {"parallelism": 1, "delay": "10s", "failure_action": "rollback"}
_RESTART = {"condition": "on-failure", "delay": "5s", "max_attempts": 3}
_COMPOSE = """\
# The guide's limits and reservations of profile {profile}, to give after your stack's own file:
#   docker compose -f YOUR-FILE -f THIS-FILE up -d
# Take out the services that your file does not have: Compose refuses one without an image.
# Variables of the environment or of .env go before the values here (`mcptop export env --profile {profile}`).
# A reservation is a hint for Swarm's placement; of Compose alone, memory's is a soft limit.
"""
_SWARM = """\
# The guide's deploy sections, to give after your stack's own file:
#   docker stack deploy -c YOUR-FILE -c THIS-FILE NAME
# Where your file has a line `version:`, put the same line here: docker refuses files whose versions differ.
# Take out the services that your file does not have: one without an image is refused.
# Swarm does not autoscale, whatever the guide's heading says: `replicas` run until somebody changes them
# (`docker service scale NAME_mcp-api=4`, or `mcptop scale`, which says what an autoscaler would do).
# `docker stack deploy` does not read .env: export its variables first (set -a; . ./.env; set +a).
# More replicas are more connections: see the budget of your database in `mcptop recommend` before.
"""


def env(profile: str) -> str:
    """The guide's .env file of a profile."""
    return profiles.text(profile)


def compose(profile: str) -> str:
    """Limits and reservations of the guide's four services, for a Compose file."""
    services = {name: {"deploy": {"resources": _resources(profile, name)}} for name in profiles.PREFIXES}
    return _COMPOSE.format(profile=profile) + _dump({"services": services})


def swarm(profile: str = "small") -> str:
    """Replicas, updates, restarts, limits and reservations, for a stack file."""
    services: dict[str, Any] = {}
    for name, replicas in _REPLICAS.items():
        deploy: dict[str, Any] = {"replicas": replicas}
        if replicas > 1:
            deploy |= {"update_config": dict(_UPDATE), "restart_policy": dict(_RESTART)}
        services[name] = {"deploy": deploy | {"resources": _resources(profile, name)}}
    return _SWARM + _dump({"services": services})


def _resources(profile: str, service: str) -> dict[str, dict[str, str]]:
    """A reservation above the limit would be an error: of a small profile it is the limit."""
    values, prefix = profiles.variables(profile), profiles.PREFIXES[service]
    memory, cpus = values[f"{prefix}_MEMORY_LIMIT"], values[f"{prefix}_CPU_LIMIT"]
    reserved_memory, reserved_cpus = profiles.RESERVED[prefix]
    return {
        "limits": {"cpus": f"${{{prefix}_CPU_LIMIT:-{cpus}}}", "memory": f"${{{prefix}_MEMORY_LIMIT:-{memory}}}"},
        "reservations": {
            "cpus": min(reserved_cpus, cpus, key=float),
            "memory": min(reserved_memory, memory, key=profiles.in_bytes),
        },
    }


def _dump(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=120)
