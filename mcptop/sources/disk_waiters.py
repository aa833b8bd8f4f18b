"""Which processes of the machine wait for a disk at this moment, and whose they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from mcptop.sources import cgroup_paths, process_files, task_look
from mcptop.sources.kept import contents
from mcptop.sources.procfs import Roots


class Waiter(NamedTuple):
    """A process of which a thread cannot go on before a disk has done its work."""

    pid: int
    ppid: int
    container: str | None


def waiters(roots: Roots) -> Iterator[Waiter]:
    """Those whose first thread forces data to disk, or sleeps uninterruptibly."""
    for name in os.listdir(roots.procfs):
        if not name.isdigit():
            continue
        base = f"{roots.procfs}/{name}"
        stat = process_files.process_stat(contents(f"{base}/stat"))
        if stat is None or stat.is_kernel_thread or stat.state == "R":
            continue
        if stat.state == "D" or task_look.waits_in(base)[0] == "fsync":
            membership = cgroup_paths.parse_membership(contents(f"{base}/cgroup").decode("utf-8", "replace"))
            yield Waiter(int(name), stat.ppid, cgroup_paths.container_id_of(membership))
