"""`lsof`: open descriptors by kind, what is deleted and what grows, as lsof names them.

Positions, flags and limits are from /proc: lsof gives a file's size or its offset, not both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import open_files
from mcptop.playbook.steps.base import Context, Output, Raw, StepFailure
from mcptop.playbook.steps.open_files import Look
from mcptop.playbook.steps.proc_files import descriptors
from mcptop.playbook.steps.tool_version import version
from mcptop.playbook.steps.two_looks import Options, TwoLooks, is_gone, pids_of, twice
from mcptop.sources.open_files import FileKind, OpenFile, named

_KINDS = {"REG": FileKind.REGULAR, "VREG": FileKind.REGULAR, "FIFO": FileKind.PIPE, "PIPE": FileKind.PIPE}
_SOCKETS = ("IPv4", "IPv6", "unix", "sock", "inet", "netlink", "pack", "raw", "PSXSEM", "PSXSHM")
# No host names, no port names, no warnings, nothing that can hang on a dead server; link counts; processes, then
# fields by letter, each ended by NUL: descriptor, type, size, device, inode, links, name.
_ARGV = ("lsof", "-n", "-P", "-w", "-b", "+L", "-F", "pftsDikn0", "-p")


class Lsof(TwoLooks):
    """See the module."""

    name: ClassVar[str] = "lsof"
    says: ClassVar[str] = "listing its open files"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = open_files.EMITS

    def collect(self, context: Context, options: Options) -> Raw:
        """Run it twice. Raises `StepFailure`."""
        first, second = twice(context, options.over, lambda number: _look(context, number))
        return (*first, *second)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What is open, and what came. Raises `StepFailure`."""
        listed = [output for output in raw if output.name.startswith("lsof")]
        known = [msgspec.json.decode(output.data, type=Look) for output in raw if output not in listed]
        before, after = (_joined(look, parse(output.data)) for look, output in zip(known, listed, strict=True))
        return open_files.values(before, after)

    def summary(self, values: Mapping[str, Any]) -> str:
        """How many, and how near to the limit."""
        return open_files.summary(values)


def _look(context: Context, number: int) -> tuple[Output, Output]:
    known = descriptors(context, number)
    pids = ",".join(map(str, pids_of(context)))
    complaint, listed = context.run(f"lsof-{number}.txt", [*_ARGV, pids], 30.0, version=version("lsof", "-v"))
    if not listed.data:
        if is_gone(context):
            raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")
        lines = complaint.decode("utf-8", "replace").strip().splitlines()
        raise StepFailure(StepStatus.NO_DATA, f"lsof: {lines[-1] if lines else 'it listed nothing'}")
    return listed, known


def parse(data: bytes) -> list[OpenFile]:
    """The descriptors of `lsof -F0`. Raises `StepFailure` for something else, and for what breaks off."""
    if not data.endswith(b"\0\n"):
        raise StepFailure(StepStatus.PARSE_ERROR, "lsof: its output breaks off")
    found, pid = [], None
    for record in data.split(b"\0\n"):
        fields = dict(_fields(record))
        if "p" in fields:
            pid = int(fields["p"]) if fields["p"].isdigit() else None
        elif pid is not None and fields.get("f", "").isdigit():
            found.append(_file(pid, fields))
    if pid is None:
        raise StepFailure(StepStatus.PARSE_ERROR, "lsof: its output names no process")
    return found


def _fields(record: bytes) -> Iterator[tuple[str, str]]:
    for field in record.decode("utf-8", "replace").split("\0"):
        # Between two sets of a process there may be an empty line.
        text = field.lstrip("\n")
        if text:
            yield text[0], text[1:]


def _file(pid: int, fields: Mapping[str, str]) -> OpenFile:
    kind = fields.get("t", "")
    if kind.startswith(_SOCKETS):
        return OpenFile(pid, int(fields["f"]), FileKind.SOCKET)
    path, unlinked = named(fields.get("n", ""))
    found = OpenFile(pid, int(fields["f"]), _KINDS.get(kind, FileKind.OTHER), path, unlinked)
    if found.kind is not FileKind.REGULAR:
        return found
    number, device = fields.get("i"), fields.get("D")
    return replace(
        found,
        links=_number(fields.get("k")),
        inode=f"{device.removeprefix('0x')}:{number}" if device and number else None,
        size=_number(fields.get("s")),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _joined(look: Look, files: list[OpenFile]) -> Look:
    """What lsof named, with what only /proc knows of the same descriptors."""
    known = {(file.pid, file.fd): file for file in look.files}
    return replace(look, files=tuple(_with(known.get((file.pid, file.fd)), file) for file in files))


def _with(known: OpenFile | None, file: OpenFile) -> OpenFile:
    if known is None or known.kind is not FileKind.REGULAR or file.kind is not FileKind.REGULAR:
        return file
    return replace(
        file,
        position=known.position,
        flags=known.flags,
        inode=known.inode if file.inode is None else file.inode,
        # It knows on which file systems the number is not to be believed.
        links=known.links,
        size=known.size if file.size is None else file.size,
    )
