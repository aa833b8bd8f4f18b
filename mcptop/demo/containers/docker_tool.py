"""The docker command and Compose as programs to run: words in, text out, a failure as one line. Prints nothing."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import msgspec

from mcptop.demo import PROJECT
from mcptop.demo.stack import StackError
from mcptop.units import plain

Asked = Callable[[], bool]
"""Whether somebody asked to stop meanwhile."""

_LOOK_EVERY_S = 0.2
_END_S = 10.0
_SHORT_S = 60.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"\berror\b", re.IGNORECASE)


def never() -> bool:
    """Nobody asks."""
    return False


class Engine(msgspec.Struct, rename="pascal", frozen=True):
    """What `docker info` says that matters here."""

    n_cpu: int = msgspec.field(name="NCPU", default=0)
    security_options: tuple[str, ...] | None = None

    @property
    def rootless(self) -> bool:
        """Root in its containers is the user it runs as."""
        return any("name=rootless" in option for option in self.security_options or ())


class DockerTool:
    """Runs docker and Compose, both towards the engine that the docker command's own settings choose."""

    def __init__(self) -> None:
        # A Compose setting of this user's, such as COMPOSE_FILE, is meant for another project.
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}

    @cached_property
    def endpoint(self) -> str:
        """Where the engine is. Raises `StackError`."""
        return self._run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], _SHORT_S)[
            0
        ].strip()

    @cached_property
    def engine(self) -> Engine:
        """The engine, which has to be on this machine and answer. Raises `StackError`."""
        if not self.endpoint.startswith("unix://"):
            raise StackError(
                f"the engine at {self.endpoint} may not be on this machine, and the demo's containers share folders "
                "with it: unset DOCKER_HOST and DOCKER_CONTEXT, or `docker context use default`"
            )
        try:
            return msgspec.json.decode(self.docker("info", "--format", "{{json .}}"), type=Engine)
        except StackError as problem:
            raise StackError(f"{problem}; start the engine, or run `mcptop demo` without --docker") from None

    @cached_property
    def composer(self) -> list[str]:
        """How Compose is called here. Raises `StackError`."""
        for words in (["docker", "compose"], ["docker-compose"]):
            with contextlib.suppress(StackError):
                self._run([*words, "version"], _SHORT_S)
                return words
        raise StackError("no Docker Compose: install docker-compose-plugin (Docker's packages) or docker-compose")

    @cached_property
    def _local(self) -> dict[str, str]:
        # Compose of the first generation does not know contexts: both are told the address itself.
        kept = {name: value for name, value in self._environment.items() if name != "DOCKER_CONTEXT"}
        # A builder of this user's may keep what it built to itself.
        return {**kept, "DOCKER_HOST": self.endpoint, "BUILDX_BUILDER": "default"}

    def docker(self, *words: str, seconds: float = _SHORT_S, asked: Asked = never) -> str:
        """`docker WORDS`; what it printed. Raises `StackError`."""
        return self._run(["docker", *words], seconds, asked, self._local)[0]

    def compose(self, variables: Mapping[str, str], *words: str, seconds: float, asked: Asked = never) -> str:
        """Compose on the demo's project; `variables` are what its file refers to. Raises `StackError`."""
        return self._run([*self.composer, "-p", PROJECT, *words], seconds, asked, {**self._local, **variables})[0]

    def logs(self, container: str) -> str:
        """The last of what it wrote to stdout and to stderr. Raises `StackError`."""
        return "".join(self._run(["docker", "logs", "--tail", "30", container], _SHORT_S, never, self._local))

    def inspect(self, *ids: str) -> Any:
        """`docker inspect`: a list of objects. Raises `StackError`."""
        return msgspec.json.decode(self.docker("inspect", *ids)) if ids else []

    def has_image(self, name: str) -> bool:
        """Whether the engine holds it."""
        try:
            self.docker("image", "inspect", name)
        except StackError:
            return False
        return True

    def _run(
        self, argv: list[str], seconds: float, asked: Asked = never, environment: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        try:
            # In a session of its own: Ctrl+C in the terminal is for whoever called, who then ends it in order.
            process = subprocess.Popen(
                argv,
                env=environment or self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as problem:
            hint = "install docker.io (Debian, Ubuntu) or docker-ce" if argv[0] == "docker" else "is it installed?"
            raise StackError(f"cannot run {argv[0]}: {problem.strerror}; {hint}") from None
        what = " ".join(word for word in argv[:4] if not word.startswith("-"))
        with process:
            out, err = _outcome(process, what, time.monotonic() + seconds, asked)
        if process.returncode:
            raise StackError(f"{what}: {why(out + err)}")
        return out, err


def _outcome(process: subprocess.Popen[str], what: str, deadline: float, asked: Asked) -> tuple[str, str]:
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=_LOOK_EVERY_S)
            if asked():
                raise StackError(f"{what}: asked to stop before it was done")
            if time.monotonic() > deadline:
                raise StackError(f"{what}: no end in sight; is the engine overloaded?")
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_END_S)


def why(said: str) -> str:
    """The line that tells most of what a program said when it failed: its first error, or its last words."""
    lines = [line for each in said.splitlines() if (line := plain(_COLOUR.sub("", each), 300).strip())]
    # A builder repeats its instructions, and those may speak of errors.
    errors = (line for line in lines if _ERROR.search(line) and " RUN " not in line)
    return next(errors, lines[-1] if lines else "it said nothing")
