"""The threads of one process: how much each ran, how long it waited for a CPU, and what it waits in."""

from __future__ import annotations

import time
from itertools import islice

from mcptop.closeup.pace import Pace
from mcptop.model.closeup import ProcessKey, ThreadLine
from mcptop.sources import task_look
from mcptop.sources.process_handle import is_alive
from mcptop.sources.procfs import Roots
from mcptop.units import plain

MOST = 1000


class ThreadReader:
    """Looks again and again at the threads of the process that is chosen."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._ran: Pace[tuple[ProcessKey, int]] = Pace()
        self._waited: Pace[tuple[ProcessKey, int]] = Pace()

    def look(self, process: ProcessKey) -> tuple[ThreadLine, ...]:
        """The threads now, the first one first; none when the process is gone."""
        if not is_alive(self._roots, process):
            return ()
        lines = tuple(self._line(process, task) for task in islice(task_look.looks(self._roots, process.pid), MOST))
        self._ran.turn()
        self._waited.turn()
        return lines

    def _line(self, process: ProcessKey, task: task_look.TaskLook) -> ThreadLine:
        at, key = time.monotonic(), (process, task.tid)
        waited = self._waited.per_s(key, task.waited_s, at)
        return ThreadLine(
            pid=process.pid,
            tid=task.tid,
            name=plain(task.name).strip(),
            state=plain(task.state),
            cores=self._ran.per_s(key, task.ran_s, at),
            waited_ratio=None if waited is None else min(1.0, waited),
            waits_in=task.waits_in,
        )
