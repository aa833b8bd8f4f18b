"""The processes of containers that are not on this kernel, as the engine's own `ps` tells them.

It knows no descriptors and no start that could tell a pid used again, and its CPU time is too coarse for a rate.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from mcptop import secret_forms
from mcptop.closeup.engine_link import EngineLink
from mcptop.closeup.world import Problems
from mcptop.model.closeup import ProcessCloseup, ProcessLine
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.swarm import is_task
from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.docker_target import Answer
from mcptop.units import plain

COLUMNS = "pid,ppid,user,stat,rss,nlwp,etimes,args"
"""The engine divides the lines at white space, so only the last may have some in it: the name is not asked for."""
MOST = 2000


class EngineTop:
    """Asks the engine."""

    def __init__(self, connect: Callable[[str], DockerEngine]) -> None:
        self._link = EngineLink(connect)

    def look(self, service: Service, instances: Sequence[Instance], why: str) -> ProcessCloseup:
        """Ask now. `why` the kernel was not."""
        problems, lines, at = Problems(), list[ProcessLine](), datetime.now(UTC)
        problems.add(why)
        for instance in instances:
            if is_task(instance.id):
                problems.add(f"{instance.name} is on {instance.host}, which mcptop does not sample")
                continue
            if instance.state != "running":
                problems.add(f"{instance.name} does not run ({instance.state})")
                continue
            try:
                answer = self._link.ask(instance, lambda engine, id=instance.id: engine.top(id, COLUMNS))  # type: ignore[misc]
            except EngineError as error:
                problems.add(str(error))
                continue
            lines += parse(answer, instance.name, at)
        return ProcessCloseup(
            at=at,
            service=service.key,
            instances=tuple(instance.name for instance in instances),
            problem=problems.line(),
            cut_at=MOST if len(lines) > MOST else None,
            lines=tuple(lines[:MOST]),
        )

    def close(self) -> None:
        """Close the connection."""
        self._link.close()


def parse(answer: Answer, instance: str, at: datetime) -> Iterator[ProcessLine]:
    """One line a process; those that are not what was asked for are left out."""
    for row in answer.get("Processes") or ():
        fields = [str(field) for field in row]
        if len(fields) == len(COLUMNS.split(",")) and fields[0].isdigit() and fields[1].isdigit():
            yield _line(fields, instance, at)


def _line(fields: Sequence[str], instance: str, at: datetime) -> ProcessLine:
    pid, parent, user, state, rss, threads, age, command = fields
    program = command.partition(" ")[0]
    return ProcessLine(
        instance=instance,
        pid=int(pid),
        parent=int(parent),
        name=plain(os.path.basename(program) or program, 64),
        command=plain(secret_forms.masked(command[:4096]), 1000),
        user=plain(user, 32),
        state=plain(state[:1]),
        rss_bytes=int(rss) * 1024 if rss.isdigit() else None,
        threads=int(threads) if threads.isdigit() else None,
        started_at=at - timedelta(seconds=int(age)) if age.isdigit() and len(age) < 10 else None,
    )
