"""A handle on one process, so that what is done to it can never happen to another one that got its pid."""

from __future__ import annotations

import os

from mcptop.model.closeup import ProcessKey
from mcptop.sources import process_files
from mcptop.sources.kept import contents
from mcptop.sources.procfs import Roots


def is_alive(roots: Roots, key: ProcessKey) -> bool:
    """Whether the process is still there: the same one, and not another with its pid."""
    stat = process_files.process_stat(contents(f"{roots.procfs}/{key.pid}/stat"))
    return stat is not None and stat.start_ticks == key.start_ticks


def open_process(roots: Roots, key: ProcessKey) -> int:
    """A pidfd of the process, for `signal.pidfd_send_signal`; close it with `os.close`.

    Raises ProcessLookupError when it is gone (or its pid is another's now), and PermissionError where /proc is that
    of another pid namespace, so that its numbers are not ours.
    """
    if os.readlink(f"{roots.procfs}/self") != str(os.getpid()):
        raise PermissionError(f"{roots.procfs} numbers processes otherwise than mcptop's own namespace does")
    handle = os.pidfd_open(key.pid)
    # The handle came first: if its number still has this start, the handle is of that process and stays so.
    if not is_alive(roots, key):
        os.close(handle)
        raise ProcessLookupError(f"process {key.pid} has ended")
    return handle
