"""`mcptop demo` without its screen: what can be switched, what is started, waiting for the end."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mcptop.demo import PROJECT, DemoError, plan
from mcptop.demo.faults.catalogue import FAULTS, parse
from mcptop.demo.faults.fault import Dose, Fault, FaultError
from mcptop.demo.keeping.session import Session
from mcptop.demo.switchboard import Switch, Switchboard
from mcptop.demo.workspace import Workspace, is_in_memory
from mcptop.exit_status import ExitStatus

if TYPE_CHECKING:
    from rich.table import Table

Asked = list[tuple[Fault, dict[str, Dose]]]

_EXTRA = (
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "greenlet",
    "aiosqlite",
    "asyncpg",
    "redis",
    "cachetools",
    "httpx",
    "psutil",
    "prometheus_client",
)


class Running:
    """A started demo with its switches, as the dashboard needs it."""

    project = PROJECT

    def __init__(self, session: Session, board: Switchboard) -> None:
        self.session = session
        self._board = board

    def switches(self) -> tuple[Switch, ...]:
        """One for each fault this demo can show."""
        return self._board.switches()

    @property
    def on_news(self) -> Callable[[str], None]:
        """Hears what happens to the stack, on another thread."""
        return self.session.on_news

    @on_news.setter
    def on_news(self, hear: Callable[[str], None]) -> None:
        self.session.on_news = hear


def asked(texts: Sequence[str], docker: bool) -> Asked:
    """The faults named on the command line. Raises `FaultError`."""
    found = [parse(text) for text in texts]
    for fault, _ in found:
        if fault.needs_docker and not docker:
            raise FaultError(f"fault {fault.name} needs containers: add --docker")
    return found


def in_docker(port: int | None, base_image: str | None, wheels: str | None, keep_image: bool) -> plan.DockerPlan:
    """What the demo in Docker needs to know."""
    return plan.DockerPlan(port or plan.API_PORT, base_image or plan.BASE_IMAGE, wheels, keep_image)


@contextlib.contextmanager
def start(profile: str, faults: Asked, port: int | None, docker: plan.DockerPlan | None) -> Iterator[Running]:
    """A demo that runs inside the `with` block. Raises `DemoError`."""
    if docker is None and (lacks := _missing()):
        raise DemoError(lacks)
    limits = plan.limits(profile)
    wanted: dict[str, plan.Wanted] = {}
    for fault, dose in faults:
        if not fault.on_stack:
            wanted.setdefault(fault.service, {})[fault.name] = dose
    programs = () if docker else plan.programs(limits, port)
    chosen = plan.Plan(limits, wanted, programs, docker)
    print(f"starting {PROJECT} ...", file=sys.stderr, flush=True)
    with Session(chosen) as session:
        if is_in_memory(session.folder):
            hint = "faults of the disk will not show; set TMPDIR to a folder on a disk"
            print(f"{session.folder} is in memory: {hint}", file=sys.stderr)
        board = Switchboard(session.folder, _containers(chosen, session))
        for fault, dose in faults:
            board.turn_on(fault, dose)
        yield Running(session, board)
    if session.failure is None:
        print(f"stopped {PROJECT}", file=sys.stderr)


def _missing() -> str | None:
    absent = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    return f"the demo needs {', '.join(absent)}: pip install 'mcptop[demo]'" if absent else None


def _containers(chosen: plan.Plan, session: Session) -> Any:
    if chosen.docker is None:
        return None
    from mcptop.demo.containers.docker_stack import DockerStack

    return DockerStack(chosen, Workspace(session.folder))


def list_faults(as_json: bool) -> ExitStatus:
    """All faults and controls."""
    from mcptop.headless.pipe import STDOUT, put, whole_lines

    if as_json:
        put(json.dumps([_document(fault) for fault in FAULTS], indent=2) + "\n")
        return ExitStatus.OK
    from rich.console import Console

    table = faults_table()
    if sys.stdout.isatty():
        Console(file=STDOUT).print(table)
    else:
        put(whole_lines(table))
    return ExitStatus.OK


def faults_table() -> Table:
    """A row a fault."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    # What has to be typed is whole at any width; what explains it is broken.
    table.add_column("FAULT", no_wrap=True, min_width=max(len(fault.name) for fault in FAULTS))
    table.add_column("SERVICE", no_wrap=True, min_width=max(len(fault.service) for fault in FAULTS))
    table.add_column("WHAT HAPPENS", overflow="fold")
    table.add_column("DOSE", overflow="fold")
    for fault in FAULTS:
        dose = ",".join(f"{key}={value}" for key, value in fault.params.items())
        says = fault.says + (" (needs --docker)" if fault.needs_docker else "")
        table.add_row(fault.name, fault.service, says, dose or "-")
    return table


def _document(fault: Fault) -> dict[str, Any]:
    return {
        "fault": fault.name,
        "mechanism": str(fault.mechanism),
        "harmless": fault.harmless,
        "service": fault.service,
        "params": dict(fault.params),
        "needs": ["docker"] if fault.needs_docker else [],
        "says": fault.says,
        "shows": fault.shows,
    }


def run_headless(running: Running, faults: Asked, as_json: bool) -> ExitStatus:
    """Say what runs where, then wait for Ctrl+C, SIGTERM, or the stack's own end."""
    session = running.session
    running.on_news = lambda says: print(says, file=sys.stderr, flush=True)
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _leave)
    with contextlib.suppress(KeyboardInterrupt):
        print(json.dumps(_started(session, faults)) if as_json else _says(session, faults), flush=True)
        session.over.wait()
    if session.failure is not None:
        raise DemoError(session.failure)
    return ExitStatus.OK


def _says(session: Session, faults: Asked) -> str:
    return "\n".join(
        [
            f"{PROJECT} runs until Ctrl+C; `mcptop` in another terminal shows it",
            *(f"  {service:<13} {address}" for service, address in session.services.items()),
            *(f"  fault {fault.name}: {fault.shows}" for fault, _ in faults),
        ]
    )


def _started(session: Session, faults: Asked) -> dict[str, Any]:
    return {
        "schema": "mcptop.demo/1",
        "project": PROJECT,
        "pid": os.getpid(),
        "keeper": session.pid,
        "folder": str(session.folder),
        "services": session.services,
        "faults": {fault.name: dose for fault, dose in faults},
    }


def _leave(number: int, frame: object) -> None:
    raise KeyboardInterrupt
