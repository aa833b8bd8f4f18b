"""`logs`: the last lines of the target's log, counted by what they say.

Of a container by its engine; of a process from the file its output goes to, or from the journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.steps import log_sources
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure
from mcptop.playbook.steps.log_lines import PATTERNS, recent, said
from mcptop.playbook.steps.log_sources import About
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.two_looks import per_s

_SHORTEST_S = 1.0


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How many lines, how far back, and how long a file is watched."""

    lines: int = 400
    since: Seconds = Seconds(900)
    over: Seconds = Seconds(2)


class _Log(Value, frozen=True):
    """The lines that count, and how fast they came."""

    lines: Sequence[str]
    lines_per_s: float | None
    bytes_per_s: float | None
    age_s: float | None


class Logs:
    """See the module."""

    name: ClassVar[str] = "logs"
    says: ClassVar[str] = "reading the end of its log"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "lines": "how many there were",
        "lines_per_s": "how fast they came", "bytes_per_s": "the same in bytes, of files",
        "age_s": "how long ago the last one came",
        "where": "the file, or who keeps the log",
        **{f"count.{name}": f"lines that say: {what}" for name, (what, _) in PATTERNS.items()},
        "last_error": "the last line of any of these kinds",
        "repeated": "how often the commonest line is there, numbers and identities left aside",
        "repeated_text": "that line",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """A file is looked at twice."""
        return options.over + 0.5

    def collect(self, context: Context, options: Options) -> Raw:
        """The last lines. Raises `StepFailure` where the log is nowhere to be read."""
        if context.subject.container is None:
            return log_sources.of_process(context, options.lines, options.since, options.over)
        try:
            return log_sources.of_container(context, options.lines, options.since)
        except StepFailure as failure:
            # Engines do not keep what goes to another machine; it may still write a file.
            if failure.status is not StepStatus.NO_DATA or context.subject.pid is None:
                raise
            try:
                return log_sources.of_process(context, options.lines, options.since, options.over)
            except StepFailure:
                raise failure from None

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Counts of what the lines say."""
        abouts = msgspec.json.decode(raw[-1].data, type=list[About])
        logs = [_log(_lines(output.data), about, options) for output, about in zip(raw, abouts, strict=False)]
        lines = [line for log in logs for line in log.lines]
        return {
            "lines": len(lines),
            "lines_per_s": rounded(_sum([log.lines_per_s for log in logs])),
            "bytes_per_s": rounded(_sum([log.bytes_per_s for log in logs])),
            "age_s": rounded(min((log.age_s for log in logs if log.age_s is not None), default=None)),
            "where": ", ".join(dict.fromkeys(about.where for about in abouts)),
            **said(lines),
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """How many, and how many errors."""
        return f"{values['lines']} lines, {values['count']['errors']} errors"


def _sum(rates: Sequence[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def _lines(data: bytes) -> list[str]:
    """Without those that end nothing but a line: messages may hold whatever else looks like the end of one."""
    lines = [line.rstrip("\r") for line in data.decode("utf-8", "replace").split("\n")]
    return lines[:-1] if lines and not lines[-1] else lines


def _log(lines: list[str], about: About, options: Options) -> _Log:
    return _stamped(lines, about, options) if about.stamped else _file(lines, about, options)


def _stamped(lines: list[str], about: About, options: Options) -> _Log:
    """Each line begins with a time that is not its own."""
    stamped = ((log_sources.stamp(line), log_sources.message(line, about.where)) for line in lines)
    found = [(at, text) for at, text in stamped if at is not None][-options.lines :]
    if not found:
        return _Log([], 0.0, None, None)
    first, last = found[0][0], found[-1][0]
    # As many lines as were asked for: what counts is how long the last ones took. Else all there were, until now.
    many = len(found) >= options.lines and last > first
    rate = (len(found) - 1) / (last - first) if many else len(found) / max(_SHORTEST_S, about.at - first)
    return _Log([text for _, text in found], rate, None, max(0.0, about.at - last))


def _file(lines: list[str], about: About, options: Options) -> _Log:
    age = max(0.0, about.at - about.written_at) if about.written_at is not None else None
    kept = recent(lines, max(0.0, options.since - (age or 0.0)))[-options.lines :]
    if age is not None and age > options.since:
        kept = []
    return _Log(kept, per_s(about.lines_came, about.seconds), per_s(about.bytes_came, about.seconds), age)
