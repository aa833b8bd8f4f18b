"""Recommendations as files to apply: lines for an .env file, and an override for a Compose file.

Only what is advised is in them; of everything else a comment says why it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from math import floor
from typing import Any

import yaml

from mcptop.advice import written
from mcptop.advice.recommend import Recommendation, in_the_end, wanted
from mcptop.advice.sized import Advice, Sized, cores, hours, mib
from mcptop.advice.written import comment
from mcptop.model.value import Kind

_NAME = re.compile(r"[a-zA-Z0-9._-]{1,100}")
"""What Compose calls a service."""
Say = Callable[[float], str]
_APPLY = (
    "Apply: docker compose -f YOUR-FILE -f THIS-FILE up -d; it recreates what changes.",
    "Where your file sets memswap_limit, set it anew: it may not be less than the memory limit.",
)
_FROM = "Made by `mcptop recommend`: limits by what was observed. Look at each before you apply it."


def env(found: Sequence[Recommendation]) -> str:
    """Lines of an .env file in the guide's variables; what other services need stands in comments."""
    lines = [comment(_FROM)]
    once = [one.seen.name for one in found]
    for one in found:
        lines += ["", comment(_title(one))]
        prefix = written.prefix(one.seen.name)
        if prefix is None or one.seen.kind is not Kind.CONTAINER:
            lines += [comment(f"no variable of the guide; {line}") for line in _said(one)]
        elif once.count(one.seen.name) > 1:
            lines += [comment(f"more than one project has a {one.seen.name}; {line}") for line in _said(one)]
        else:
            lines += _variable(f"{prefix}_MEMORY_LIMIT", one.memory, written.memory, mib)
            lines += _variable(f"{prefix}_CPU_LIMIT", one.cpu, written.cpus, cores)
    return "\n".join(lines) + "\n"


def compose(found: Sequence[Recommendation]) -> str:
    """A Compose file to give after the stack's own: `docker compose -f compose.yaml -f THIS up -d`.

    Of the services of one project. Memory is in bytes with Compose's letters.
    """
    lines = [comment(text) for text in (_FROM, *_APPLY)]
    services: dict[str, Any] = {}
    for one in found:
        lines += ["", comment(_title(one)), *(comment(line) for line in _said(one))]
        is_composed = one.seen.kind is Kind.CONTAINER and one.seen.project and _NAME.fullmatch(one.seen.name)
        resources = _resources(one) if is_composed else {}
        if not is_composed:
            lines.append(comment("left out: no service of a Compose file"))
        if resources:
            services[one.seen.name] = {"deploy": {"resources": resources}}
    body = (
        yaml.safe_dump({"services": services}, sort_keys=False, allow_unicode=False) if services else "services: {}\n"
    )
    return "\n".join(lines) + "\n\n" + body


def projects(found: Iterable[Recommendation]) -> tuple[str, ...]:
    """Whose containers there are: a Compose file is of one project."""
    return tuple(sorted({one.seen.project for one in found if one.seen.kind is Kind.CONTAINER and one.seen.project}))


def _title(one: Recommendation) -> str:
    place = f"{one.seen.project}/" if one.seen.project else ""
    return (f"{place}{one.seen.name}: {hours(one.seen.seconds)} observed, {one.seen.samples} samples, "
            f"confidence {one.confidence} ({one.seen.days:.1f} days)")  # fmt: skip


def _variable(name: str, sized: Sized, text: Say, says: Say) -> list[str]:
    value = wanted(sized)
    if value is None:
        return [comment(f"{name}: not advised: {reason(sized)}")]
    was = f" (now {says(sized.current)})" if sized.current is not None else ""
    return [comment(f"{sized.advice}{was}: {sized.because}: {sized.rule}"), f"{name}={text(value)}"]


def reason(sized: Sized) -> str:
    """Why nothing is advised."""
    return sized.because or sized.missing or "nothing is known of it"


def _said(one: Recommendation) -> list[str]:
    return [_line("memory limit", one.memory, mib), _line("CPU limit", one.cpu, cores)]


def _line(what: str, sized: Sized, says: Say) -> str:
    value = wanted(sized)
    if value is None:
        return f"{what}: not advised: {reason(sized)}"
    return f"{what}: {sized.advice} to {says(value)}: {sized.because}: {sized.rule}"


def _resources(one: Recommendation) -> dict[str, Any]:
    limits: dict[str, str] = {}
    if (cpu := wanted(one.cpu)) is not None:
        limits["cpus"] = written.cpus(cpu)
    if (memory := wanted(one.memory)) is not None:
        limits["memory"] = written.memory(memory)
    reserved: dict[str, str] = {}
    if one.cpu_reserved.wanted is not None:
        reserved["cpus"] = written.cpus(_within(one.cpu_reserved.wanted, one.cpu, 0.001))
    if one.memory_reserved.wanted is not None:
        reserved["memory"] = written.memory(_within(one.memory_reserved.wanted, one.memory, written.MIB))
    return {name: part for name, part in (("limits", limits), ("reservations", reserved)) if part}


def _within(value: float, limit: Sized, unit: float) -> float:
    """A reservation above the limit is an error to the engine, by a part of a unit as well."""
    bound = in_the_end(limit) if limit.advice is not Advice.UNKNOWN else limit.current
    return value if bound is None or value < bound else floor(bound / unit + 1e-6) * unit
