"""Lines of a running program's source, as its own file system has them."""

from __future__ import annotations

import os
import stat
from itertools import islice

from mcptop.sources.procfs import Roots

_LONGEST = 4 << 20
"""Bytes: no source is longer; what is, is something else."""


def line(roots: Roots, pid: int, filename: str, number: int) -> str | None:
    """Line `number` (from 1) of the file the process knows as `filename`; None where it cannot be read.

    For a judgement, never to be shown: a link in somebody's container may lead to a file of this host.
    """
    if number < 1 or "\0" in filename or filename.startswith("<"):
        return None
    seen_from = "root" if filename.startswith("/") else "cwd"
    path = f"{roots.procfs}/{pid}/{seen_from}/{filename.lstrip('/')}"
    try:
        # A pipe of that name must not hold us up.
        with open(
            os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), encoding="utf-8", errors="replace"
        ) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > _LONGEST:
                return None
            return next(islice(file, number - 1, None), None)
    except OSError:
        return None
