"""What Swarm says of a service as facts of the Inspect tab. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mcptop.closeup import facts as made
from mcptop.model.closeup import Fact
from mcptop.model.swarm import SwarmService

_SECTION = "swarm"


def facts(swarm: SwarmService) -> Iterator[Fact]:
    """How many replicas there are and shall be, how an update goes, and what its tasks say."""
    yield made.fact(_SECTION, "service", f"{swarm.name} ({swarm.id})", "")
    yield made.fact(_SECTION, "mode", swarm.mode, "")
    yield made.fact(_SECTION, "replicas", f"{swarm.running} of {swarm.desired} run", "")
    if swarm.elsewhere:
        yield made.fact(_SECTION, "not sampled", f"{swarm.elsewhere} run on nodes mcptop does not sample", "")
    if swarm.update_state:
        why = f": {swarm.update_message}" if swarm.update_message else ""
        yield made.fact(_SECTION, "update", f"{swarm.update_state}{why}", "")
    for trouble in swarm.troubles:
        when = f" {trouble.at:%H:%M:%S}" if trouble.at is not None else ""
        where = f" on {trouble.node}" if trouble.node else ""
        yield made.fact(_SECTION, f"task {trouble.task}{when}", f"{trouble.state}{where}: {trouble.says}", "")
    if swarm.troubles_left_out:
        yield made.fact(_SECTION, "more", f"{swarm.troubles_left_out} older ones", "")
