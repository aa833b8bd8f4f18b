"""A body somebody served as its metrics, understood: what it maps to, and what to tell people about it."""

from __future__ import annotations

from mcptop.adapters.mapping import MAX_NAMES, Mapped, read
from mcptop.adapters.pages import read_json, stub_status
from mcptop.adapters.tables import Adapter, wanted
from mcptop.model.page import Page, PageKind
from mcptop.model.value import Value
from mcptop.sources.metrics_text import parse

_IDLE_RUNNER = "No active runners"
"""All that Docker Model Runner says while no model is loaded."""


class Understood(Value, frozen=True):
    """A body's pools, queues and models, in one line, and what is wrong with it if anything is."""

    mapped: Mapped
    says: str
    """`mcp, llama.cpp: 3 pools, 2 queues`."""
    problem: str | None = None


def understand(body: bytes, content_type: str, adapters: tuple[Adapter, ...]) -> Understood:
    """Never raises, whatever the body is. The content type settles only what the body leaves open."""
    if (other := stub_status(body) or read_json(body)) is not None:
        return Understood(other, summary(other))
    page = parse(body, wanted(adapters))
    if page.kind is PageKind.COMMENTS and _IDLE_RUNNER in page.comments:
        return Understood(Mapped(names=("docker-model-runner",)), "docker-model-runner: no models loaded")
    mapped = read(page, adapters)
    return Understood(mapped, summary(mapped), _problem(page, content_type, mapped.cut))


def summary(mapped: Mapped) -> str:
    """What was found, in one line."""
    counts = ((len(mapped.pools), "pool"), (len(mapped.queues), "queue"), (len(mapped.models), "model"))
    found = ", ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in counts if n)
    if not mapped.names:
        return "nothing known"
    return f"{', '.join(mapped.names)}: {found or 'nothing at the moment'}"


def _problem(page: Page, content_type: str, cut: bool) -> str | None:
    if page.kind is PageKind.HTML or (page.kind is not PageKind.METRICS and "html" in content_type.lower()):
        return "HTML, not metrics: is this the right path?"
    if page.kind is not PageKind.METRICS:
        return "no metrics on this page"
    if page.cut:
        return f"too many metrics: only the first {len(page.samples)} were read"
    if cut:
        return f"too many names: only the first {MAX_NAMES} are kept"
    if page.bad_lines:
        return f"{page.bad_lines} line{'' if page.bad_lines == 1 else 's'} could not be read"
    return None
