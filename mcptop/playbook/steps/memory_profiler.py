"""`memory-profiler`: a script's memory over time, and line by line where its functions carry `@profile`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import scripts
from mcptop.playbook.steps.base import Context, Raw, StepFailure
from mcptop.playbook.steps.scripts import ENDED, Options, Profiled
from mcptop.playbook.steps.series import drawn, rounded
from mcptop.units import long_size, plain

_MIB = 1 << 20
_EVERY_S = 0.1
_LAST = 3
_LEAST = 3
_LINES = "memory-profiler-lines.txt"
# Runs the rest of its words, looks at the memory of what they started, and writes it down.
_SAMPLER = f"""\
import json, subprocess, sys
import memory_profiler
child = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL)
found = memory_profiler.memory_usage(child, interval={_EVERY_S}, timestamps=True, include_children=True)
child.wait()
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
sys.exit(child.returncode)
"""
_READER = """\
import sys
print(open(sys.argv[1]).read())
"""
_DECORATED = re.compile(rb"^\s*@(memory_profiler\.)?profile\b", re.MULTILINE)
_FILE = re.compile(r"^Filename: (.*)$")
# Line #, Mem usage, Increment, Occurrences (since 0.58), Line Contents.
_LINE = re.compile(r"^\s*(\d+)\s+[\d.]+ MiB\s+(-?[\d.]+) MiB\s+(?:\d+\s+)?(.*)$")


class MemoryProfiler(Profiled):
    """See the module."""

    name: ClassVar[str] = "memory-profiler"
    says: ClassVar[str] = "watching the script's memory"
    safety: ClassVar[Safety] = Safety.SAMPLING
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        **ENDED,
        "seconds": "how long it ran", "samples": "how often it was looked at",
        "peak_bytes": "most resident memory, children included",
        "growth_bytes": "at the end, less what it had after the first tenth of the time",
        "slope_per_s": "bytes a second over the last third",
        "top.line": "the line that adds most memory, of functions with `@profile`", "top.file": "its file",
        "top.code": "what stands there", "top.bytes": "how much it adds",
    }  # fmt: skip

    def collect(self, context: Context, options: Options) -> Raw:
        """Run the script. Raises `StepFailure`."""
        with scripts.folder(context, options) as folder:
            lines = f"{folder.path}/lines.txt"
            by_line = ["-m", "memory_profiler", "-o", lines] if _is_decorated(options.script) else []
            with open(f"{folder.path}/sampler.py", "w", encoding="utf-8") as file:
                file.write(_SAMPLER)
            words = [f"{folder.path}/sampler.py", f"{folder.path}/usage", folder.python, *by_line, *folder.script]
            ran = folder.run("memory_profiler", words)
            usage = folder.reading("memory-profiler.json", _READER, "usage", ran)
            by_lines = (folder.reading(_LINES, _READER, "lines.txt", ran),) if by_line else ()
            return (usage, ran, *by_lines)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Peak, growth, and the line that adds most. Raises `StepFailure`."""
        try:
            samples = [(float(size) * _MIB, float(at)) for size, at in json.loads(raw[0].data)]
        except (ValueError, TypeError):
            raise StepFailure(
                StepStatus.PARSE_ERROR, "memory-profiler: its samples are not the expected ones"
            ) from None
        # What is looked at after its end has no memory.
        samples = _without_the_end([(size, at) for size, at in samples if size > 0])
        if len(samples) < _LEAST:
            raise StepFailure(StepStatus.NO_DATA, f"the script ended within {_LEAST * _EVERY_S:.1f} s")
        sizes, times = [size for size, _ in samples], [at - samples[0][1] for _, at in samples]
        return {
            **scripts.ended(raw),
            "seconds": rounded(times[-1]),
            "samples": len(samples),
            "peak_bytes": round(max(sizes)),
            "growth_bytes": round(sizes[-1] - sizes[len(sizes) // 10]),
            "slope_per_s": rounded(_slope(times[-(len(times) // 3) :], sizes[-(len(sizes) // 3) :])),
            "top": _top(b"".join(output.data for output in raw if output.name == _LINES).decode("utf-8", "replace")),
            "series": {"memory": drawn("bytes", times, sizes)},
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """The peak and the growth."""
        return f"peak {long_size(values['peak_bytes'])}, grew by {long_size(values['growth_bytes'])}"


def _without_the_end(samples: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without what is given back while the interpreter ends, a moment: that is no less growth."""
    kept = len(samples)
    while kept > max(1, len(samples) - _LAST) and samples[kept - 1][0] < samples[kept - 2][0]:
        kept -= 1
    return samples[:kept]


def _is_decorated(script: str) -> bool:
    with open(script, "rb") as file:
        return _DECORATED.search(file.read()) is not None


def _slope(times: Sequence[float], values: Sequence[float]) -> float | None:
    """The straight line through them."""
    count = len(times)
    mean_time, mean_value = sum(times) / count, sum(values) / count
    spread = sum((time - mean_time) ** 2 for time in times)
    if not spread:
        return None
    return sum((t - mean_time) * (v - mean_value) for t, v in zip(times, values, strict=True)) / spread


def _top(text: str) -> dict[str, Any]:
    """The line with the largest increment. That of a function's head is what there was when it was called."""
    file, best = None, None
    for line in text.splitlines():
        if named := _FILE.match(line):
            file = named[1]
        elif (row := _LINE.match(line)) and not re.match(r"(async\s+)?def\b|@", row[3].strip()):
            added = float(row[2]) * _MIB
            if added > 0 and (best is None or added > best[0]):
                best = added, int(row[1]), file, row[3].strip()
    return {
        "line": best[1] if best else None,
        "file": plain(best[2]) if best and best[2] else None,
        "code": plain(best[3]) if best else None,
        "bytes": round(best[0]) if best else None,
    }
