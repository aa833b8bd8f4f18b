"""What a diagnosis found: evidence with its provenance, hypotheses weighed, and the verdict.

The field names are those of `mcptop diagnose --json`; unknown is None.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from mcptop.model.playbook import Remedy, Severity
from mcptop.model.value import Value


class StepStatus(StrEnum):
    """How a step ended. Anything but `ok` is missing evidence, and missing evidence is never good news."""

    OK = "ok"
    NO_DATA = "no_data"
    TOOL_MISSING = "tool_missing"
    PERMISSION_DENIED = "permission_denied"
    TIMEOUT = "timeout"
    PARSE_ERROR = "parse_error"
    TARGET_GONE = "target_gone"
    SKIPPED = "skipped"


class Provenance(Value, frozen=True):
    """Where a piece of evidence comes from."""

    source: str
    """The file or program in a word: `py-spy`, `/proc/PID/fd`."""
    argv: tuple[str, ...] = ()
    version: str | None = None
    started_at: str = ""
    """ISO 8601, UTC."""
    duration_s: float = 0.0
    exit_code: int | None = None
    namespace: str | None = None
    """Whose view it is, where that is not the host's: `net of pid 41822`."""
    raw_sha256: str | None = None


class Evidence(Value, frozen=True):
    """What one step gave."""

    step: str
    run: str
    status: StepStatus
    message: str = ""
    """What was done or what was in the way, for people."""
    values: dict[str, Any] = field(default_factory=dict)
    """Numbers in base units (seconds, bytes, ratios), texts, lists and nested names; None is unknown."""
    provenance: tuple[Provenance, ...] = ()
    duration_s: float = 0.0
    applies: bool = True
    """False where the playbook says that this step is not for such a target: then nothing is missing."""


class Subject(Value, frozen=True):
    """Who is diagnosed: one instance of one service."""

    kind: str
    """container or process."""
    project: str | None
    service: str
    name: str
    """Of the instance."""
    container: str | None = None
    """Full id."""
    pid: int | None = None
    """On the host: of the process looked into."""
    inner_pid: int | None = None
    """The same process as its container numbers it."""
    pids: tuple[int, ...] = ()
    """All processes of the instance, on the host."""
    replicas: int = 1
    program: str = ""
    """What the process runs: `python3.11`, `redis-server`."""
    python: bool | None = None
    started_at: str | None = None
    memory_limit_bytes: int | None = None
    cpu_limit_cores: float | None = None
    cpus: int = 1
    """Of the host."""
    chosen: str = ""
    """Why this one, where several could be meant."""


class Argument(Value, frozen=True):
    """A rule that held."""

    because: str
    weight: float


class Weighed(Value, frozen=True):
    """One hypothesis after all rules."""

    mechanism: str
    confidence: float
    severity: Severity
    supports: tuple[Argument, ...]
    contradicts: tuple[Argument, ...]
    missing: tuple[str, ...]
    """Evidence it needed and nobody could give."""
    unknown: tuple[str, ...] = ()
    """Evidence that would have helped."""


class Culprit(Value, frozen=True):
    """Who or what it is, as far as it is known."""

    service: str | None = None
    container: str | None = None
    pid: int | None = None
    inner_pid: int | None = None
    thread: str | None = None
    function: str | None = None
    file: str | None = None
    line: int | None = None


class RunnerUp(Value, frozen=True):
    """The next best explanation, and what separated the two."""

    mechanism: str
    confidence: float
    because: str


class Outcome(StrEnum):
    """What came out."""

    HEALTHY = "healthy"
    WARNING = "warning"
    PROBLEM = "problem"
    INCONCLUSIVE = "inconclusive"


class Cost(Value, frozen=True):
    """What the diagnosis itself used."""

    cpu_s: float | None = None
    """Of mcptop and of every program it started."""
    target_paused_s: float = 0.0


class Run(Value, frozen=True):
    """The frame of one diagnosis: when, how long, at what cost, whether it was cut short."""

    started_at: str
    duration_s: float
    cost: Cost = Cost()
    cancelled: bool = False
    version: str = ""


class Verdict(Struct, frozen=True, eq=False, tag_field="schema", tag="mcptop.verdict/1"):
    """`mcptop diagnose PLAYBOOK --json`. Fields are only ever added."""

    playbook: str
    title: str
    target: Subject
    status: Outcome
    mechanism: str | None
    severity: Severity
    confidence: float
    level: str | None
    """watch, probable or confirmed; None when nothing was found."""
    says: str
    culprit: Culprit | None
    runner_up: RunnerUp | None
    do: Remedy
    hypotheses: tuple[Weighed, ...]
    evidence: tuple[Evidence, ...]
    started_at: str
    duration_s: float
    cost: Cost
    cancelled: bool
    version: str
