"""The demo as containers: builds the image, starts the Compose project, changes limits, takes everything down."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import cached_property
from importlib import resources

from mcptop.demo import PROJECT
from mcptop.demo.containers import limits
from mcptop.demo.containers.docker_tool import Asked, DockerTool, never
from mcptop.demo.containers.image import NAME, Image
from mcptop.demo.containers.look import Container, last_words, look
from mcptop.demo.containers.neighbour import neighbour
from mcptop.demo.plan import LOOPBACK, SERVICES, Plan
from mcptop.demo.stack import StackError
from mcptop.demo.workspace import Workspace

_PROJECT_LABEL = f"com.docker.compose.project={PROJECT}"
_FOLDER_LABEL = "mcptop.demo.folder"
_UP_S, _DOWN_S, _READY_S = 300.0, 90.0, 240.0
_LOOK_EVERY_S, _CHECK_EVERY_S = 0.5, 10.0
_GRACE_S = 5


class DockerStack:
    """All services of a plan. A second object on the same folder changes the same stack."""

    def __init__(self, plan: Plan, workspace: Workspace, asked: Asked = never) -> None:
        """`asked`: whether to give up starting."""
        assert plan.docker is not None
        self._plan = plan
        self._port = plan.docker.port
        self._workspace = workspace
        self._asked = asked
        self._tool = DockerTool()
        self._image = Image(self._tool, plan.docker, workspace.path)
        self._label = f"{_FOLDER_LABEL}={workspace.path}"
        self._file = workspace.path / "compose.yaml"
        """While it is there, the project of that name is ours."""
        self._limits: dict[str, dict[str, str]] = {}
        self._changing = threading.Lock()
        self._next_check = 0.0
        self._missing: set[str] = set()

    # What the keeper does.

    def start(self) -> dict[str, str]:
        """Build, start all and wait until they are healthy; service -> address. Raises `StackError`."""
        variables = self._variables
        limits.fit(self._plan.profile, self._tool.engine.n_cpu)
        self._look_for_others()
        _look_for_listener(self._port)
        for service in SERVICES:
            # The container's user may be another one than ours; the folder around it is closed to others.
            self._workspace.prepare(service, self._plan.faults.get(service, {})).chmod(0o777)
        self._image.build(self._asked)
        # Building takes long enough for somebody else to have started theirs.
        self._look_for_others()
        shutil.copy(str(resources.files("mcptop.demo.containers") / "compose" / "compose.yaml"), self._file)
        self._tool.compose(variables, "-f", str(self._file), "up", "-d", seconds=_UP_S, asked=self._asked)
        return {service: each.address for service, each in self._ready().items()}

    def check(self) -> list[str]:
        """What happened since the last call. Raises `StackError` when nothing is left."""
        if time.monotonic() < self._next_check:
            return []
        self._next_check = time.monotonic() + _CHECK_EVERY_S
        try:
            found = self._tool.docker("ps", "-a", *self._ours, "--format", '{{.Label "com.docker.compose.service"}}')
        except StackError:
            # An engine that restarts or is busy: containers are where they were.
            return []
        missing = set(SERVICES) - set(found.split())
        if missing == set(SERVICES):
            raise StackError(f"the containers of {PROJECT} were removed by somebody; start the demo again")
        # Twice in a row: a change of limits replaces a container.
        gone, self._missing = missing & self._missing, missing - self._missing
        return [f"the container of {service} was removed by somebody" for service in sorted(gone)]

    def stop(self) -> None:
        """Take down whatever is there of it. Raises `StackError` if something may be left."""
        if self._file.exists():
            with contextlib.suppress(StackError):
                words = ("down", "--volumes", "--remove-orphans", "--timeout", str(_GRACE_S))
                self._tool.compose(self._variables, "-f", str(self._file), *words, seconds=_DOWN_S)
            self._sweep()
            self._file.unlink()
        self._image.remove()

    # What faults do.

    async def limit(self, service: str, cpus: str | None = None, memory: str | None = None) -> None:
        """Other limits for a service, in a new container; without values, those of the plan. Raises `StackError`."""
        given = {name: value for name, value in (("cpus", cpus), ("memory", memory)) if value is not None}
        await asyncio.to_thread(self._limit, service, given)

    @asynccontextmanager
    async def neighbour(self, kind: str, processes: str) -> AsyncIterator[None]:
        """A container beside the stack that keeps a resource busy. Raises `StackError`."""
        labels = {_FOLDER_LABEL: str(self._workspace.path)}
        folder = self._workspace.path / "neighbour"
        with ExitStack() as held:
            block = neighbour(self._tool, kind, processes, self._user, labels, folder)
            await asyncio.to_thread(held.enter_context, block)
            try:
                yield
            finally:
                await asyncio.to_thread(held.close)

    # How.

    @property
    def _ours(self) -> tuple[str, str]:
        return ("--filter", f"label={self._label}")

    @cached_property
    def _user(self) -> str:
        # Without privileges, only "root" is the user the folders belong to.
        return "0:0" if self._tool.engine.rootless else f"{os.getuid()}:{os.getgid()}"

    @cached_property
    def _variables(self) -> dict[str, str]:
        user, _, group = self._user.partition(":")
        return {
            **limits.variables(self._plan.profile),
            "DEMO_IMAGE": NAME,
            "DEMO_UID": user,
            "DEMO_GID": group,
            "DEMO_FOLDER": str(self._workspace.path),
            "API_PORT": str(self._port),
        }

    def _look_for_others(self) -> None:
        found = self._tool.docker("ps", "-aq", "--filter", f"label={_PROJECT_LABEL}")
        found += self._tool.docker("network", "ls", "-q", "--filter", f"label={_PROJECT_LABEL}")
        if found:
            how = f"`{' '.join(self._tool.composer)} -p {PROJECT} down`"
            raise StackError(f"a Compose project {PROJECT} is there already: end that demo first, or with {how}")

    def _ready(self) -> dict[str, Container]:
        deadline = time.monotonic() + _READY_S
        while True:
            found = look(self._tool, self._label)
            waiting = [service for service in SERVICES if not self._is_ready(found.get(service))]
            if not waiting:
                return {service: found[service] for service in SERVICES}
            self._give_up_on_failures(found, waiting)
            if self._asked():
                raise StackError("asked to stop before the services were healthy")
            if time.monotonic() > deadline:
                raise StackError(self._late(waiting[0], found.get(waiting[0])))
            time.sleep(_LOOK_EVERY_S)

    def _is_ready(self, container: Container | None) -> bool:
        if container is None or container.status == "created":
            return False
        # A fault that was asked for may be that it is not healthy.
        return container.health == "healthy" or bool(self._plan.faults.get(container.service))

    def _give_up_on_failures(self, found: dict[str, Container], waiting: list[str]) -> None:
        for service in waiting:
            if service in found and (how := found[service].fails):
                raise StackError(f"{service} {how}: {last_words(self._tool, found[service])}")

    def _late(self, service: str, container: Container | None) -> str:
        said = last_words(self._tool, container) if container else "it has no container"
        return f"{service} was not healthy within {_READY_S:.0f} s: {said}"

    def _limit(self, service: str, given: dict[str, str]) -> None:
        with self._changing:
            changed = {**self._limits, service: {**self._limits.get(service, {}), **given} if given else {}}
            override = self._workspace.path / "limits.json"
            override.write_text(json.dumps(limits.override(changed)))
            files = ("-f", str(self._file), "-f", str(override))
            self._tool.compose(self._variables, *files, "up", "-d", "--no-deps", service, seconds=_UP_S)
            self._limits = changed

    def _sweep(self) -> None:
        """What Compose left or does not know: neighbours, and everything if it did not run at all."""
        try:
            if containers := self._tool.docker("ps", "-aq", *self._ours).split():
                self._tool.docker("rm", "--force", "--volumes", *containers)
            if networks := self._tool.docker("network", "ls", "-q", *self._ours).split():
                self._tool.docker("network", "rm", *networks)
        except StackError as problem:
            how = f"docker rm -f $(docker ps -aq --filter label={_PROJECT_LABEL})"
            raise StackError(f"containers of {PROJECT} may be left ({problem}); end them with `{how}`") from None


def _look_for_listener(port: int) -> None:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise StackError(f"port {port} on {LOOPBACK} is taken; end who holds it or use --port") from None
