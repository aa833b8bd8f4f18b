"""The demo as processes: starts them, notices when one ends, ends them all with what they started."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

from mcptop.demo.plan import LOOPBACK, Plan, Program
from mcptop.demo.stack import StackError
from mcptop.demo.workspace import Workspace

_READY_S = 60.0
_GRACE_S = 5.0
_LOG_LIMIT = 32 * 1024 * 1024
_GIVE_UP_AFTER, _WITHIN_S = 3, 30.0
_OPEN_FILES = 1024
"""Soft limit of each service, as most systems have it: an fd leak reaches it within minutes."""


class _Running:
    """One service's process; started again when it dies."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.log = folder / "log"
        self.deaths: deque[float] = deque(maxlen=_GIVE_UP_AFTER)
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {
            **self.program.environment,
            "DEMO_DIR": str(self.folder),
            "DEMO_KEEPER": str(os.getpid()),
            "DEMO_OPEN_FILES": str(_OPEN_FILES),
        }
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", self.program.module],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def restart(self) -> None:
        """Once more."""
        self.process = self._start()

    @property
    def ended(self) -> bool:
        """Whether its process is over; it stays unreaped, so that its number cannot be another's meanwhile."""
        if self.process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def bury(self) -> int:
        """End what is left of its process group; its exit status."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()

    def last_words(self) -> str:
        """The last line of its log that is not part of a traceback's body."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").splitlines()
        return next((line for line in reversed(lines) if line.strip() and not line.startswith(" ")), "it said nothing")


class ProcessStack:
    """All services of a plan."""

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        self._plan = plan
        self._workspace = workspace
        self._running: list[_Running] = []

    def start(self) -> dict[str, str]:
        """Start all and wait until they answer; service -> address. Raises `StackError`."""
        for program in self._plan.programs:
            folder = self._workspace.prepare(program.service, self._plan.faults.get(program.service, {}))
            self._running.append(_Running(program, folder))
        deadline = time.monotonic() + _READY_S
        for each in self._running:
            self._await(each, deadline)
        return {each.program.service: each.program.url for each in self._running}

    def _await(self, each: _Running, deadline: float) -> None:
        while not _healthy(each.program.port):
            if each.ended:
                raise StackError(each.last_words())
            if time.monotonic() > deadline:
                raise StackError(f"{each.program.service} did not answer within {_READY_S:.0f} s: {each.last_words()}")
            time.sleep(0.05)

    def check(self) -> list[str]:
        """What happened since the last call; the dead start again. Raises `StackError` for one that will not live."""
        news = []
        for each in self._running:
            if each.ended:
                news.append(self._revive(each))
            elif each.log.stat().st_size > _LOG_LIMIT:
                os.truncate(each.log, 0)
        return news

    def _revive(self, each: _Running) -> str:
        service, pid, now = each.program.service, each.process.pid, time.monotonic()
        how = _how(each.bury())
        each.deaths.append(now)
        if len(each.deaths) == _GIVE_UP_AFTER and now - each.deaths[0] < _WITHIN_S:
            raise StackError(f"{service} {how} again and again: {each.last_words()}")
        each.restart()
        return f"{service} (pid {pid}) {how}; started again as {each.process.pid}"

    def stop(self) -> None:
        """End all services and whatever they started."""
        for each in self._running:
            if not each.ended:
                each.process.terminate()
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline and not all(each.ended for each in self._running):
            time.sleep(0.02)
        for each in self._running:
            each.bury()


def _how(status: int) -> str:
    if status >= 0:
        return f"ended with exit code {status}"
    return f"was killed by {signal.Signals(-status).name}"


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1.0)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
