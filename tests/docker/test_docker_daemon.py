"""An engine of our own that hangs, dies and returns while mcptop watches it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from observer import PATIENCE, Frame, Watch


class Daemon:
    """A dockerd beside the machine's, with its own folder and socket."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self._folder / "daemon.json").write_text("{}")
        places = {"data-root": "data", "exec-root": "run", "pidfile": "pid", "config-file": "daemon.json"}
        # In namespaces of its own: an engine without a bridge would take the machine's engine's bridge away.
        words = ["unshare", "--net", "--mount", "dockerd", "-H", self.socket, "--bridge=none", "--iptables=false"]
        words += [f"--{option}={self._folder}/{name}" for option, name in places.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            self._process.wait(timeout=60 * PATIENCE)


@pytest.fixture
def daemon(require: Callable[[str, object, str], None]) -> Iterator[Daemon]:
    require("docker", os.geteuid() == 0, "starting an engine of one's own needs root")
    # Not pytest's folder: its containerd would have a socket with more letters than a socket may have.
    with tempfile.TemporaryDirectory(prefix="mcptop-engine-", ignore_cleanup_errors=True) as folder:
        daemon = Daemon(Path(folder))
        daemon.start()
        yield daemon
        daemon.stop()


@pytest.fixture
def own_watch(daemon: Daemon) -> Iterator[Watch]:
    """A `--watch` that runs through all of it."""
    watch = Watch("--host", daemon.socket)
    yield watch
    assert watch.close() == 0
    assert "Traceback" not in watch.complaints


def engine(status: str, says: str = "") -> Callable[[Frame], None]:
    def check(frame: Frame) -> None:
        report = next(report for report in frame["sources"] if report["name"] == "docker")
        assert report["status"] == status, report
        assert says in report["message"]
        assert frame["services"], "host processes go on whatever the engine does"

    return check


def test_the_watch_survives_an_engine_that_starts_late_hangs_dies_and_returns(daemon: Daemon, own_watch: Watch) -> None:
    own_watch.until(engine("ok"), 90)
    daemon.signal(signal.SIGSTOP)
    own_watch.until(engine("error", "does not answer in time"), 90)
    daemon.signal(signal.SIGCONT)
    own_watch.until(engine("ok"), 90)
    daemon.stop()
    own_watch.until(engine("error"), 90)
    daemon.start()
    own_watch.until(engine("ok"), 90)
