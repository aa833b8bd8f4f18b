"""`mcptop snapshot`: one look, or one line after the other until stopped."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

from mcptop.alerts.rules import SHIPPED
from mcptop.exit_status import ExitStatus
from mcptop.headless.pipe import guard_pipe as guard_pipe
from mcptop.headless.pipe import put, write
from mcptop.model.frame import Frame, Service, Status
from mcptop.model.rule import RuleSet
from mcptop.model.swarm import is_task
from mcptop.monitor import Monitor, Source
from mcptop.presentation import document
from mcptop.units import nearest, plain

ENGINE_WAIT_S = 20.0
"""How long one look waits for the engine to name its containers. An engine that is not there is known at once, and
one that hangs after its own time limit of five seconds; the rest is for slow machines."""
WINDOW_S = 1.0
"""Between the two samples of one look: rates over less would be mostly noise."""
_EXTRA_LOOKS = 8
"""An engine's stats come once a second, metrics are read twice, and a rate needs two: a few more samples."""


class Looked(Source, Protocol):
    """A source that tells when one look at it is complete."""

    rates_come: bool
    """Whether another second may bring a rate that is missing."""

    @property
    def settled(self) -> bool:
        """Whether the next sample would say no more than the last one."""

    def wait_for_engine(self, timeout_s: float) -> None:
        """Return once it is known what there is."""


class Format(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class UnknownService(Exception):
    """No service has the name asked for; the message names the nearest."""


def select(services: tuple[Service, ...], wanted: str | None) -> tuple[Service, ...]:
    """The services called `wanted` (`name` or `project/name`); all without it. Raises `UnknownService`."""
    if wanted is None:
        return services
    found = tuple(s for s in services if wanted in (s.name, f"{s.project}/{s.name}"))
    if found:
        return found
    # Those of a project first: they are what is meant, not each program that runs here.
    names = sorted({f"{s.project}/{s.name}" for s in services if s.project}) + sorted({s.name for s in services})
    raise UnknownService(f"no service `{plain(wanted)}`; {nearest(wanted, names)}")


def look(source: Looked, interval_s: float, rules: RuleSet = SHIPPED) -> Frame:
    """One frame with rates."""
    monitor = Monitor(source, interval_s, rules=rules)
    source.wait_for_engine(ENGINE_WAIT_S)
    monitor.step()
    time.sleep(WINDOW_S)
    frame = monitor.step()
    for _ in range(_EXTRA_LOOKS):
        if source.settled and (not source.rates_come or not frame.banner or _has_rates(frame)):
            break
        time.sleep(WINDOW_S)
        frame = monitor.step()
    return frame


def _has_rates(frame: Frame) -> bool:
    sampled = (one for each in frame.services for one in each.instances if not is_task(one.id))
    return all(one.cpu.cores is not None for one in sampled if one.state == "running")


def once(source: Looked, interval_s: float, form: Format, wanted: str | None, rules: RuleSet = SHIPPED) -> ExitStatus:
    """Print one look. Raises `UnknownService`."""
    try:
        frame = look(source, interval_s, rules)
    finally:
        source.close()
    services = select(frame.services, wanted)
    complain(frame)
    put(_render(frame, services, form, header=True))
    return status_of(frame)


def watch(
    source: Looked, interval_s: float, form: Format, wanted: str | None, count: int | None = None,
    rules: RuleSet = SHIPPED,
) -> ExitStatus:  # fmt: skip
    """Print a line of JSON (or rows of CSV) every interval until stopped, the reader goes, or `count` were printed."""
    monitor = Monitor(source, interval_s, rules=rules)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: monitor.stop_soon())
    printed = 0
    line = bytearray()
    last: Frame | None = None

    def emit(frame: Frame) -> None:
        nonlocal printed, last
        if frame.number == 1:
            # It has no rates yet; the second follows at once.
            return
        services = select(frame.services, wanted) if printed == 0 else _present(frame.services, wanted)
        if printed == 0:
            complain(frame)
        write(_render(frame, services, form, printed == 0, line))
        printed, last = printed + 1, frame
        if printed == count:
            monitor.stop_soon()

    source.wait_for_engine(ENGINE_WAIT_S)
    try:
        monitor.run(emit)
    finally:
        monitor.stop()
    return status_of(last) if last else ExitStatus.INCONCLUSIVE


def _present(services: tuple[Service, ...], wanted: str | None) -> tuple[Service, ...]:
    """A watched service may go and come back; meanwhile its lines have no service."""
    try:
        return select(services, wanted)
    except UnknownService:
        return ()


def _render(
    frame: Frame, services: tuple[Service, ...], form: Format, header: bool, line: bytearray | None = None
) -> bytes | bytearray:
    if form is Format.JSON:
        return document.to_json(frame, services, line)
    if form is Format.CSV:
        return document.to_csv(frame, services, header).encode()
    from mcptop.headless import table

    return table.render(frame, services).encode()


def complain(frame: Frame, told: Collection[str] = (), banner: bool = True) -> None:
    """Name the sources that are broken, on stderr, but for those that were told of otherwise."""
    for report in frame.sources:
        if report.status is Status.ERROR and report.name not in told:
            print(f"mcptop: {report.name}: {report.message}", file=sys.stderr)
    if frame.banner and banner:
        print(f"mcptop: {frame.banner}", file=sys.stderr)


def status_of(frame: Frame) -> ExitStatus:
    """Looking worked unless what everything is read from could not be: then nothing here means anything."""
    broken = {report.name for report in frame.sources if report.status is Status.ERROR}
    return ExitStatus.INCONCLUSIVE if broken & {"processes", "host", "prometheus"} else ExitStatus.OK
