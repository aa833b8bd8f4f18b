"""A playbook: what to collect, which explanations compete, and what speaks for and against each."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

from mcptop.model.value import Value


class Safety(IntEnum):
    """What a step may do to its target, mildest first. Without a word from the user the first two are allowed."""

    PASSIVE = 0
    """Reads files of the kernel and answers of the engine."""
    SAMPLING = 1
    """Reads the target's memory while it runs."""
    PAUSING = 2
    """Stops the target for moments."""
    INJECTING = 3
    """Runs code inside the target."""
    MUTATING = 4
    """Changes the target or the machine."""


class Severity(StrEnum):
    """How bad it is when a hypothesis holds."""

    NONE = "none"
    """A harmless explanation."""
    WARNING = "warning"
    CRITICAL = "critical"


class Rule(Value, frozen=True):
    """One piece of evidence for or against."""

    condition: str
    """An expression over evidence."""
    weight: float
    """How much more likely what was seen is if the hypothesis holds, as a natural logarithm: 1 a hint (3 times),
    2 clear (7 times), 3 strong (20 times), 5 nearly a proof (150 times)."""
    because: str
    """A template with the figures."""
    line: int = 0


class Remedy(Value, frozen=True):
    """What to do; templates in a playbook, texts in a verdict."""

    now: str = ""
    fix: str = ""
    verify: str = ""


class CulpritRule(Value, frozen=True):
    """Where the culprit's parts are found: expressions. What is left out is the target's own."""

    service: str = ""
    container: str = ""
    pid: str = ""
    thread: str = ""
    function: str = ""
    file: str = ""
    line: str = ""


class Hypothesis(Value, frozen=True):
    """One explanation."""

    id: str
    """A mechanism."""
    says: str
    severity: Severity
    needs: tuple[str, ...]
    """Evidence without which it can be neither found nor cleared: steps, or values of steps."""
    supports: tuple[Rule, ...]
    contradicts: tuple[Rule, ...]
    culprit: CulpritRule = CulpritRule()
    do: Remedy = Remedy()
    prior: float = 0.0
    """How much more (or less) common than the others it is, as a natural logarithm."""
    file: str = ""
    line: int = 0


class Step(Value, frozen=True):
    """One thing to collect."""

    id: str
    """The name its evidence goes by."""
    run: str
    """The kind of step."""
    options: dict[str, Any]
    when: str | None = None
    """A condition over the target and over evidence of steps before it."""
    timeout_s: float | None = None
    otherwise: str | None = None
    """The kind of step to run instead when this one cannot."""
    line: int = 0


class Budget(Value, frozen=True):
    """What the whole may take."""

    wall_s: float = 90.0
    safety: Safety = Safety.SAMPLING


class Playbook(Value, frozen=True):
    """One symptom."""

    name: str
    title: str
    applies_to: tuple[str, ...]
    focus: str
    """The figure by which a target is chosen where several could be meant: cpu, memory, fds, waiting, queue, disk."""
    budget: Budget
    steps: tuple[Step, ...]
    hypotheses: tuple[Hypothesis, ...]
    file: str = ""
