"""Recommendations as lines for a terminal or a pipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from mcptop.advice import profiles, written
from mcptop.advice.cpu import throttled
from mcptop.advice.memory import kills_of
from mcptop.advice.recommend import Recommendation, Status, wanted, whole_place
from mcptop.advice.sized import Advice, Sized, cores, hours, mib
from mcptop.model.value import Kind
from mcptop.presentation.runs import Runs, safe
from mcptop.units import many

_SYMBOLS = {Status.ACUTE: ("✖", "critical"), Status.CHANGE: ("▲", "warning"), Status.FITS: ("●", "ok"),
            Status.UNKNOWN: ("·", "dim")}  # fmt: skip
_TONES = {Advice.RAISE: "warning", Advice.SET: "warning", Advice.LOWER: "accent", Advice.KEEP: "ok"}
_INDENT = " " * 11
Say = Callable[[float], str]


def lines(found: Sequence[Recommendation], source: str, explain: bool = False) -> list[Runs]:
    """`source`: what was looked at, in one line."""
    told = [one for one in found if one.status is not Status.UNKNOWN]
    made: list[Runs] = [((source, "muted"),)]
    for one in told:
        made += [(), *_service(one, explain)]
    silent = [one for one in found if one.status is Status.UNKNOWN]
    if silent:
        names = Counter(map(_name, found))
        made += [(), (("not advised on", "strong"),), *(_silent(one, names[_name(one)] > 1) for one in silent)]
    place = whole_place(found)
    if place is not None:
        made += [(), (("profile", "strong"), (f"    the guide's {place.says}", "text"))]
    return made


def _service(one: Recommendation, explain: bool) -> Iterator[Runs]:
    symbol, tone = _SYMBOLS[one.status]
    yield ((f"{symbol} ", tone), (_name(one), "strong"), (f"   ({_window(one)})", "muted"))
    yield from _memory(one, explain)
    yield from _cpu(one, explain)
    if one.scale is not None:
        yield _labelled("replicas", f"{one.scale.says}: {one.scale.signal}")
    for number, note in enumerate(one.notes):
        yield _labelled("note" if number == 0 else "", safe(note, 300))


def _name(one: Recommendation) -> str:
    place = f"{safe(one.seen.project)}/" if one.seen.project else ""
    return f"{place}{safe(one.seen.name)}"


def _window(one: Recommendation) -> str:
    seen = one.seen
    word = "container" if seen.kind is Kind.CONTAINER else "process"
    count = many(len(seen.running), word) if word == "container" else f"{len(seen.running)} processes"
    samples = f"{seen.samples:,}".replace(",", " ")
    return f"{count}, {hours(seen.seconds)} observed, {samples} samples, coverage {seen.coverage:.0%}"


def _memory(one: Recommendation, explain: bool) -> Iterator[Runs]:
    sized = one.memory
    figures = [f"limit {mib(sized.current)}" if sized.current is not None else "no limit"]
    if sized.peak is not None:
        figures.append(f"peak {mib(sized.peak)}  p95 {mib(sized.typical)}  working set (usage - inactive_file)")
    yield _labelled("memory", "   ".join(figures))
    if kills := kills_of(one.seen):
        count = sum(kill.count for kill in kills)
        times = ", ".join(_clock(kill.at) for kill in kills[-3:] if kill.at is not None)
        yield _more(f"OOM kills {count}{f' ({times})' if times else ''}")
    yield from _advised(sized, "limit", mib, one, explain)
    yield from _reserved(one.memory_reserved, mib, explain)
    yield from _variable(one, "MEMORY_LIMIT", sized, written.memory)


def _cpu(one: Recommendation, explain: bool) -> Iterator[Runs]:
    sized = one.cpu
    figures = [f"limit {cores(sized.current)}" if sized.current is not None else "no limit"]
    used = [replica.cpu for replica in one.seen.replicas if replica.cpu is not None]
    if used:
        figures.append(f"p95 {cores(sized.typical)}  p99 {cores(max(each.p99 for each in used))}")
    held_back = throttled(one.seen)
    if held_back is not None and sized.current is not None:
        figures.append(f"throttled {held_back:.0%} of periods")
    yield _labelled("cpu", "   ".join(figures))
    yield from _advised(sized, "limit", cores, one, explain)
    yield from _reserved(one.cpu_reserved, cores, explain)
    yield from _variable(one, "CPU_LIMIT", sized, written.cpus)


def _advised(sized: Sized, what: str, text: Say, one: Recommendation, explain: bool) -> Iterator[Runs]:
    value = wanted(sized)
    if value is None:
        word = "keep" if sized.advice is Advice.KEEP else "no advice"
        yield (
            (f"{_INDENT}-> {word}", _TONES.get(sized.advice, "dim")),
            (f"   {sized.because or sized.missing}", "text"),
        )
    else:
        yield ((f"{_INDENT}-> {sized.advice} {what} to {text(value)}", _TONES[sized.advice]),
               (f"   rule: {sized.rule}", "text"))  # fmt: skip
        yield _more(f"   because {sized.because}; confidence: {one.confidence} ({one.seen.days:.1f} days)")
    if sized.floor and (explain or value is not None):
        yield _more(f"   floor: {sized.floor}")
    if explain:
        if value is None and sized.rule:
            yield _more(f"   rule: {sized.rule}")
        for step in sized.steps if len(sized.steps) > 1 else ():
            yield _more(f"     {step}")
    if sized.rejected and (explain or value is not None):
        yield _more(f"   not taken: {sized.rejected}")


def _reserved(sized: Sized, text: Say, explain: bool) -> Iterator[Runs]:
    if sized.wanted is not None:
        yield ((f"{_INDENT}-> reserve {text(sized.wanted)}", "text"), (f"   {sized.rule}", "muted"))
        if sized.floor:
            yield _more(f"   floor: {sized.floor}")
        if explain and sized.rejected:
            yield _more(f"   not taken: {sized.rejected}")


def _variable(one: Recommendation, name: str, sized: Sized, text: Say) -> Iterator[Runs]:
    """The line of the guide's .env file, and where it stands among its profiles."""
    value, prefix = wanted(sized), profiles.PREFIXES.get(one.seen.name)
    if value is not None and prefix is not None and one.seen.kind is Kind.CONTAINER:
        said = [profiles.variables(profile)[f"{prefix}_{name}"] for profile in profiles.PROFILES]
        others = ", ".join(f"{profile} {each}" for profile, each in zip(profiles.PROFILES, said, strict=True))
        yield _more(f"   env: {prefix}_{name}={text(value)}   (the guide's {others})")


def _silent(one: Recommendation, is_one_of_two: bool) -> Runs:
    """With its kind where a container's service and a process's have one name."""
    reasons = [each for each in (one.memory.missing, one.cpu.missing) if each]
    said = "; ".join(dict.fromkeys(reasons)) or one.memory.because or "nothing is known of it"
    kind = f" ({one.seen.kind})" if is_one_of_two else ""
    return ((f"  {_name(one)}{kind}", "text"), (f"   {safe(said, 200)}", "muted"))


def _labelled(label: str, text: str) -> Runs:
    return ((f"  {label:<9}", "muted"), (text, "text"))


def _more(text: str) -> Runs:
    return ((f"{_INDENT}{text}", "muted"),)


def _clock(at: float | None) -> str:
    return "-" if at is None else f"{datetime.fromtimestamp(at, UTC):%m-%d %H:%M} UTC"
