"""`mcptop scale`: another number of replicas for a Swarm service, by number or by one look at how busy it is.

Without permission it says what it would do. What the connection budget of a database does not allow it does not do.
"""

from __future__ import annotations

import os
from contextlib import closing

from msgspec import Struct
from msgspec.structs import replace

from mcptop.actions import scaling
from mcptop.actions.commands import shown
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.headless import report
from mcptop.headless.pipe import fail, guard_pipe, put
from mcptop.headless.snapshot import look
from mcptop.model.flow import Budget
from mcptop.model.frame import Frame, Service
from mcptop.model.swarm import SwarmService
from mcptop.sources.docker_engine import EngineError
from mcptop.sources.swarm_control import SwarmControl, manager_of
from mcptop.units import nearest, plain


class CannotScale(Exception):
    """It is not to be had; one line, and with which code it ends."""

    def __init__(self, says: str, status: ExitStatus) -> None:
        super().__init__(says)
        self.status = status


class Order(Struct, frozen=True):
    """What was asked for."""

    service: str
    replicas: int | None = None
    """None: by one look."""
    least: int = 1
    most: int = 10
    timeout_s: float = 60.0
    is_allowed: bool = False
    over_budget: bool = False
    as_json: bool = False


class ScaleDocument(Struct, frozen=True, tag_field="schema", tag="mcptop.scale/1"):
    """`mcptop scale --json`."""

    service: str
    id: str
    before: int
    wanted: int
    status: str
    """dry_run, unchanged, done, over_budget, not_settled."""
    says: str
    command: str
    """That does the same."""
    why: str | None = None
    """With --auto: the arithmetic."""
    running: int | None = None
    """After the change; null where there was none."""
    budgets: tuple[Budget, ...] = ()
    """That would be exceeded."""


def guarded(settings: Settings, order: Order) -> ExitStatus:
    """`run`, with what cannot be done as one line and its exit code."""
    try:
        return guard_pipe(lambda: run(settings, order))
    except CannotScale as problem:
        return fail(str(problem), problem.status, order.as_json)


def run(settings: Settings, order: Order) -> ExitStatus:
    """Do it, or say what would be done. Raises `CannotScale`."""
    if wrong := scaling.unmeant(plain(order.service, 80), order.replicas or 0):
        raise CannotScale(wrong, ExitStatus.USAGE)
    try:
        address = manager_of(settings.engines)
        with closing(SwarmControl(address)) as manager:
            return _run(settings, order, manager, address or os.environ.get("DOCKER_HOST") or None)
    except EngineError as error:
        raise CannotScale(plain(str(error), 400), ExitStatus.INCONCLUSIVE) from None


def _run(settings: Settings, order: Order, manager: SwarmControl, engine: str | None) -> ExitStatus:
    service = _find(manager.look().swarm.services, order.service)
    if (wrong := scaling.mistake(service, order.replicas or 0)) != "":
        raise CannotScale(wrong, ExitStatus.USAGE)
    # A look takes seconds: only who is to have more can be too many for a database.
    grows = order.replicas is None or order.replicas > service.desired
    frame = _look(settings) if grows else None
    measured = _measured(frame, service)
    wanted, why = order.replicas, None
    if wanted is None:
        wanted, why = _by_look(manager, order, service, measured, frame)
    document = ScaleDocument(
        service=service.name,
        id=service.id,
        before=service.desired,
        wanted=wanted,
        status="unchanged",
        says=f"{service.name}: {wanted} replicas as before",
        command=shown(scaling.argv(service, wanted, engine)),
        why=why,
        budgets=_exceeded(frame, measured, wanted, service),
    )
    return _decided(manager, order, service, document)


