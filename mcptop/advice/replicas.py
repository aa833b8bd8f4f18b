"""How many replicas a HorizontalPodAutoscaler would run, if there were one: said as "would", for Compose has none.

The signals: CPU against what is reserved or allowed, and the depth of its queues. More replicas are more connections,
so the budget of each database is worked out first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from mcptop.advice import signals
from mcptop.advice.observed import Observed
from mcptop.analysis import budget, hpa
from mcptop.analysis.hpa import Pod, Proposed
from mcptop.analysis.hpa_course import course
from mcptop.model.flow import Budget
from mcptop.model.frame import Service
from mcptop.model.value import Kind, Value

LEAST, MOST = 2, 10
"""The guide's."""
_UNKNOWN_BUDGET = "if its databases give the connections, which is not known from there"


class Scale(Value, frozen=True):
    """What an autoscaler would do."""

    replicas: int
    """Now."""
    wanted: int
    """In the end, if the load stayed as it is; as many as now where no signal is known."""
    seconds: float
    """Until then."""
    says: str
    signal: str
    """The arithmetic of the metric that decided."""
    budget: str = ""
    """What speaks against it: the connections of a database. Empty: nothing does, or nothing is known."""


class Client(NamedTuple):
    """A service that takes connections of databases."""

    project: str | None
    name: str
    read: int | None = None
    """Replicas whose pools are in the budgets; None: as many as there are pools."""


def would(current: int, asked: Sequence[Proposed], budgets: Iterable[Budget] | None, client: Client) -> Scale | None:
    """By what metrics ask for. None without a replica, or where no metric is known. `budgets`: None: not known."""
    least, most = min(LEAST, current), max(MOST, current)
    known = [each for each in asked if each.replicas is not None]
    if not current or not known:
        return None
    decided = hpa.wanted(current, known, hpa.GUIDE, least=least, most=most)
    steps = course(current, decided.asked, hpa.GUIDE, least=least, most=most)
    wanted, seconds = (steps[-1][1], steps[-1][0]) if steps else (current, 0.0)
    signal = max(known, key=lambda each: each.replicas or 0).says
    if wanted == current:
        return Scale(current, current, 0.0, f"HPA would stay at {current}", signal)
    over = over_budget(budgets or (), client, current, wanted) if wanted > current else ""
    says = f"HPA would go {current} -> {wanted} within {seconds / 60:.0f} min"
    if budgets is None and wanted > current:
        says += f", {_UNKNOWN_BUDGET}"
    return Scale(current, wanted, seconds, f"{says}, but {over}" if over else says, signal, over)


def of_past(seen: Observed, budgets: Iterable[Budget] | None = ()) -> Scale | None:
    """By its busiest time: the 95th percentile of CPU, and of the depth of its queues.

    Of containers: a database is no more by starting it twice, and a global service has one on every node.
    """
    if seen.kind is not Kind.CONTAINER or seen.is_fixed:
        return None
    pods = [Pod(replica.cpu.p95 if replica.cpu is not None else None, replica.cpu_limit) for replica in seen.running]
    depths = [line.typical for line in seen.queues if line.typical is not None]
    # What is reserved the engine does not say; the quota is what is known.
    asked = [*signals.by_cpu(len(pods), pods, signals.QUOTA), *signals.by_depth(len(pods), depths)]
    return would(len(pods), asked, budgets, Client(seen.project, seen.name))


def of_now(
    service: Service, cores: Mapping[str, float | None], budgets: Iterable[Budget] = (), at: datetime | None = None
) -> Scale | None:
    """By the time `at`. `cores`: of its instances by their ids, over about a minute."""
    pods = signals.pods_of(service, at, cores)
    current = len(pods)
    asked = [*signals.by_cpu(current, pods, signals.QUOTA), *signals.by_depth(current, signals.depths_of(service))]
    return would(current, asked, budgets, Client(service.project, service.name, budget.read_replicas(service)))


def over_budget(budgets: Iterable[Budget], client: Client, current: int, wanted: int) -> str:
    """Which database could not bear it: `postgres would get 290 connections of 97`."""
    for each in budgets:
        own = [share for share in each.shares if share.is_of(client.project, client.name)]
        # A replica has at least one pool: where there are fewer than replicas, somebody's is not read.
        counts = [sum(share.count for share in own if share.pool == pool) for pool in {share.pool for share in own}]
        read = client.read or min(current, max(counts, default=0))
        then = budget.scaled(each, client.project, client.name, read, wanted)
        if then is not None and then.exceeded:
            return (f"{each.server} allows {each.allowed} connections, and its clients' pools would then "
                    f"take {then.total}: make the pools smaller first")  # fmt: skip
    return ""
