"""What can be seen of a fleet: the machines joined to one picture, and in words what is missing from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mcptop import units
from mcptop.alerts import rules
from mcptop.fleet.machine import Machine
from mcptop.fleet.names import container_id
from mcptop.model.flow_reading import FlowReading
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.rule import Rule
from mcptop.model.snapshot import HostReading, Reading, Target

NO_MCPTOP = (
    rules.EXITED, rules.DEAD, rules.RESTART_LOOP, rules.RESTARTING, rules.UNHEALTHY, rules.PAUSED,
    rules.SERVER_CONNECTIONS, rules.CONNECTIONS_REFUSED, rules.QUEUE_FULL, rules.QUEUE_NOT_DRAINING,
    rules.POOL_WAITING, rules.UNANSWERED, rules.IDLE_IN_TRANSACTION, rules.FDS_NEAR_LIMIT, rules.CLOSE_WAIT,
    rules.DISK_FULL, rules.DISK_FILLING, rules.HOST_MEMORY, rules.HOST_SWAP, rules.HOST_IO,
)  # fmt: skip
"""Rules whose figures cAdvisor does not have."""
NEVER = (rules.CONNECTION_BUDGET, rules.REPLICAS_MISSING, rules.UPDATE_PAUSED, rules.NODE_DOWN)
"""Rules that need what no exporter tells: how many processes a replica has, each with pools of its own; and the state
of a Swarm, which is asked of a manager."""
BANNER = "figures from Prometheus: no processes, peers, open files, logs or actions; `mcptop diagnose` runs on the host"


class Fleet(NamedTuple):
    """All machines together."""

    targets: tuple[Target, ...] = ()
    readings: Mapping[str, Reading] = {}
    sockets: Mapping[str, Sockets] = {}
    files: Mapping[str, FileDescriptors] = {}
    flows: Mapping[str, tuple[FlowReading, ...]] = {}
    hosts: tuple[HostReading, ...] = ()
    late_s: Mapping[str, float] = {}
    """Target -> the age from which on its figures are late."""
    by_cadvisor: int = 0
    """Containers that only cAdvisor sees."""
    by_mcptop: int = 0


def joined(machines: Iterable[Machine], at: float, margin_s: float) -> Fleet:
    """Everything once, at a time of Prometheus' clock: mcptop's exporter goes before a cAdvisor, and of two jobs that
    scrape one exporter always the same one is heard, as long as it is not late. A container's id is the same
    everywhere: a cAdvisor that is scraped at another address, and so has another name for its machine, adds nothing.

    `margin_s`: how much older than two scrapes a figure may be before it is late.
    """

    def rank(machine: Machine) -> tuple[bool, bool, tuple[str, str]]:
        return not machine.is_mcptop, at - machine.scraped_at > 2 * machine.every_s + margin_s, machine.place

    order = sorted(machines, key=rank)
    targets: dict[str, Target] = {}
    parts: tuple[dict[str, Reading], dict[str, Sockets], dict[str, FileDescriptors]] = ({}, {}, {})
    flows: dict[str, tuple[FlowReading, ...]] = {}
    hosts: dict[str, HostReading] = {}
    late_s: dict[str, float] = {}
    by_cadvisor = 0
    containers: set[str] = set()
    for machine in order:
        if machine.host is not None:
            hosts.setdefault(machine.name, machine.host)
        own = [each for each in machine.targets if each.id not in targets and container_id(each.id) not in containers]
        containers |= {id for each in own if (id := container_id(each.id)) is not None}
        for target in own:
            targets[target.id] = target
            late_s[target.id] = 2 * machine.every_s + margin_s
            for into, there in zip(parts, (machine.readings, machine.sockets, machine.files), strict=True):
                if target.id in there:
                    into[target.id] = there[target.id]  # type: ignore[index]
            if target.id in machine.flows:
                flows[target.id] = machine.flows[target.id]
        by_cadvisor += 0 if machine.is_mcptop else len(own)
    ordered = tuple(targets[id] for id in sorted(targets))
    by_name = tuple(hosts[name] for name in sorted(hosts))
    return Fleet(ordered, *parts, flows, by_name, late_s, by_cadvisor, len(targets) - by_cadvisor)


def unseen(fleet: Fleet) -> tuple[Rule, ...]:
    """The rules that cannot be judged here for any service."""
    return NEVER if fleet.by_mcptop else (*NEVER, *NO_MCPTOP)


def banner_of(fleet: Fleet) -> str:
    """What cannot be seen, in one line."""
    if not fleet.by_cadvisor:
        return BANNER
    whom = "cAdvisor" if not fleet.by_mcptop else f"of {units.many(fleet.by_cadvisor, 'container')} by cAdvisor"
    count = len(NO_MCPTOP) + len(NEVER)
    return f"{BANNER}; {whom}: no health, restarts, pools, queues, disks ({count} rules not judged)"
