"""`memray`: who holds a script's memory: the allocations that were there at its peak, and those left at its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import scripts
from mcptop.playbook.steps.base import Context, Raw, StepFailure
from mcptop.playbook.steps.scripts import ENDED, IS_OWN, RUNNER, Options, Profiled
from mcptop.playbook.steps.series import rounded
from mcptop.units import long_size, plain

_MOST = 10
# Of each allocation its own place, and the nearest one in a file of the script's own.
_READER = f"""\
import json
from memray import FileReader

{IS_OWN}
def rows(records):
    found = {{}}
    for record in records:
        stack = [frame for frame in record.stack_trace() if not frame[1].endswith("/{RUNNER}")]
        if stack:
            own = next((frame for frame in stack if is_own(frame[1])), None)
            row = found.setdefault((tuple(stack[0]), own and tuple(own)), [0, 0])
            row[0] += record.size
            row[1] += record.n_allocations
    ordered = sorted(found.items(), key=lambda item: -item[1][0])[:{_MOST}]
    return [
        {{"place": place, "own": own, "bytes": size, "allocations": count}}
        for (place, own), (size, count) in ordered
    ]

with FileReader(sys.argv[1]) as reader:
    metadata = reader.metadata
    print(json.dumps({{
        "peak_bytes": metadata.peak_memory,
        "allocations": metadata.total_allocations,
        "seconds": (metadata.end_time - metadata.start_time).total_seconds(),
        "peak": rows(reader.get_high_watermark_allocation_records(merge_threads=True)),
        "left": rows(reader.get_leaked_allocation_records(merge_threads=True)),
    }}))
"""


class Memray(Profiled):
    """See the module."""

    name: ClassVar[str] = "memray"
    says: ClassVar[str] = "tracking the script's allocations"
    safety: ClassVar[Safety] = Safety.SAMPLING
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        **ENDED,
        "seconds": "how long it ran", "peak_bytes": "most it had allocated at a time",
        "allocations": "how often it allocated",
        "top.function": "who had allocated most of that", "top.file": "its file", "top.line": "the line",
        "top.bytes": "how much", "top.share": "as a share of the peak", "top.allocations": "in how many pieces",
        "top.own_function": "the nearest function of the script above it", "top.own_file": "its file",
        "top.own_line": "the line",
        "left.function": "who had allocated most of what was left at the end", "left.file": "its file",
        "left.line": "the line", "left.bytes": "how much", "left.share": "as a share of the peak",
        "left.allocations": "in how many pieces", "left.own_function": "the nearest function of the script above it",
        "left.own_file": "its file", "left.own_line": "the line",
        "allocators": "the ten with most at the peak: function, file, line, bytes, allocations",
    }  # fmt: skip

    def collect(self, context: Context, options: Options) -> Raw:
        """Run the script. Raises `StepFailure`."""
        with scripts.folder(context, options) as folder:
            profile = f"{folder.path}/profile"
            ran = folder.run("memray", ["-m", "memray", "run", "-q", "-o", profile, *folder.script])
            return (folder.reading("memray.json", _READER, "profile", ran), ran)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Who holds the memory. Raises `StepFailure`."""
        try:
            found = json.loads(raw[0].data)
            peak = int(found["peak_bytes"])
            return {
                **scripts.ended(raw),
                "seconds": rounded(found["seconds"]),
                "peak_bytes": peak,
                "allocations": found["allocations"],
                "top": _held(found["peak"], peak),
                "left": _held(found["left"], peak),
                "allocators": [
                    {**_where(row["place"]), "bytes": row["bytes"], "allocations": row["allocations"]}
                    for row in found["peak"][:_MOST]
                ],
            }
        except (ValueError, KeyError, TypeError, IndexError):
            raise StepFailure(StepStatus.PARSE_ERROR, "memray: its profile is not the expected one") from None

    def summary(self, values: Mapping[str, Any]) -> str:
        """The peak, and who holds most of it."""
        return f"peak {long_size(values['peak_bytes'])}, most of it by {values['top']['function'] or 'nobody'}"


def _where(place: list[Any] | None, prefix: str = "") -> dict[str, Any]:
    function, file, line = place if place else (None, None, None)
    return {
        f"{prefix}function": None if function is None else plain(str(function)),
        f"{prefix}file": None if file is None else plain(str(file)),
        f"{prefix}line": line,
    }


def _held(rows: list[Mapping[str, Any]], peak: int) -> dict[str, Any]:
    row = rows[0] if rows else None
    return {
        **_where(row["place"] if row else None),
        **_where(row["own"] if row else None, "own_"),
        "bytes": row["bytes"] if row else 0,
        "share": rounded(row["bytes"] / peak) if row and peak else None,
        "allocations": row["allocations"] if row else 0,
    }
