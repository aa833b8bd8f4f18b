"""aiohttp: the connector of a session, or a connector itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcptop.instrument.family import Facts, Family, limited, named, unanswered
from mcptop.instrument.figures import POOL


def _max(connector: Any) -> Facts:
    return {"max": limited(connector.limit)}


def _in_use(connector: Any) -> Facts:
    return {"in_use": len(connector._acquired)}


def _idle(connector: Any) -> Facts:
    return {"idle": sum(map(len, list(connector._conns.values())))}


def _waiting(connector: Any) -> Facts:
    return {"waiting": sum(map(unanswered, list(connector._waiters.values())))}


def _session(session: Any) -> Iterable[tuple[str, Any]]:
    # None once the session is closed.
    if session.connector is not None:
        yield "", session.connector


_FACTS = (_max, _in_use, _idle, _waiting)
FAMILIES = {
    ("aiohttp", "ClientSession"): Family(POOL, named("http"), _FACTS, _session),
    ("aiohttp", "BaseConnector"): Family(POOL, named("http"), _FACTS),
}
