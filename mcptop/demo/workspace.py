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
from mcptop.sources import filesystems

_ON_DISK = "/var/tmp"
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
        """A new one. Raises `WorkspaceError`."""
        parent = _parent()
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


def _parent() -> str:
    """TMPDIR if it is set. /tmp is in memory on many systems, and the faults of the disk want a disk."""
    if named := os.environ.get("TMPDIR"):
        return named
    usual = tempfile.gettempdir()
    better = is_in_memory(usual) and os.access(_ON_DISK, os.W_OK) and not is_in_memory(_ON_DISK)
    return _ON_DISK if better else usual


def is_in_memory(folder: str | Path) -> bool:
    """Whether what is written there never reaches a disk."""
    try:
        return filesystems.is_in_memory(Path(folder), Path("/proc/self/mountinfo").read_text())
    except OSError:
        return False


def sweep(clean: Callable[[Workspace], None]) -> None:
    """Remove folders whose keeper was killed. `clean` ends what still runs for one of them."""
    for path in Path(_parent()).glob(f"{_PREFIX}*"):
        left = Workspace(path)
        # A folder without a lock is being made right now, one with a held lock is in use, others are not ours.
        with contextlib.suppress(OSError):
            if path.stat().st_uid == os.getuid() and (path / _LOCK).exists():
                left._hold()
                clean(left)
                left.remove()
