"""A verdict in words: the same in the terminal, in the dashboard, in Markdown and in HTML.

Texts come from targets and from playbooks: they are made harmless for a terminal here; what else they must not be
(markup, HTML) is the report's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from mcptop import units
from mcptop.model.diagnosis import Evidence, Outcome, StepStatus, Subject, Verdict, Weighed
from mcptop.model.playbook import Severity

MOST_HYPOTHESES = 6
_NAMED = 2
"""So many unknown names are told."""
_LONGEST = 4000
_COMMAND = re.compile(r"`([^`]+)`")
_FIGURE = re.compile(
    r"(?<![\w.:/-])\d[\d.,:]*(?:/\d+\b)?(?:\s?(?:[KMGT]i?B|B|ms|min|s|h|cores?)\b(?:/\w+)?|%|[smhd]\b(?:\s\d+[smhd]\b)?|/s)?"
)


class Badge(NamedTuple):
    """An outcome at a glance."""

    symbol: str
    word: str
    tone: str


BADGES = {
    Outcome.PROBLEM: Badge("✖", "PROBLEM", "critical"),
    Outcome.WARNING: Badge("▲", "WARNING", "warning"),
    Outcome.HEALTHY: Badge("●", "HEALTHY", "ok"),
    Outcome.INCONCLUSIVE: Badge("◌", "INCONCLUSIVE", "muted"),
}
STEPS = {
    StepStatus.OK: Badge("✔", "", "ok"),
    StepStatus.NO_DATA: Badge("▲", "no data", "warning"),
    StepStatus.TIMEOUT: Badge("▲", "timeout", "warning"),
    StepStatus.TOOL_MISSING: Badge("✖", "tool missing", "critical"),
    StepStatus.PERMISSION_DENIED: Badge("✖", "permission denied", "critical"),
    StepStatus.PARSE_ERROR: Badge("✖", "unreadable", "critical"),
    StepStatus.TARGET_GONE: Badge("✖", "target gone", "critical"),
    StepStatus.SKIPPED: Badge("—", "skipped", "dim"),
}
"""How a step ended."""


class Piece(NamedTuple):
    """A part of a sentence."""

    text: str
    role: str
    """text, strong (a name), figure, command, place (a line of code) or label."""


class Considered(NamedTuple):
    """The hypotheses worth showing, the likeliest first, and the names of the rest."""

    shown: tuple[Weighed, ...]
    silent: tuple[str, ...]
    """Nothing spoke for or against them."""
    beyond: tuple[str, ...]
    """There was no room for them."""


def safe(text: str) -> str:
    """Text made harmless, on one line; sentences may be long."""
    return units.plain(text, _LONGEST).strip()


def who(one: Subject) -> str:
    """Whom it is about: `mcp-worker (worker-1, pid 41822)`."""
    parts = [safe(one.name)] if one.name != one.service else []
    parts += [f"pid {one.pid}"] if one.pid is not None else []
    return f"{safe(one.service)} ({', '.join(parts)})" if parts else safe(one.service)


def target(verdict: Verdict) -> str:
    """Who was diagnosed."""
    return who(verdict.target)


def finished(verdict: Verdict) -> str:
    """How long it took, and whether it was let finish."""
    return f"{'stopped after' if verdict.cancelled else 'finished in'} {units.span(verdict.duration_s)}"


def about(verdict: Verdict) -> list[str]:
    """What else the first lines say."""
    return facts(verdict.title, verdict.target)


def facts(title: str, one: Subject) -> list[str]:
    """The symptom, where the target belongs, why this one was taken."""
    project = f"project {safe(one.project)}" if one.project else ""
    replicas = f"one of {one.replicas} replicas" if one.replicas > 1 else ""
    return [part for part in (safe(title), project, replicas, safe(one.chosen)) if part]


def cost(verdict: Verdict) -> list[str]:
    """What made it, when, and what it used."""
    paused = (
        f", the target paused for {units.span(verdict.cost.target_paused_s)}" if verdict.cost.target_paused_s else ""
    )
    used = f"used {units.span(verdict.cost.cpu_s)} of CPU{paused}" if verdict.cost.cpu_s is not None else ""
    return [part for part in (moment(verdict), used, f"mcptop {safe(verdict.version)}".strip()) if part]


def moment(verdict: Verdict) -> str:
    """When it began, in UTC."""
    try:
        at = datetime.fromisoformat(verdict.started_at).astimezone(UTC)
    except (ValueError, OverflowError):
        return safe(verdict.started_at)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def seen(evidence: Evidence) -> str:
    """What a step saw, or what was in its way."""
    says, word = safe(evidence.message), STEPS[evidence.status].word
    return f"{word}: {says}" if word and says else word or says


def found(verdict: Verdict) -> str:
    """What the verdict is sure of, after the name of the mechanism."""
    if verdict.mechanism is None:
        return ""
    kind = safe(verdict.level or "") or ("harmless" if verdict.status is Outcome.HEALTHY else "")
    return f"{kind}, confidence {share(verdict.confidence)}" if kind else f"confidence {share(verdict.confidence)}"


def share(confidence: float) -> str:
    """A confidence: two digits are more than anybody can tell apart."""
    return "<0.01" if 0 < confidence < 0.005 else f"{confidence:.2f}"


def where(verdict: Verdict) -> list[Piece]:
    """The culprit, as far as it is known; nothing without one."""
    culprit, one = verdict.culprit, verdict.target
    if culprit is None:
        return []
    is_own = culprit.service in (None, one.service)
    pieces = [Piece("Where: ", "label"), Piece(safe(one.name if is_own else culprit.service or ""), "strong")]
    if culprit.pid is not None:
        inner = culprit.inner_pid if culprit.inner_pid not in (None, culprit.pid) else None
        pieces.append(Piece(f", pid {culprit.pid}" + (f" ({inner} inside its container)" if inner else ""), "text"))
    if culprit.thread:
        pieces += [Piece(", thread ", "text"), Piece(safe(culprit.thread), "strong")]
    if place := code_place(verdict):
        pieces += [Piece(": ", "text"), Piece(place, "place")]
    return pieces


def code_place(verdict: Verdict) -> str:
    """The line of code: `remember() in /srv/app/cache.py:88`."""
    culprit = verdict.culprit
    if culprit is None:
        return ""
    function = f"{safe(culprit.function).removesuffix('()')}()" if culprit.function else ""
    line = f":{culprit.line}" if culprit.line is not None else ""
    return " in ".join(part for part in (function, f"{safe(culprit.file)}{line}" if culprit.file else "") if part)


def considered(verdict: Verdict, most: int = MOST_HYPOTHESES) -> Considered:
    """Those with an argument; the verdict has them in order."""
    heard = [each for each in verdict.hypotheses if each.supports or each.contradicts or each.missing]
    silent = [safe(each.mechanism) for each in verdict.hypotheses if each not in heard]
    return Considered(tuple(heard[:most]), tuple(silent), tuple(safe(each.mechanism) for each in heard[most:]))


def tone(verdict: Verdict, hypothesis: Weighed) -> str:
    """How a hypothesis looks: the winner as the verdict, the others by how near they came."""
    if hypothesis.mechanism == verdict.mechanism:
        return BADGES[verdict.status].tone
    if hypothesis.confidence < 0.1:
        return "muted"
    return "ok" if hypothesis.severity is Severity.NONE else "warning"


def arguments(hypothesis: Weighed) -> list[tuple[str, str]]:
    """Sign and text: plus speaks for it, minus against it, a question mark is not known."""
    unknown = [
        name
        for name in hypothesis.unknown
        if not any(name == need or name.startswith(f"{need}.") for need in hypothesis.missing)
    ]
    return [
        *(("+", safe(each.because)) for each in hypothesis.supports),
        *(("−", safe(each.because)) for each in hypothesis.contradicts),  # noqa: RUF001
        *(("?", f"needs {safe(name)}") for name in hypothesis.missing),
        *([("?", f"not known: {_some(unknown)}")] if unknown else []),
    ]


def _some(names: list[str]) -> str:
    """The first of them; all stand in the JSON."""
    more = len(names) - _NAMED
    shown = ", ".join(map(safe, names[:_NAMED] if more > 1 else names))
    return f"{shown} and {more} more" if more > 1 else shown


def runner_up(verdict: Verdict) -> str:
    """The next best explanation in a sentence; empty without one."""
    second = verdict.runner_up
    if second is None:
        return ""
    because = f": {safe(second.because)}" if second.because else ""
    return f"Next best: {safe(second.mechanism)}, {share(second.confidence)}{because}"


def advice(verdict: Verdict) -> list[tuple[str, list[Piece]]]:
    """What to do, in order: now, fix, verify; those the playbook has."""
    steps = (("now", verdict.do.now), ("fix", verdict.do.fix), ("verify", verdict.do.verify))
    return [(label, sentence(text)) for label, text in steps if safe(text)]


def sentence(text: str) -> list[Piece]:
    """A text with its commands (in backticks, or all of it) and its figures."""
    text = safe(text)
    if "`" not in text and text.startswith("mcptop "):
        return [Piece(text, "command")]
    pieces: list[Piece] = []
    for at, part in enumerate(_COMMAND.split(text)):
        pieces += [Piece(part, "command")] if at % 2 else _figures(part)
    return [piece for piece in pieces if piece.text]


def _figures(text: str) -> Iterator[Piece]:
    at = 0
    for match in _FIGURE.finditer(text):
        yield Piece(text[at : match.start()], "text")
        # A full stop ends the sentence, not the figure.
        figure = match[0].rstrip(".,:")
        yield Piece(figure, "figure")
        at = match.start() + len(figure)
    yield Piece(text[at:], "text")


def plain(pieces: Sequence[Piece]) -> str:
    """The sentence without roles."""
    return "".join(piece.text for piece in pieces)
