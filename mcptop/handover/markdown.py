"""A handover as Markdown: for a ticket or a chat. What comes from outside is never markup there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mcptop.handover.contents import SECRETS, Contents, Fact, Troubled, said_of_events
from mcptop.handover.gather import day_and_time
from mcptop.playbook import report_markdown
from mcptop.playbook.report_markdown import code, escaped, table
from mcptop.presentation.event_rows import clock
from mcptop.verdicts import curves

_SPARK = 30
_HEADING = re.compile(r"^(#+ )", re.MULTILINE)


def markdown(contents: Contents) -> str:
    """The whole report, ending with a line break."""
    parts = (_head, _problems, _events, _troubled, _verdicts, _commands, _screen, _machine, _services)
    blocks = ("\n".join(lines).rstrip() for part in parts if (lines := list(part(contents))))
    return "\n\n".join(blocks).rstrip() + "\n"


def _head(contents: Contents) -> Iterator[str]:
    yield f"# Handover: {escaped(contents.host)}, {escaped(day_and_time(contents.at))}"
    yield ""
    yield from _facts(contents.facts)
    if contents.banner:
        yield f"- **Not seen**: {escaped(contents.banner)}"


def _facts(facts: Sequence[Fact]) -> Iterator[str]:
    return (f"- **{escaped(name)}**: {escaped(value)}" for name, value in facts)


def _problems(contents: Contents) -> Iterator[str]:
    yield "## Problems now"
    yield ""
    if not contents.problems:
        yield "None."
        return
    rows = (
        (each.symbol, f"**{escaped(each.service)}**", escaped(each.says), clock(each.since) if each.since else "",
         code(each.command, True))
        for each in contents.problems
    )  # fmt: skip
    yield from table(("", "service", "problem", "since", "next"), rows)


def _events(contents: Contents) -> Iterator[str]:
    yield "## What happened"
    yield ""
    if not contents.events:
        yield said_of_events(contents) or "Nothing was seen to change."
        return
    rows = (
        (clock(each.at), each.symbol, escaped(each.service), escaped(each.name),
         f"**{escaped(each.says)}**" if each.bad else escaped(each.says))
        for each in contents.events
    )  # fmt: skip
    yield from table(("time", "", "service", "instance", "what"), rows)
    if rest := said_of_events(contents):
        yield from ("", rest)


def _troubled(contents: Contents) -> Iterator[str]:
    if contents.troubled:
        yield "## Services in trouble"
    for each in contents.troubled:
        yield ""
        yield f"### {each.symbol} {escaped(each.name)}"
        yield ""
        yield from (f"- {escaped(reason)}" for reason in each.reasons)
        yield ""
        yield from table(("figure", "now"), ((escaped(name), escaped(value)) for name, value in each.facts))
        yield from _charts(each)


def _charts(service: Troubled) -> Iterator[str]:
    if service.charts:
        yield ""
        drawn = [chart.curve for chart in service.charts]
        yield from table(
            ("over time", "", ""),
            ((escaped(each.name), code(curves.spark(each, _SPARK), True), escaped(curves.summary(each)))
             for each in drawn),
        )  # fmt: skip


def _verdicts(contents: Contents) -> Iterator[str]:
    yield "## Diagnoses"
    yield ""
    if not contents.verdicts:
        yield "None was run."
    for each in contents.verdicts:
        # Only a heading begins a line with a number sign: in texts it is escaped.
        yield _HEADING.sub(r"##\1", report_markdown.markdown(each))


def _commands(contents: Contents) -> Iterator[str]:
    yield "## Commands run"
    yield ""
    if not contents.commands:
        yield "None."
        return
    rows = ((clock(each.at), code(each.command, True), escaped(each.outcome)) for each in contents.commands)
    yield from table(("time", "command", "outcome"), rows)


def _screen(contents: Contents) -> Iterator[str]:
    if contents.picture is None:
        return
    lines = contents.picture.lines
    ticks = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, ticks + 1)
    yield from ("## The screen as it was", "", f"{fence}text", *lines, fence)


def _machine(contents: Contents) -> Iterator[str]:
    yield "## Host and sources"
    yield ""
    yield from _facts(contents.machine)
    yield ""
    rows = ((f"{'✖' if each.is_broken else '●'} {escaped(each.name)}", escaped(each.status), escaped(each.message))
            for each in contents.sources)  # fmt: skip
    yield from table(("source", "", "says"), rows)


def _services(contents: Contents) -> Iterator[str]:
    yield "## All services"
    yield ""
    found = contents.services
    yield from table(found.heads, (tuple(map(escaped, row)) for row in found.rows))
    yield ""
    yield f"Written by mcptop. {SECRETS}"
