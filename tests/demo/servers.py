"""Real servers of a test's own: loopback, a free port, a folder that goes away with them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from glob import glob
from pathlib import Path

import psycopg

_START_S = 30.0


def free_port() -> int:
    """A port nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def postgres_programs() -> str | None:
    """The folder with PostgreSQL's programs: Debian keeps them out of PATH, one folder a version."""
    found = shutil.which("postgres") or next(
        iter(sorted(glob("/usr/lib/postgresql/*/bin/postgres"), reverse=True)), None
    )
    return found and os.path.dirname(found)


class Server(ABC):
    """A server process. `stop` ends it; `start` may be called again."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What runs it."""

    def start(self) -> None:
        """Return once it takes connections."""
        self._process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._wait(self._process, time.monotonic() + _START_S)
        except BaseException:
            self.stop()  # whoever wanted it never gets to do so
            raise

    def _wait(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        while not self.is_ready():
            assert process.poll() is None, f"{self.command()[0]} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{self.command()[0]} does not listen"
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End it and return when it is gone."""
        if self._process is not None and self._process.poll() is None:
            self.ask_to_end()
            self._process.wait(20)
        self._process = None

    def ask_to_end(self) -> None:
        """Have it end soon."""
        assert self._process is not None
        self._process.terminate()


class Redis(Server):
    """A redis-server that keeps nothing."""

    @property
    def url(self) -> str:
        """For REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """Without a file."""
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", "/"]


class Postgres(Server):
    """A PostgreSQL server with a database of its own; it refuses to run as root, so as root it runs as `postgres`."""

    def __init__(self, programs: str) -> None:
        super().__init__()
        self._programs = programs
        self._as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.folder = Path(tempfile.mkdtemp(prefix="mcptop-test-postgres-"))
        if self._as_user:
            shutil.chown(self.folder, "postgres", "postgres")
        words = [
            f"{programs}/initdb",
            "--auth=trust",
            "--username=postgres",
            "--no-sync",
            "-D",
            str(self.folder / "data"),
        ]
        subprocess.run([*self._as_user, *words], check=True, capture_output=True, cwd="/")

    @property
    def url(self) -> str:
        """For DATABASE_URL."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def command(self) -> list[str]:
        """TCP on loopback, and nothing to survive a crash."""
        data = ["-D", str(self.folder / "data"), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"]
        return [
            *self._as_user,
            f"{self._programs}/postgres",
            *data,
            "-c",
            f"unix_socket_directories={self.folder}",
            "-F",
        ]

    def is_ready(self) -> bool:
        """It listens for a moment before it can be asked anything."""
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def ask_to_end(self) -> None:
        """Without waiting for its clients; `runuser` would not hand the signal on."""
        os.kill(int((self.folder / "data/postmaster.pid").read_text().split()[0]), signal.SIGINT)

    def stop(self) -> None:
        """End it and remove its folder."""
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)
