"""Whom to diagnose, from the row that is selected in whatever table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.presentation.closeups.processes import ProcessRow
from mcptop.presentation.event_rows import EventRow
from mcptop.presentation.flow_rows import FlowRow, PoolRow, QueueRow
from mcptop.presentation.limit_rows import LimitRow
from mcptop.presentation.problems import Trouble
from mcptop.presentation.row import Depth, Row
from mcptop.presentation.runs import safe

if TYPE_CHECKING:
    from mcptop.playbook.load import Outline
    from mcptop.playbook.shelf import Entry
    from mcptop.ui.diagnosis.running import Asked


class Whom(NamedTuple):
    """A service, and those of its instances that are meant."""

    service: Service
    instances: Sequence[Instance]
    name: str
    """Safe to print."""
    row: str
    """Key of the row."""
    playbook: str = ""
    """The one to offer first, whatever else shows."""

    @property
    def is_service(self) -> bool:
        """All of it is meant, whoever it consists of later."""
        return self.row == self.service.key

    @property
    def names(self) -> tuple[str, ...]:
        """Of the instances, as they are."""
        return tuple(one.name for one in self.instances)

    def asked(self, entry: Entry, outline: Outline) -> Asked:
        """The question for a diagnosis with this playbook."""
        from mcptop.playbook.subjects import Wanted
        from mcptop.ui.diagnosis.running import Asked

        wanted = Wanted(instances=tuple(one.id for one in self.instances))
        return Asked(entry, outline, self.name, self.row, wanted)


def of_row(row: object) -> Whom | None:
    """The service or instance of a row; None for a heading, and where nothing is selected."""
    if isinstance(row, Row) and row.depth is not Depth.GROUP and row.service is not None:
        chosen = [row.instance] if row.instance is not None else row.service.instances
        return Whom(row.service, chosen, row.name, row.key)
    if isinstance(row, EventRow):
        return of_row(row.service)
    if isinstance(row, LimitRow) and row.service.service is not None:
        return Whom(row.service.service, [row.instance], row.name, row.key)
    if isinstance(row, FlowRow):
        replica = _replica(row)
        chosen = [one for one in row.service.instances if replica is None or one.name == replica]
        return Whom(row.service, chosen or row.service.instances, safe(row.service.name), row.service.key)
    return None


def of_trouble(trouble: Trouble) -> Whom | None:
    """The replicas of a service that have the problem; None where there is nobody to look into."""
    row = trouble.row
    if row is None or row.service is None or not trouble.can_be_diagnosed:
        return None
    chosen = [one for one in row.service.instances if one.name in trouble.instances]
    return Whom(row.service, chosen or row.service.instances, row.name, row.key, trouble.playbook)


def of_process(row: ProcessRow, service: Service) -> Whom | None:
    """One process of a service, to signal it; None of a heading, and where its pid alone does not tell who it is."""
    if row.identity is None:
        return None
    line = row.line
    one = Instance(f"{line.pid}-{line.start_ticks}", f"{row.name}[{line.pid}]", line.pid)
    alone = Service(service.project, service.name, Kind.PROCESS, 1, (one,))
    return Whom(alone, (one,), one.name, row.key)


def _replica(row: FlowRow) -> str | None:
    """Name of the instance a pool or queue belongs to."""
    match row:
        case PoolRow():
            return row.pool.instance
        case QueueRow():
            return row.queue.instance
    return None
