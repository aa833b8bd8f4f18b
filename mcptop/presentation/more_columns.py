"""Columns of the service table that only who chose them sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mcptop import units
from mcptop.model.instance import Instance
from mcptop.presentation import runs
from mcptop.presentation.cells import right
from mcptop.presentation.figures import Number
from mcptop.presentation.row import Depth, Row
from mcptop.presentation.runs import Runs, safe
from mcptop.presentation.sheet import ON_REQUEST, Column, Moment, figure

_SEVERAL = "several"


def _instances(row: Row) -> Iterable[Instance]:
    """Those a row stands for; a group has its services for that."""
    if row.instance is not None:
        return (row.instance,)
    return row.service.instances if row.service is not None else ()


def _common(row: Row, value: Callable[[Instance], str | None]) -> str:
    """What all its instances have in common."""
    found = {value(instance) for instance in _instances(row)}
    if len(found) > 1:
        return _SEVERAL
    return safe(found.pop() or units.UNKNOWN) if found else ("" if row.depth is Depth.GROUP else units.UNKNOWN)


def _image(row: Row) -> str:
    return _common(row, lambda instance: instance.image)


def _image_cell(row: Row, width: int, moment: Moment) -> Runs:
    """Images differ by their ends."""
    text = _image(row)
    short = text if runs.cells(text) <= width else f"…{text[1 - width :]}"
    return ((runs.fit(short, width), "dim" if text == units.UNKNOWN else "muted"),)


def _id(row: Row) -> str:
    return _common(row, lambda instance: instance.id[:12] if instance.image is not None else None)


def _exit(row: Row) -> float | None:
    """Of the last runs that ended the one that matters: not 0, if there is such a one."""
    codes = [one.exit_code for one in _instances(row) if one.exit_code is not None]
    return max(codes, key=abs, default=None)


def _project(row: Row) -> str:
    return "" if row.depth is Depth.GROUP else row.project or units.UNKNOWN


def _known(text: str) -> str | None:
    return None if text in ("", units.UNKNOWN) else text


def _muted(row: Row) -> str:
    return "muted"


def _worded(id: str, title: str, says: str, width: int, most: int, value: Callable[[Row], str]) -> Column[Row]:
    cell = figure(value, _muted, "left")
    return Column(id, title, says, width, cell, ON_REQUEST, lambda row: _known(value(row)), most, "left", names=True)


def _sized(id: str, title: str, says: str, value: Callable[[Row], Number]) -> Column[Row]:
    return Column(id, title, says, 6, right(lambda row: units.size(value(row))), ON_REQUEST, value, jumps=True)


def _counted(id: str, title: str, says: str, value: Callable[[Row], Number]) -> Column[Row]:
    return Column(id, title, says, 5, right(lambda row: units.count(value(row))), ON_REQUEST, value)


def _shared(id: str, title: str, says: str, value: Callable[[Row], float | None]) -> Column[Row]:
    return Column(id, title, says, 5, right(lambda row: units.percent(value(row))), ON_REQUEST, value, jumps=True)


ON_REQUEST_COLUMNS: tuple[Column[Row], ...] = (
    _worded("project", "PROJECT", "its project", 8, 24, _project),
    Column("image", "IMAGE", "the image of its containers", 18, _image_cell, ON_REQUEST,
           lambda row: _known(_image(row)), 48, "left", names=True),
    _worded("id", "ID", "the beginning of the container's id", 12, 0, _id),
    _shared("cpu.share", "CPU%", "share of the CPU quota", lambda r: r.figures.cpu_ratio),
    _shared("memory.share", "MEM%", "share of the memory limit, of the instance nearest to it",
            lambda r: r.figures.memory_worst),
    _sized("memory.limit", "LIMIT", "memory limit", lambda r: r.figures.memory_limit),
    _sized("received", "RX", "bytes received, a second", lambda r: r.figures.rx),
    _sized("sent", "TX", "bytes sent, a second", lambda r: r.figures.tx),
    _sized("read", "READ", "bytes read from disks, a second", lambda r: r.figures.read),
    _sized("written", "WRITE", "bytes written to disks, a second", lambda r: r.figures.write),
    _counted("closewait", "CLOSEW", "sockets in CLOSE_WAIT", lambda r: r.figures.close_wait),
    _shared("fds.share", "FD%", "open files of the process nearest to its limit", lambda r: r.figures.fds_ratio),
    _counted("oom", "OOM", "kills for lack of memory", lambda r: r.figures.oom_kills),
    _counted("exit", "EXIT", "exit code of the last run that ended", _exit),
)  # fmt: skip
