"""`redis`: what a Redis says of its clients and its queues, by the monitor's last look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.collectors.servers import REJECTED
from mcptop.model.diagnosis import Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import server_figures
from mcptop.playbook.steps.base import Context, NoOptions, Raw
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.server_figures import Server, total

_SOURCE = "redis"


class Redis:
    """See the module."""

    name: ClassVar[str] = "redis"
    says: ClassVar[str] = "reading what Redis said"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    reads_frames: ClassVar[bool] = True
    options: ClassVar[type[Struct]] = NoOptions
    emits: ClassVar[Mapping[str, str]] = {
        "server": "its service",
        "clients": "connections of clients", "in_use": "of them not silent, those that block in a command included",
        "max": "how many it takes", "use_ratio": "clients as a share of that",
        "rejected": "connections turned away at that maximum, since it started",
        "own.clients": "connections of the target's service", "own.in_use": "of them not silent",
        "queues": "how many queues it was asked for", "depth": "entries in all of them",
        "queue.name": "the deepest", "queue.depth": "its entries", "queue.in_flight": "taken and not finished",
        "queue.oldest_age_s": "how long the first in line has waited", "queue.growth_per_s": "change of its depth",
        "age_s": "age of these figures where they are late",
    }  # fmt: skip

    def expected_s(self, options: NoOptions) -> float:
        """The frame is there."""
        return 0.1

    def collect(self, context: Context, options: NoOptions) -> Raw:
        """From the newest frame. Raises `StepFailure`."""
        return server_figures.collect(context, "redis", _SOURCE, "redis", REJECTED)

    def read(self, raw: Raw, options: NoOptions, subject: Subject) -> dict[str, Any]:
        """The server's figures, the target's part, and the deepest queue."""
        server = msgspec.json.decode(raw[0].data, type=Server)
        pool = server.pool
        own = [each.pool for each in server.clients if each.service == subject.service and each.pool.source == _SOURCE]
        deepest = max(server.queues, key=lambda queue: queue.depth or 0, default=None)
        return {
            "server": server.name,
            "clients": pool.open if pool else None,
            "in_use": pool.in_use if pool else None,
            "max": pool.max if pool else None,
            "use_ratio": rounded(pool.open / pool.max) if pool and pool.open is not None and pool.max else None,
            "rejected": server.noted,
            "own": {"clients": total(each.open for each in own), "in_use": total(each.in_use for each in own)},
            "queues": len(server.queues),
            "depth": total(queue.depth for queue in server.queues),
            "queue": {
                "name": deepest.name if deepest else None,
                "depth": deepest.depth if deepest else None,
                "in_flight": deepest.in_flight if deepest else None,
                "oldest_age_s": rounded(deepest.oldest_age_s) if deepest else None,
                "growth_per_s": rounded(deepest.growth_per_s) if deepest else None,
            },
            "age_s": pool.age_s if pool else None,
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """Clients and backlog."""
        return (
            f"{values['server']}: {values['clients']} clients, {values['depth']} entries in {values['queues']} queues"
        )
