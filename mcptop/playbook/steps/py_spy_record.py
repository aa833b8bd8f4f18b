"""`py-spy-record`: a sampled CPU profile of the Python code that computes, without stopping the target."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import Provenance, StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import py_spy
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure, observed
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.stacks import StackFrame, classified, program_of
from mcptop.units import plain

_MOST_ERRORS = 0.2
"""Share of failed samples above which a profile says nothing (py-spy #764)."""
_LEAST_SAMPLES = 5
_NO_TOP = {**dict.fromkeys(("function", "file", "line", "where", "threads", "thread")), "share": 0.0}
_START_S = 6.0
_FRAME = re.compile(r"(?P<name>.*?) \((?P<file>.*?)(?::(?P<line>\d+))?\)$")
_THREAD = re.compile(r"thread \((?P<tid>\w+)\)(?:: (?P<name>.*))?$")
_COUNTS = re.compile(r"Samples: (\d+) Errors: (\d+)")
_GROUPS = {
    "json": re.compile(r"/json/|/orjson|/simplejson"),
    "regex": re.compile(r"/re/__init__|/re\.py|/sre_|/regex/"),
}


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how often."""

    record_for: Seconds = msgspec.field(name="for", default=Seconds(5))
    rate: int = 20


class Sampled(NamedTuple):
    """One stack of the profile."""

    tid: str
    thread: str
    frames: tuple[StackFrame, ...]
    """The innermost first."""
    number: int


class PySpyRecord:
    """See the module."""

    name: ClassVar[str] = "py-spy-record"
    says: ClassVar[str] = "sampling what Python code computes"
    safety: ClassVar[Safety] = Safety.SAMPLING
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "samples": "stacks that were computing",
        "errors": "looks that failed",
        "computing": "threads that computed at one time, in the mean",
        "top.function": "the program's function that was on the CPU most, itself or by what it calls",
        "top.file": "its file", "top.line": "its busiest line", "top.where": "all of it",
        "top.share": "its share of the samples",
        "top.threads": "how many threads it was on",
        "top.thread": "the one it was on most, by its name",
        "leaf.where": "the innermost function of all that was met most",
        "leaf.share": "its share of the samples",
        "json_share": "share of the samples inside JSON", "regex_share": "inside regular expressions",
        "loop_share": "share of the samples on an event loop",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """As long as it samples."""
        return float(options.record_for) + 0.5

    def collect(self, context: Context, options: Options) -> Raw:
        """Sample. Raises `StepFailure`."""
        seconds = max(1, round(min(options.record_for, max(1.0, context.left_s - 1))))
        with tempfile.TemporaryDirectory(prefix="mcptop-") as folder:
            path = Path(folder, "profile.raw")
            _, output = py_spy.run(
                context,
                "py-spy.txt",
                ["record", *_only_computing(context.subject), "--format", "raw", "--threads", "--full-filenames",
                 "--rate", str(options.rate), "--duration", str(seconds), "--output", str(path)],
                seconds + _START_S,
            )  # fmt: skip
            data = path.read_bytes() if path.exists() else b""
        # The folder is gone, and its name is another every time.
        argv = tuple(path.name if word == str(path) else word for word in output.provenance.argv)
        source = msgspec.structs.replace(output.provenance, argv=argv)
        about = observed(path.name, "py-spy", data, source.started_at, source.duration_s, version=source.version)
        return (msgspec.structs.replace(output, provenance=source), about)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What computed. Raises `StepFailure` for a profile of which too much failed."""
        counts = _COUNTS.search(raw[0].data.decode("utf-8", "replace"))
        stacks = list(_stacks(raw[1].data.decode("utf-8", "replace")))
        samples = sum(stack.number for stack in stacks)
        errors = int(counts[2]) if counts else 0
        # Each of these may give a stack of every thread that computes, or none; those that fail are among them.
        taken = options.rate * _sampled_s(raw[0].provenance, options)
        if errors > max(2, _MOST_ERRORS * taken):
            raise StepFailure(StepStatus.NO_DATA, f"py-spy: {errors} of {taken:.0f} looks failed")
        common = {"samples": samples, "errors": errors, "computing": rounded(samples / (taken - errors))}
        if samples < _LEAST_SAMPLES:
            # Hardly anything computed: that is known, but there is nothing to name.
            leaf = {"where": None, "share": None}
            return {**common, "top": _NO_TOP, "leaf": leaf, "json_share": 0.0, "regex_share": 0.0, "loop_share": 0.0}
        return {
            **common,
            "top": _top(stacks, samples),
            "leaf": _leaf(stacks, samples),
            **{f"{name}_share": _share(stacks, samples, pattern) for name, pattern in _GROUPS.items()},
            "loop_share": rounded(sum(s.number for s in stacks if any(f.is_loop for f in s.frames)) / samples),
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """How many samples, and the first of the functions."""
        where = values["top"].get("where")
        return f"{values['samples']} samples, {values['errors']} failed" + (f"; most in {where}" if where else "")


def _only_computing(subject: Subject) -> list[str]:
    """In another pid namespace py-spy takes idle threads for active; who holds the interpreter's lock is not idle."""
    return ["--gil"] if subject.inner_pid is not None else []


def _sampled_s(source: Provenance, options: Options) -> float:
    """For how long it was told to sample: less than asked for where the time ran out, or where the process ended."""
    words = dict(pairwise(source.argv))
    told = float(words.get("--duration", options.record_for))
    return max(1.0, min(told, source.duration_s or told))


def _stacks(text: str) -> Iterator[Sampled]:
    found: list[tuple[str, str, list[StackFrame], int]] = []
    for line in text.splitlines():
        head, _, count = line.rpartition(" ")
        thread, _, rest = head.partition(";")
        named = _THREAD.match(thread)
        if not rest or not count.isdigit():
            continue
        frames = [frame for part in reversed(rest.split(";")) if (frame := _frame(part)) is not None]
        tid = named["tid"] if named else thread
        found.append((tid, plain((named["name"] if named else None) or tid), frames, int(count)))
    program = program_of(frames for _, _, frames, _ in found)
    for tid, name, frames, number in found:
        if frames:
            yield Sampled(tid, name, classified(frames, program), number)


def _frame(text: str) -> StackFrame | None:
    match = _FRAME.match(text)
    return StackFrame(match["name"], match["file"], int(match["line"] or 0)) if match else None


def _top(stacks: list[Sampled], samples: int) -> dict[str, Any]:
    """The program's innermost function of each stack, added up."""
    counts: Counter[tuple[str, str]] = Counter()
    lines: dict[tuple[str, str], Counter[int]] = {}
    threads: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for stack in stacks:
        frame = next((frame for frame in stack.frames if frame.own), None)
        if frame is not None:
            key = frame.name, frame.filename
            counts[key] += stack.number
            lines.setdefault(key, Counter())[frame.line] += stack.number
            threads.setdefault(key, Counter())[stack.tid, stack.thread] += stack.number
    if not counts:
        return _NO_TOP
    (name, file), count = counts.most_common(1)[0]
    frame = StackFrame(name, file, lines[name, file].most_common(1)[0][0])
    return {
        "function": plain(name),
        "file": frame.short_file,
        "line": frame.line,
        "where": frame.where,
        "share": rounded(count / samples),
        "threads": len(threads[name, file]),
        "thread": threads[name, file].most_common(1)[0][0][1],
    }


def _leaf(stacks: list[Sampled], samples: int) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for stack in stacks:
        counts[stack.frames[0].where] += stack.number
    where, count = counts.most_common(1)[0]
    return {"where": where, "share": rounded(count / samples)}


def _share(stacks: list[Sampled], samples: int, pattern: re.Pattern[str]) -> float:
    inside = sum(s.number for s in stacks if any(pattern.search(frame.filename) for frame in s.frames[:3]))
    return float(rounded(inside / samples))