def _decided(manager: SwarmControl, order: Order, service: SwarmService, document: ScaleDocument) -> ExitStatus:
    change = f"{service.name}: {service.desired} → {document.wanted} replicas"
    if document.budgets and not order.over_budget:
        sums = "; ".join(f"{plain(each.server, 64)}: {plain(each.says, 300)}" for each in document.budgets)
        says = f"{change}: more connections than the database gives ({sums}); --over-budget does it all the same"
        return _tell(order, document, "over_budget", says, ExitStatus.PROBLEM)
    if document.wanted == service.desired and not service.missing:
        return _tell(order, document, "unchanged", document.says, ExitStatus.OK)
    if not order.is_allowed:
        says = f"{change}: a dry run, nothing was changed; --allow-actions does it"
        return _tell(order, document, "dry_run", says, ExitStatus.OK)
    if document.wanted != service.desired:
        manager.scale(service.id, document.wanted)
    settled = scaling.settle(manager, service, order.timeout_s)
    running = f"{settled.running} of {settled.desired} run"
    if settled.is_settled and settled.desired == document.wanted:
        return _tell(order, document, "done", f"{change}: {running}", ExitStatus.OK, settled.running)
    meanwhile = "" if settled.desired == document.wanted else " (somebody else scaled it meanwhile)"
    says = f"{change}: {running} after {order.timeout_s:g} s{meanwhile}; {scaling.hindrance(settled)}"
    return _tell(order, document, "not_settled", says, ExitStatus.PROBLEM, settled.running)


def _tell(
    order: Order, document: ScaleDocument, status: str, says: str, code: ExitStatus, running: int | None = None
) -> ExitStatus:
    document = replace(document, status=status, says=says, running=running)
    if order.as_json:
        report.print_json(document)
    else:
        why = [f"  {document.why}"] if document.why else []
        put("\n".join([plain(says, 1000), *(plain(line, 1000) for line in why), f"  {document.command}"]) + "\n")
    return code


def _find(services: tuple[SwarmService, ...], wanted: str) -> SwarmService:
    """By its whole name, else by its name within its stack. Raises `CannotScale`."""
    found = [each for each in services if each.name == wanted or each.id == wanted]
    found = found or [each for each in services if wanted in (each.service, f"{each.stack}/{each.service}")]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(plain(each.name, 80) for each in found)
        raise CannotScale(f"`{plain(wanted)}` is in several stacks: name one of {names}", ExitStatus.USAGE)
    near = nearest(wanted, sorted({name for each in services for name in (each.name, each.service)}))
    raise CannotScale(f"no Swarm service `{plain(wanted)}`; {near}", ExitStatus.USAGE)


def _look(settings: Settings) -> Frame:
    from mcptop.live import LiveSource

    source = LiveSource(settings)
    try:
        return look(source, settings.interval)
    finally:
        source.close()


def _measured(frame: Frame | None, service: SwarmService) -> Service | None:
    """The service as the look saw it."""
    services = frame.services if frame is not None else ()
    return next((each for each in services if each.swarm is not None and each.swarm.id == service.id), None)


def _by_look(
    manager: SwarmControl, order: Order, service: SwarmService, measured: Service | None, frame: Frame | None
) -> tuple[int, str]:
    from mcptop.headless import autoscale

    if measured is None or frame is None:
        raise CannotScale(f"{plain(service.name, 80)} was not seen: `mcptop doctor` says why", ExitStatus.INCONCLUSIVE)
    reserved = manager.reservation_cores(service.id)
    decided = autoscale.decide(measured, service.desired, reserved, frame.at, order.least, order.most)
    if not decided.is_known:
        raise CannotScale(f"{plain(service.name, 80)}: {plain(decided.says, 300)}", ExitStatus.INCONCLUSIVE)
    return decided.replicas, plain(decided.says, 500)


def _exceeded(
    frame: Frame | None, measured: Service | None, wanted: int, service: SwarmService
) -> tuple[Budget, ...]:  # fmt: skip
    if frame is None or wanted <= service.desired:
        return ()
    return tuple(scaling.over_budget(frame.budgets, measured, wanted))
