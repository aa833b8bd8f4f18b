"""Lines of a running program's source, as its own file system has them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TextIO

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
        with _regular(path) as file:
            return next(islice(file, number - 1, None), None)
    except OSError:
        return None


@contextmanager
def _regular(path: str) -> Iterator[TextIO]:
    """A plain file of no odd length. Raises OSError for anything else, which is never opened: of a pipe that would
    wake who writes to it, and a device may do as it likes.
    """
    at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        about = os.fstat(at)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LONGEST:
            raise OSError(errno.EINVAL, "no source", path)
        with open(f"/proc/self/fd/{at}", encoding="utf-8", errors="replace") as file:
            yield file
    finally:
        os.close(at)
