"""`disk`: how full the file systems are that the target writes to, and how fast they fill."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Output, Raw, StepFailure, now, observed
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.two_looks import Options, TwoLooks, of_each, per_s, twice
from mcptop.sources.open_files import FileKind, open_files
from mcptop.sources.written_space import Space, spaces
from mcptop.units import percent

_FULL = 0.97


class Look(Value, frozen=True):
    """The file systems at one moment."""

    at: float
    """Monotonic seconds."""
    spaces: tuple[Space, ...]


class Disk(TwoLooks):
    """See the module."""

    name: ClassVar[str] = "disk"
    says: ClassVar[str] = "looking how full its disks are"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "seconds": "between the two looks",
        "filesystems": "how many it writes to: of its root, working folder, /tmp, open files; a container's volumes",
        "worst.mount": "where the target has the fullest", "worst.kind": "ext4, xfs, overlay, tmpfs",
        "worst.used_ratio": "how full, as df counts it", "worst.available_bytes": "what is left",
        "worst.total_bytes": "its size", "worst.inodes_ratio": "inodes in use, unknown without a fixed number",
        "full": "one is to 97 % or more", "inodes_full": "of one, 97 % of the inodes are in use",
        "bytes_per_s": "how fast the fullest fills; whoever writes to it",
        "eta_s": "when it will be full, unknown where it does not fill",
        "filling.mount": "the one that will be full first", "filling.bytes_per_s": "how fast that one fills",
        "filling.eta_s": "when it will be full",
    }  # fmt: skip

    def collect(self, context: Context, options: Options) -> Raw:
        """Look twice. Raises `StepFailure`."""
        return twice(context, options.over, lambda number: _look(context, number))

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """The fullest, and the one that fills first. Raises `StepFailure`."""
        before, after = (msgspec.json.decode(output.data, type=Look) for output in raw)
        if not after.spaces:
            raise StepFailure(StepStatus.NO_DATA, "it writes to no file system of a local disk")
        seconds = after.at - before.at
        rates = {space.mount: per_s(_growth(before.spaces, space), seconds) for space in after.spaces}
        worst = max(after.spaces, key=lambda space: max(space.used_ratio, space.inodes_ratio or 0.0))
        etas = [(eta, space) for space in after.spaces if (eta := _eta(space, rates[space.mount])) is not None]
        soonest, filling = min(etas, key=lambda pair: pair[0], default=(None, None))
        return {
            "seconds": rounded(seconds),
            "filesystems": len(after.spaces),
            "worst": {
                "mount": worst.mount,
                "kind": worst.kind,
                "used_ratio": rounded(worst.used_ratio),
                "available_bytes": worst.available_bytes,
                "total_bytes": worst.total_bytes,
                "inodes_ratio": rounded(worst.inodes_ratio),
            },
            "full": any(space.used_ratio >= _FULL for space in after.spaces),
            "inodes_full": any((space.inodes_ratio or 0.0) >= _FULL for space in after.spaces),
            "bytes_per_s": rounded(rates[worst.mount]),
            "eta_s": rounded(_eta(worst, rates[worst.mount])),
            "filling": {
                "mount": filling.mount if filling else None,
                "bytes_per_s": rounded(rates[filling.mount]) if filling else None,
                "eta_s": rounded(soonest),
            },
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """How full the fullest is."""
        return f"{values['worst']['mount']} {percent(values['worst']['used_ratio'])} full"


def _look(context: Context, number: int) -> Output:
    began, started_at, procfs = time.monotonic(), now(), context.roots.procfs
    is_container = context.subject.container is not None

    def of_process(pid: int) -> list[Space]:
        # What is mounted on the host is not all a service's business: there, its files tell where it writes.
        files = () if is_container else open_files(procfs, pid)
        written = {file.path for file in files if file.kind is FileKind.REGULAR and file.writes and not file.is_memory}
        return spaces(procfs, pid, sorted(written), volumes=is_container)

    found = {space.mount: space for each in of_each(context, of_process).values() for space in each}
    data = msgspec.json.encode(Look(began, tuple(found.values())))
    return observed(f"disk-{number}.json", "statvfs", data, started_at, time.monotonic() - began)


def _growth(before: Sequence[Space], now_: Space) -> int | None:
    earlier = next((space for space in before if space.mount == now_.mount), None)
    return None if earlier is None else now_.used_bytes - earlier.used_bytes


def _eta(space: Space, rate: float | None) -> float | None:
    return space.available_bytes / rate if rate is not None and rate > 0 else None
