"""Every kind of step, by the name a playbook calls it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from mcptop.playbook.steps.base import StepKind
from mcptop.playbook.steps.cgroup import Cgroup
from mcptop.playbook.steps.command import Command
from mcptop.playbook.steps.cprofile import Cprofile
from mcptop.playbook.steps.disk import Disk
from mcptop.playbook.steps.docker_events import DockerEvents
from mcptop.playbook.steps.docker_inspect import DockerInspect
from mcptop.playbook.steps.docker_stats import DockerStats
from mcptop.playbook.steps.flows import Flows
from mcptop.playbook.steps.host import HostStep
from mcptop.playbook.steps.iotop import Iotop
from mcptop.playbook.steps.logs import Logs
from mcptop.playbook.steps.lsof import Lsof
from mcptop.playbook.steps.memory_profiler import MemoryProfiler
from mcptop.playbook.steps.memray import Memray
from mcptop.playbook.steps.metrics import Metrics
from mcptop.playbook.steps.netstat import Netstat
from mcptop.playbook.steps.perf import Perf
from mcptop.playbook.steps.postgres import Postgres
from mcptop.playbook.steps.proc_files import ProcFiles
from mcptop.playbook.steps.proc_net import ProcNet
from mcptop.playbook.steps.py_spy_dump import PySpyDump
from mcptop.playbook.steps.py_spy_record import PySpyRecord
from mcptop.playbook.steps.redis import Redis
from mcptop.playbook.steps.ss import Ss
from mcptop.playbook.steps.threads import Threads
from mcptop.playbook.steps.watch import Watch
from mcptop.units import plain

_ALL: Iterable[StepKind] = (
    Watch(), Threads(), Flows(), Metrics(), HostStep(), PySpyDump(), PySpyRecord(),
    Lsof(), ProcFiles(), Netstat(), Ss(), ProcNet(),
    DockerInspect(), DockerEvents(), DockerStats(), Cgroup(), Logs(), Disk(),
    Postgres(), Redis(), Perf(), Iotop(), Cprofile(), MemoryProfiler(), Memray(), Command(),
)  # fmt: skip

KINDS: dict[str, StepKind] = {kind.name: kind for kind in _ALL}


class UnknownKind(Exception):
    """There is no such kind of step; one line, with the nearest names."""


def kind_of(name: str) -> StepKind:
    """What goes by this name. Raises `UnknownKind`."""
    if name in KINDS:
        return KINDS[name]
    near = difflib.get_close_matches(name, KINDS, n=3, cutoff=0.4) or list(KINDS)[:3]
    raise UnknownKind(f"no kind of step `{plain(name)}`; nearest: {', '.join(near)}")
