"""`postgres`: what a PostgreSQL says of its connections, by the monitor's last look: who holds them, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.collectors.servers import LOCKED
from mcptop.model.diagnosis import Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import server_figures
from mcptop.playbook.steps.base import Context, NoOptions, Raw
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.server_figures import ClientPool, Server, total

_SOURCE = "pg_stat_activity"


class Postgres:
    """See the module."""

    name: ClassVar[str] = "postgres"
    says: ClassVar[str] = "reading what PostgreSQL said"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    reads_frames: ClassVar[bool] = True
    options: ClassVar[type[Struct]] = NoOptions
    emits: ClassVar[Mapping[str, str]] = {
        "server": "its service",
        "open": "connections of clients", "in_use": "of them not idle; unknown where it hides that from mcptop's role",
        "max": "how many it allows", "use_ratio": "open as a share of that",
        "waiting": "callers that wait for a connection in the pools of its clients",
        "longest_s": "age of the oldest transaction or query",
        "idle_in_transaction": "connections with an open transaction and nothing to do",
        "idle_in_transaction_s": "age of the oldest of these",
        "blocked": "clients that wait for a lock",
        "own.open": "connections of the target's service", "own.in_use": "of them not idle",
        "own.idle_in_transaction": "of them with an open transaction and nothing to do",
        "own.idle_in_transaction_s": "age of the oldest of these",
        "holder.service": "whose idle transactions are most", "holder.idle_in_transaction": "how many",
        "holder.idle_in_transaction_s": "age of the oldest",
        "age_s": "age of these figures where they are late",
    }  # fmt: skip

    def expected_s(self, options: NoOptions) -> float:
        """The frame is there."""
        return 0.1

    def collect(self, context: Context, options: NoOptions) -> Raw:
        """From the newest frame. Raises `StepFailure`."""
        return server_figures.collect(context, "postgres", _SOURCE, "db", LOCKED)

    def read(self, raw: Raw, options: NoOptions, subject: Subject) -> dict[str, Any]:
        """The server's figures, the target's part, and who holds transactions open."""
        server = msgspec.json.decode(raw[0].data, type=Server)
        pool = server.pool
        seen = [client for client in server.clients if client.pool.source == _SOURCE]
        own = [client for client in seen if client.service == subject.service]
        holder = max(seen, key=lambda client: client.pool.idle_in_transaction or 0, default=None)
        held = holder.pool.idle_in_transaction if holder else None
        return {
            "server": server.name,
            "open": pool.open if pool else None,
            "in_use": pool.in_use if pool else None,
            "max": pool.max if pool else None,
            "use_ratio": rounded(pool.open / pool.max) if pool and pool.open is not None and pool.max else None,
            "waiting": total(client.pool.waiting for client in server.clients),
            "longest_s": rounded(pool.longest_s) if pool else None,
            "idle_in_transaction": pool.idle_in_transaction if pool else None,
            "idle_in_transaction_s": rounded(pool.idle_in_transaction_s) if pool else None,
            "blocked": server.noted,
            "own": {
                "open": total(client.pool.open for client in own),
                "in_use": total(client.pool.in_use for client in own),
                "idle_in_transaction": total(client.pool.idle_in_transaction for client in own),
                "idle_in_transaction_s": rounded(_oldest(own)),
            },
            "holder": {
                "service": holder.service if holder and held else None,
                "idle_in_transaction": held,
                "idle_in_transaction_s": rounded(holder.pool.idle_in_transaction_s) if holder else None,
            },
            "age_s": pool.age_s if pool else None,
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """How full it is."""
        return f"{values['server']}: {values['open']} of {values['max']} connections"


def _oldest(clients: list[ClientPool]) -> float | None:
    ages = [client.pool.idle_in_transaction_s for client in clients]
    return max((age for age in ages if age is not None), default=None)
