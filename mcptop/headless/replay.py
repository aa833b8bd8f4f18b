"""`mcptop replay` without a screen: one moment of a recording as the snapshot document, and what is in it at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct
from rich.text import Text

from mcptop.alerts.rules import SHIPPED
from mcptop.exit_status import ExitStatus
from mcptop.headless import report
from mcptop.headless.pipe import put
from mcptop.model.rule import RuleSet
from mcptop.playback import Playback
from mcptop.presentation import document
from mcptop.recording import moment as times
from mcptop.recording.errors import RecordingError
from mcptop.recording.reader import Losses, Reader
from mcptop.units import duration, long_size, plain

_GAP_INTERVALS = 3.0
_MOST_GAPS = 100


class Gap(Struct, frozen=True):
    """A time in which nothing was recorded."""

    since: datetime
    until: datetime
    seconds: float


class Info(Struct, frozen=True, tag_field="schema", tag="mcptop.recording/1"):
    """`mcptop replay FILE --info --json`."""

    file: str
    mcptop: str
    """The version that wrote it."""
    host: str
    interval_s: float
    bytes: int
    first: datetime
    last: datetime
    samples: int
    services: tuple[str, ...]
    """Those at the end: project/name."""
    events: int
    """Samples at which something happened."""
    gaps: tuple[Gap, ...]
    """The first hundred."""
    losses: Losses


def info(path: Path, as_json: bool) -> ExitStatus:
    """What is in a recording. Raises `RecordingError`."""
    reader = Reader(path)
    try:
        found = _info(reader)
    finally:
        reader.close()
    if as_json:
        report.print_json(found)
    else:
        _print(found)
    return ExitStatus.OK


def _info(reader: Reader) -> Info:
    header = reader.header
    last = next(reader.snapshots(reader.count - 1))
    services = {f"{target.project}/{target.service}" if target.project else target.service for target in last.targets}
    return Info(
        file=reader.name,
        mcptop=plain(header.mcptop, 40),
        host=plain(header.host),
        interval_s=header.interval_s,
        bytes=reader.size,
        first=reader.at(0),
        last=reader.at(reader.count - 1),
        samples=reader.count,
        services=tuple(sorted(services)),
        events=len(reader.events),
        gaps=tuple(gap for gap, _ in zip(_gaps(reader), range(_MOST_GAPS), strict=False)),
        losses=reader.losses,
    )


def _gaps(reader: Reader) -> Iterator[Gap]:
    for index in range(1, reader.count):
        seconds = reader.times[index] - reader.times[index - 1]
        if seconds > _GAP_INTERVALS * reader.header.interval_s:
            yield Gap(reader.at(index - 1), reader.at(index), round(seconds, 3))


def _print(found: Info) -> None:
    span = (found.last - found.first).total_seconds()
    lines = [
        ("file", f"{found.file}, {long_size(found.bytes)}, by mcptop {found.mcptop} on {found.host or '-'}"),
        ("from", f"{found.first:%Y-%m-%d %H:%M:%S} UTC"),
        ("to", f"{found.last:%Y-%m-%d %H:%M:%S} UTC ({duration(span)})"),
        ("samples", f"{found.samples}, one every {duration(found.interval_s)}; something happened at {found.events}"),
        ("services", f"{len(found.services)}: {_first(found.services, 12)}"),
        ("gaps", _gaps_text(found.gaps)),
        ("losses", _losses_text(found.losses)),
    ]  # fmt: skip
    console = report.console()
    for name, says in lines:
        console.print(Text.assemble((f"{name:<10}", "dim"), says))


def _first(names: Sequence[str], count: int) -> str:
    return ", ".join([*names[:count], *(["…"] if len(names) > count else [])])


def _gaps_text(gaps: tuple[Gap, ...]) -> str:
    if not gaps:
        return "none"
    shown = [f"{duration(gap.seconds)} from {gap.since:%Y-%m-%d %H:%M:%S}" for gap in gaps]
    return f"{len(gaps)}: {_first(shown, 5)}"


def _losses_text(losses: Losses) -> str:
    if losses == Losses():
        return "none"
    return f"{long_size(losses.bytes)} in {losses.holes} places cannot be read; {losses.ticks} samples with them"


def moment(path: Path, at: str | None, service: str | None, rules: RuleSet = SHIPPED) -> ExitStatus:
    """Print the snapshot document of a moment. Raises `RecordingError` and `UnknownService`."""
    from mcptop.headless.snapshot import select

    reader = Reader(path)
    try:
        frame = Playback(reader, rules).frame(index_of(reader, at))
    finally:
        reader.close()
    assert frame is not None
    put(document.to_json(frame, select(frame.services, service)))
    return ExitStatus.OK


def index_of(reader: Reader, at: str | None) -> int:
    """The sample of a time as it is written on a command line; without one the last. Raises `RecordingError`."""
    if at is None:
        return reader.count - 1
    first, last = reader.at(0), reader.at(reader.count - 1)
    wanted = times.moment(at, last, first, last)
    if wanted is None:
        raise RecordingError(f"--at {plain(at, 40)}: expected a time such as {times.HOW}")
    slack = timedelta(seconds=reader.header.interval_s)
    if not first - slack <= wanted <= last + slack:
        span = f"{first.astimezone():%Y-%m-%d %H:%M:%S} to {last.astimezone():%Y-%m-%d %H:%M:%S %Z}"
        raise RecordingError(f"--at {plain(at, 40)}: not in {reader.name}, which goes from {span}")
    return reader.index_at(wanted)
