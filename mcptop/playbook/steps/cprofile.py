"""`cprofile`: which functions of a script take its time: their own, and with what they call."""

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
from mcptop.units import percent, plain

_MOST = 10
_READER = f"""\
import json, pstats
{IS_OWN}
stats = pstats.Stats(sys.argv[1])
rows = [
    {{"file": file, "line": line, "function": name, "calls": calls, "own_s": own, "cumulative_s": cumulative,
     "is_own": is_own(file)}}
    for (file, line, name), (_, calls, own, cumulative, _) in stats.stats.items()
]
print(json.dumps({{"seconds": stats.total_tt, "calls": stats.total_calls, "functions": rows}}))
"""


class Cprofile(Profiled):
    """See the module."""

    name: ClassVar[str] = "cprofile"
    says: ClassVar[str] = "profiling the script's functions"
    safety: ClassVar[Safety] = Safety.SAMPLING
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        **ENDED,
        "seconds": "time inside functions, main thread", "calls": "how many calls",
        "top.function": "the one that takes most time itself", "top.file": "its file; ~ for one that is built in",
        "top.line": "where it begins", "top.own_s": "its own time", "top.own_share": "as a share of all",
        "top.calls": "how often it was called",
        "caller.function": "the script's own function that takes most time with what it calls",
        "caller.file": "its file", "caller.line": "where it begins", "caller.cumulative_s": "that time",
        "caller.cumulative_share": "as a share of all", "caller.calls": "how often it was called",
        "functions": "the ten that take most time themselves: function, file, line, own_s, cumulative_s, calls",
    }  # fmt: skip

    def collect(self, context: Context, options: Options) -> Raw:
        """Run the script. Raises `StepFailure`."""
        with scripts.folder(context, options) as folder:
            profile = f"{folder.path}/profile"
            ran = folder.run("cProfile", ["-m", "cProfile", "-o", profile, *folder.script])
            return (folder.reading("cprofile.json", _READER, "profile", ran), ran)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """The functions by their time. Raises `StepFailure`."""
        try:
            found = json.loads(raw[0].data)
            rows = [row for row in found["functions"] if not row["file"].endswith(f"/{RUNNER}")]
            by_own = sorted(rows, key=lambda row: -row["own_s"])[:_MOST]
            # What only holds the rest together, a module's own level, takes all the time and explains nothing.
            own = [row for row in rows if row["is_own"] and row["function"] != "<module>"]
            seconds = float(found["seconds"])
            caller = max(own, key=lambda row: row["cumulative_s"], default=None)
            return {
                **scripts.ended(raw),
                "seconds": rounded(seconds),
                "calls": found["calls"],
                "top": _place(by_own[0] if by_own else None, "own_s", seconds),
                "caller": _place(caller, "cumulative_s", seconds),
                "functions": [
                    {**_where(row), "own_s": rounded(row["own_s"]), "cumulative_s": rounded(row["cumulative_s"]),
                     "calls": row["calls"]}
                    for row in by_own
                ],
            }  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StepFailure(StepStatus.PARSE_ERROR, "cProfile: its profile is not the expected one") from None

    def summary(self, values: Mapping[str, Any]) -> str:
        """The first function."""
        return f"{values['calls']} calls, {percent(values['top']['own_share'])} in {values['top']['function']}"


def _where(row: Mapping[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"function": None, "file": None, "line": None}
    return {"function": plain(row["function"]), "file": plain(row["file"]), "line": row["line"] or None}


def _place(row: Mapping[str, Any] | None, time: str, seconds: float) -> dict[str, Any]:
    took = row[time] if row else None
    return {
        **_where(row),
        time: rounded(took),
        time.removesuffix("_s") + "_share": rounded(took / seconds) if took is not None and seconds > 0 else None,
        "calls": row["calls"] if row else None,
    }
