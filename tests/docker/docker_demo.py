"""Runs the real `mcptop demo --docker` and switches its faults; sees what it left behind.

Talks to the engine through the docker command, so that the tests do not see it with the demo's own eyes.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from containers import COMPOSE, docker
from observer import PATIENCE, Frame, Instance, Watch, environment

from mcptop.demo import PROJECT
from mcptop.demo.containers.docker_stack import DockerStack
from mcptop.demo.containers.image import NAME, requirements
from mcptop.demo.faults.catalogue import parse
from mcptop.demo.plan import Plan
from mcptop.demo.switchboard import Switchboard
from mcptop.demo.workspace import Workspace

OURS = ("--filter", f"label={COMPOSE}.project={PROJECT}")


def lacks() -> str | None:
    """Why the demo cannot be tested here."""
    tools = (["docker", "compose", "version"], ["docker-compose", "version"])
    if not any(
        shutil.which(words[0]) and subprocess.run(words, capture_output=True).returncode == 0 for words in tools
    ):
        return "no Docker Compose"
    return f"a project {PROJECT} runs already" if left_over() else None


@functools.cache
def wheels(image: str) -> str | None:
    """A folder with what the services need, for the image's Python; None where there is no package index.

    MCPTOP_TEST_WHEELS names one that was brought along.
    """
    if brought := os.environ.get("MCPTOP_TEST_WHEELS"):
        return brought
    version = docker("run", "--rm", image, "python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    folder = tempfile.mkdtemp(prefix="mcptop-wheels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # pip evaluates conditions for the Python it runs with; an older patch version of the image may want more.
    wanted = [*requirements(), "pip", "async-timeout"]
    words = ["--quiet", "--dest", folder, "--python-version", version, "--only-binary", ":all:", *wanted]
    done = subprocess.run([sys.executable, "-m", "pip", "download", *words], capture_output=True, timeout=300)
    return folder if done.returncode == 0 else None


def left_over() -> list[str]:
    """Containers, networks and volumes of the demo's project."""
    return [
        *docker("ps", "-aq", *OURS).split(),
        *docker("network", "ls", "-q", *OURS).split(),
        *docker("volume", "ls", "-q", *OURS).split(),
    ]


def has_image() -> bool:
    """Whether the demo's image is there."""
    return bool(docker("image", "ls", "-q", NAME))


def building() -> bool:
    """Whether some docker command builds the demo's image now."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_text().split("\0")
            if words[0].endswith("docker") and "build" in words[1:2] and NAME in words:
                return True
    return False


def counts_block_io(container: str) -> bool:
    """Whether the kernel counts its block I/O: with v1, a recent one does so only once there is some limit of it."""
    try:
        return "Write" in docker("exec", container, "cat", "/sys/fs/cgroup/blkio/blkio.throttle.io_service_bytes")
    except RuntimeError:
        return True


def settle(check: Callable[[], bool], seconds: float) -> bool:
    """Whether `check` comes true in time."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def free_port() -> int:
    """One that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def command(image: str, port: int, *words: str) -> list[str]:
    """The demo's command line."""
    where = ["--base-image", image, "--wheels", wheels(image) or "", "--port", str(port)]
    return [sys.executable, "-m", "mcptop", "demo", "--docker", "--headless", "--json", *where, *words]


def launch(image: str, *words: str, port: int = 0, **changes: str) -> subprocess.Popen[str]:
    """Start it, without waiting for anything."""
    kept = environment(**changes)
    for name in ("DATABASE_URL", "REDIS_URL", "MODEL_CPU_LIMIT", "MODEL_MEMORY_LIMIT"):
        kept.pop(name, None)
    argv = command(image, port or free_port(), *words)
    return subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=kept,
        start_new_session=True,
        # A shell has its background jobs ignore Ctrl+C, and what they start as well.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


class DockerDemo:
    """A running demo."""

    def __init__(self, image: str, *words: str, **changes: str) -> None:
        self.process = launch(image, *words, **changes)
        assert self.process.stdout
        assert self.process.stderr
        document: dict[str, Any] = json.loads(self.process.stdout.readline() or "{}")
        if "services" not in document:
            raise AssertionError(f"the demo did not start: {document} {self.process.communicate()[1]}")
        self.services: dict[str, str] = document["services"]
        self.folder = Path(document["folder"])
        self.keeper = int(document["keeper"])
        plan = msgspec.json.decode((self.folder / "plan.json").read_bytes(), type=Plan)
        self.board = Switchboard(self.folder, DockerStack(plan, Workspace(self.folder)))

    @contextmanager
    def fault(self, text: str) -> Iterator[None]:
        """On inside the block."""
        fault, dose = parse(text)
        self.board.turn_on(fault, dose)
        try:
            yield
        finally:
            self.board.turn_off(fault)

    def close(self) -> tuple[int, str]:
        """End it as a service manager would; its exit status and what it said on stderr."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=120 * PATIENCE)
        return self.process.returncode, said


def host_config(service: str) -> dict[str, Any]:
    """What the engine was told of a service's container."""
    (found,) = docker("ps", "-q", *OURS, "--filter", f"label={COMPOSE}.service={service}").split()
    config: dict[str, Any] = json.loads(docker("inspect", found))[0]["HostConfig"]
    return config


def of(frame: Frame, service: str) -> Instance:
    """The one container of a service of the demo."""
    found = [
        each
        for s in frame["services"]
        if (s["project"], s["name"], s["kind"]) == (PROJECT, service, "container")
        for each in s["instances"]
    ]
    assert len(found) == 1, f"{service} is there {len(found)} times"
    return found[0]


def until(watch: Watch, service: str, check: Callable[[Instance], None], seconds: float = 45) -> Instance:
    """Wait until a service's container satisfies `check`; a failure shows what was seen of it."""

    def both(frame: Frame) -> None:
        found = of(frame, service)
        try:
            check(found)
        except (AssertionError, TypeError) as error:
            error.add_note(json.dumps(found))
            raise

    return of(watch.until(both, seconds), service)
