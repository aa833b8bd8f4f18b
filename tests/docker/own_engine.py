"""An engine of our own beside the machine's, with a tiny image in it: may become a swarm manager, be locked, be gone.

It lives in network and mount namespaces of its own: without a bridge it would take the machine's engine's bridge away,
and what a swarm makes (bridges, namespaces) ends with it.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import signal
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

from observer import PATIENCE

IMAGE = "mcptop-tiny:1"
_PROGRAMS = ("/bin/sh", "/bin/sleep", "/usr/bin/perl")
_MODULES = "/usr/lib/*/perl-base"
"""What every Debian's perl has at least: enough for a socket."""
_HAS_LOOPBACK = 'ip link set lo up && exec dockerd "$@"'


class Engine:
    """Started at once; `stop` ends it and everything in it."""

    def __init__(self) -> None:
        # Not pytest's folder: its containerd would have a socket with more letters than a socket may have.
        self._folder = tempfile.TemporaryDirectory(prefix="mcptop-engine-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.socket = f"unix://{self.folder}/docker.sock"
        (self.folder / "daemon.json").write_text("{}")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        places = {"data-root": "data", "exec-root": "run", "pidfile": "pid", "config-file": "daemon.json"}
        words = ["unshare", "--net", "--mount", "sh", "-c", _HAS_LOOPBACK, "sh", "-H", self.socket, "--bridge=none"]
        words += ["--iptables=false", "--storage-driver=vfs"]
        words += [f"--{option}={self.folder}/{name}" for option, name in places.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 30 * PATIENCE
        while True:
            with contextlib.suppress(RuntimeError):
                self.docker("version", seconds=10)
                return
            has_time = self._process.poll() is None and time.monotonic() < deadline
            assert has_time, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.1)

    def docker(self, *words: str, seconds: float = 60) -> str:
        """One docker command to it; its error is the exception's text."""
        command = ["docker", "-H", self.socket, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds * PATIENCE)
        if done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(words)[:200]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def load_image(self) -> None:
        """A shell, `sleep` and perl, with the libraries they need, as an image of a few megabytes."""
        archive = self.folder / "tiny.tar"
        with tarfile.open(archive, "w") as tar:
            for path in _with_libraries(_PROGRAMS):
                tar.add(os.path.realpath(path), path.lstrip("/"))
            for folder in glob.glob(_MODULES):
                tar.add(folder, folder.lstrip("/"))
        self.docker("import", str(archive), IMAGE)

    def service(self, name: str, program: str, *options: str) -> str:
        """A Swarm service of the tiny image on the host's network; its id."""
        always = ("--detach", "--no-resolve-image", "--network", "host", "--stop-signal", "SIGKILL")
        return self.docker("service", "create", *always, "--name", name, *options, IMAGE, "/bin/sh", "-c", program)

    def halt(self) -> None:
        """End the engine as an operator would; its containers end with it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=60 * PATIENCE)

    def stop(self) -> None:
        """End it, and whatever of it an end in a hurry has left."""
        for words in (("swarm", "leave", "--force"), ("rm", "-f", *self._containers())):
            with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
                self.docker(*words)
        try:
            self.halt()
        finally:
            for pid in _pids_with(str(self.folder)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._folder.cleanup()

    def _containers(self) -> list[str]:
        with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
            return self.docker("ps", "-aq").split()
        return []


def _with_libraries(programs: tuple[str, ...]) -> list[str]:
    found = dict.fromkeys(programs)
    for program in programs:
        said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        found |= dict.fromkeys(re.findall(r"(/\S+) \(0x", said))
    return list(found)


def _pids_with(folder: str) -> list[int]:
    """Shims and engines that were started with this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if folder.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return found
