"""A verdict as Markdown, for tickets, chats and post-mortems. What comes from a target is never markup there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mcptop import units
from mcptop.model.diagnosis import Evidence, Provenance, Verdict
from mcptop.verdicts import curves, words
from mcptop.verdicts.words import BADGES, STEPS, Piece

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~&!$@^])")
_LINK = re.compile(r"://|(?<=\bwww)\.", re.IGNORECASE)
_LINE_START = re.compile(r"^(\d+)([.)])|^([-+=])")
_SPARK = 24


def markdown(verdict: Verdict) -> str:
    """The whole report, ending with a line break."""
    parts = (_head(verdict), _advice(verdict), _reasons(verdict), _steps(verdict), _curves(verdict), _sources(verdict))
    end = ["---", _paragraph(" · ".join(map(escaped, words.cost(verdict))))]
    return "\n".join(line for part in (*parts, end) for line in (*part, *([""] if part else []))).rstrip() + "\n"


def escaped(text: str) -> str:
    """Text that reads as it is: no markup, no HTML, no link."""
    text = _SPECIAL.sub(r"\\\1", words.safe(text))
    return _LINK.sub(lambda match: match[0].replace(":", "\\:").replace(".", "\\."), text)


def _paragraph(text: str) -> str:
    """A line that begins no list and underlines no heading."""
    return _LINE_START.sub(lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", text)


def code(text: str, in_table: bool = False) -> str:
    """Text as code, whatever ticks are in it."""
    text = words.safe(text)
    if not text:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padded = f" {text} " if text.startswith("`") or text.endswith("`") else text
    # In a table a bar parts cells even inside of code.
    return f"{fence}{padded}{fence}".replace("|", "\\|") if in_table else f"{fence}{padded}{fence}"


def _sentence(pieces: Iterable[Piece], in_table: bool = False) -> str:
    forms = {"command": lambda text: code(text, in_table), "place": lambda text: code(text, in_table),
             "figure": _inner if in_table else _bold, "strong": _bold}  # fmt: skip
    return "".join(forms.get(role, _inner)(text) for text, role in pieces)


def _inner(text: str) -> str:
    """Escaped, with the spaces that part it from its neighbours."""
    left, right = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
    return " " * left + escaped(text.strip()) + " " * right if text.strip() else text


def _bold(text: str) -> str:
    return f"**{escaped(text)}**" if text else ""


def _head(verdict: Verdict) -> list[str]:
    badge = BADGES[verdict.status]
    mechanism = f": {escaped(verdict.mechanism)}" if verdict.mechanism is not None else ""
    facts = [escaped(fact) for fact in (*words.about(verdict), words.found(verdict), words.finished(verdict)) if fact]
    lines = [
        f"# {badge.symbol} {badge.word}{mechanism}",
        "",
        f"{code(verdict.playbook)} on {_bold(words.target(verdict))} · " + " · ".join(facts),
        "",
        f"> {_paragraph(_sentence(words.sentence(verdict.says)))}",
    ]
    where = words.where(verdict)
    return [*lines, ">", f"> {_sentence(where)}"] if where else lines


def _advice(verdict: Verdict) -> list[str]:
    found = words.advice(verdict)
    return ["## What to do", "", *(f"- **{label}**: {_sentence(pieces)}" for label, pieces in found)] if found else []


def _reasons(verdict: Verdict) -> list[str]:
    found = words.considered(verdict)
    if not found.shown:
        return []
    lines = ["## Why this and not another" if verdict.mechanism else "## What was considered", ""]
    rows = ((_bold(each.mechanism) if each.mechanism == verdict.mechanism else escaped(each.mechanism),
             words.share(each.confidence).replace("<", "\\<"),
             "<br>".join(f"{sign} {escaped(text)}" for sign, text in words.arguments(each)))
            for each in found.shown)  # fmt: skip
    lines += table(("explanation", "confidence", "for (+), against (−), not known (?)"), rows)  # noqa: RUF001
    for names, says in ((found.silent, "Nothing for or against"), (found.beyond, "Less likely")):
        lines += ["", f"{says}: {', '.join(map(escaped, names))}"] if names else []
    second = words.runner_up(verdict)
    return [*lines, "", escaped(second)] if second else lines


def _steps(verdict: Verdict) -> list[str]:
    if not verdict.evidence:
        return []
    rows = ((STEPS[each.status].symbol, code(each.step, True), code(each.run, True),
             _sentence(words.sentence(words.seen(each)), True), f"{each.duration_s:.1f} s")
            for each in verdict.evidence)  # fmt: skip
    return ["## What was looked at", "", *table(("", "step", "by", "saw", "took"), rows)]


def _curves(verdict: Verdict) -> list[str]:
    found = curves.drawn(verdict)
    rows = [
        (code(each.name, True), code(curves.spark(each, _SPARK), True), escaped(curves.summary(each)))
        for each in found.shown
    ]
    rest = [line for says in curves.rest(found) for line in ("", _paragraph(escaped(says)))]
    lines = [*(table(("series", "", ""), rows) if rows else ()), *rest]
    return ["## Over time", "", *lines] if lines else []


def _sources(verdict: Verdict) -> list[str]:
    rows = [_source(each, source) for each in verdict.evidence for source in each.provenance]
    heads = ("step", "read or run", "version", "began", "took", "exit", "SHA-256 of the output")
    return ["## Where it comes from", "", *table(heads, rows)] if rows else []


def _source(each: Evidence, source: Provenance) -> tuple[str, ...]:
    return (
        code(each.step, True),
        code(" ".join(source.argv) or source.source, True),
        escaped(source.version or ""),
        escaped(source.started_at),
        units.span(source.duration_s),
        "" if source.exit_code is None else str(source.exit_code),
        code((source.raw_sha256 or "")[:16], True),
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table; its cells are Markdown already."""
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(row)} |"
