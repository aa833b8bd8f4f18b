"""What a bundle says of itself."""

from __future__ import annotations

from mcptop.model.diagnosis import Cost, StepStatus
from mcptop.model.value import Value

SCHEMA = "mcptop.bundle/1"
MANIFEST, CASE, VERDICT = "manifest.json", "case.json", "verdict.json"
MOST_BYTES = 256 << 20
"""Unpacked."""
MOST_MEMBER_BYTES = 64 << 20
MOST_MEMBERS = 2000


class BundleError(Exception):
    """A bundle that cannot be written or read; one line: which file, and why."""


class Member(Value, frozen=True):
    """One file of a bundle."""

    bytes: int
    sha256: str
    raw_sha256: str | None = None
    """Of a raw output as it was seen, before secrets were taken out."""


class StepEnd(Value, frozen=True):
    """How one step went."""

    step: str
    run: str
    status: StepStatus
    duration_s: float


class Manifest(Value, frozen=True, tag_field="schema", tag=SCHEMA):
    """`manifest.json`."""

    version: str
    """Of mcptop."""
    python: str
    kernel: str
    started_at: str
    duration_s: float
    cost: Cost
    steps: tuple[StepEnd, ...]
    tools: dict[str, str]
    """Programs that were run, and their versions where they told."""
    members: dict[str, Member]
