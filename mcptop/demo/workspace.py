"""The folder of a running demo: made, locked while its keeper lives, removed with everything in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from mcptop.demo import DemoError, switches

_PREFIX = "mcptop-demo-"
_LOCK = "keeper.lock"


class WorkspaceError(DemoError):
    """No folder can be made; one line."""


class Workspace:
    """One demo's folder; a service has a folder of its own in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @classmethod
    def create(cls) -> Workspace:
        """A new one in the system's folder for temporary files. Raises `WorkspaceError`."""
        parent = tempfile.gettempdir() if os.environ.get("TMPDIR") is None else os.environ["TMPDIR"]
        try:
            made = cls(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)))
            made._hold()
        except OSError as problem:
            raise WorkspaceError(
                f"cannot make a folder in {parent}: {problem.strerror}; set TMPDIR to one that can be written"
            ) from None
        return made

    def _hold(self) -> None:
        self._lock = (self.path / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def of(self, service: str) -> Path:
        """The folder of one service."""
        return self.path / service

    def prepare(self, service: str, faults: Mapping[str, Any]) -> Path:
        """Make a service's folder, with what shall be on from the start."""
        folder = self.of(service)
        folder.mkdir()
        switches.write(folder / switches.WANTED, faults)
        return folder

    def remove(self) -> None:
        """Everything in it, and the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock:
            self._lock.close()


def sweep(clean: Callable[[Workspace], None]) -> None:
    """Remove folders whose keeper was killed. `clean` ends what still runs for one of them."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        left = Workspace(path)
        # A folder without a lock is being made right now, one with a held lock is in use, others are not ours.
        with contextlib.suppress(OSError):
            if path.stat().st_uid == os.getuid() and (path / _LOCK).exists():
                left._hold()
                clean(left)
                left.remove()
