"""Every kind of step, by the name a playbook calls it."""

from __future__ import annotations

from mcptop.playbook.steps.base import StepKind

KINDS: dict[str, StepKind] = {kind.name: kind for kind in ()}
