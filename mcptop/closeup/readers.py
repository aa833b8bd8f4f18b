"""Which reader looks at which aspect, and what is handed out when it could not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from mcptop.closeup.files import FileReader
from mcptop.closeup.inspection import InspectReader
from mcptop.closeup.processes import ProcessReader
from mcptop.closeup.sockets import SocketReader
from mcptop.closeup.world import Reader, World
from mcptop.model.closeup import CLOSEUPS, Aspect, Closeup
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.units import plain

MakeReader = Callable[[World], Reader]
READERS: Mapping[Aspect, MakeReader] = {
    Aspect.PROCESSES: ProcessReader,
    Aspect.SOCKETS: SocketReader,
    Aspect.FILES: FileReader,
    Aspect.INSPECT: InspectReader,
}


def nothing(aspect: Aspect, service: Service, instances: Sequence[Instance], problem: str) -> Closeup:
    """A closeup without lines, that says why it has none."""
    return CLOSEUPS[aspect](
        at=datetime.now(UTC),
        service=service.key,
        instances=tuple(instance.name for instance in instances),
        problem=plain(problem),
    )
