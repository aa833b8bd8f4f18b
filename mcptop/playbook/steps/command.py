"""`command`: a program of the playbook's author, and the values that patterns find in what it prints.

An argument vector, never a shell. It runs only where the user allowed that (`--allow-commands`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook import expressions
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure
from mcptop.units import plain

_MOST_LINES = 100_000


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """What to run, and what to read from its output."""

    argv: tuple[str, ...]
    """Each argument a text that may use the target: `{{ target.pid }}`."""
    values: dict[str, str] = msgspec.field(default_factory=dict)
    """Name -> pattern with one group; a number where it reads as one. The first line that matches counts."""
    ok: tuple[int, ...] = (0,)
    """Exit codes that mean the program did its work."""
    timeout: Seconds = Seconds(10)

    def __post_init__(self) -> None:
        """Patterns are checked before anything runs. Raises ValueError."""
        if not self.argv:
            raise ValueError("argv: expected at least the program")
        for name, pattern in self.values.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"values.{name}: not a regular expression: {error}") from None


class Command:
    """See the module."""

    name: ClassVar[str] = "command"
    says: ClassVar[str] = "running a command of the playbook"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "exit_code": "how it ended",
        "lines": "how many lines it printed",
        "first": "the first of them",
        "value.*": "what the patterns of `values` found, by their names",
    }

    def expected_s(self, options: Options) -> float:
        """Commands are short, as a rule."""
        return min(1.0, float(options.timeout))

    def collect(self, context: Context, options: Options) -> Raw:
        """Run it. Raises `StepFailure`."""
        if not context.allow_commands:
            raise StepFailure(StepStatus.SKIPPED, "commands of playbooks are off (--allow-commands)")
        names = {"target": msgspec.to_builtins(context.subject)}
        argv = [expressions.render(argument, names) for argument in options.argv]
        complaint, output = context.run("output.txt", argv, float(options.timeout))
        if output.provenance.exit_code not in options.ok:
            lines = complaint.decode("utf-8", "replace").split("\n")
            raise StepFailure(
                StepStatus.NO_DATA, f"{argv[0]} ended with {output.provenance.exit_code}: {lines[0] or 'no word'}"
            )
        return (output,)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What the patterns found."""
        lines = raw[0].data.decode("utf-8", "replace").splitlines()[:_MOST_LINES]
        return {
            "exit_code": raw[0].provenance.exit_code,
            "lines": len(lines),
            "first": plain(lines[0]) if lines else None,
            "value": {name: _first(re.compile(pattern), lines) for name, pattern in options.values.items()},
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """How much it said."""
        return f"{values['lines']} lines"


def _first(pattern: re.Pattern[str], lines: list[str]) -> float | str | None:
    for line in lines:
        if match := pattern.search(line):
            text = match[1] if pattern.groups else match[0]
            try:
                return float(text)
            except ValueError:
                return plain(text)
    return None
