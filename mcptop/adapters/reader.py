"""A body somebody served as its metrics, understood: what it maps to, and what to tell people about it."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from mcptop.adapters.beside import Documents
from mcptop.adapters.mapping import MAX_NAMES, Mapped, read
from mcptop.adapters.pages import read_json, stub_status
from mcptop.adapters.tables import Adapter, load_all, wanted
from mcptop.model.page import Page, PageKind
from mcptop.model.value import Value
from mcptop.sources.http_page import HttpError, Limits, Pages
from mcptop.sources.metrics_text import parse

_DOCUMENT = Limits(deadline_s=1.0, size=1 << 20)
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


class MetricsReader:
    """Fetches a page and understands it. Tables and the HTTP client are loaded at the first page there is."""

    def __init__(self, user_dir: Path | None) -> None:
        """`user_dir`: tables of the user's own. Raises `AdapterError` when one of them cannot be used."""
        # A mistake in a table is said at the start, not in the middle of the night.
        self._adapters = load_all(user_dir) if user_dir is not None else None
        self._user_dir = user_dir
        self._pages: Pages | None = None
        self._documents = Documents(self._document)
        self._loading = threading.Lock()

    def __call__(self, url: str) -> Understood:
        """What the page says. Raises `HttpError`."""
        with self._loading:
            if self._adapters is None:
                self._adapters = load_all(None)
            if self._pages is None:
                self._pages = Pages()
        page = self._pages.fetch(url)
        found = understand(page.body, page.content_type, self._adapters)
        return msgspec.structs.replace(found, mapped=self._documents.complete(url, found.mapped, self._adapters))

    def _document(self, url: str) -> bytes | None:
        assert self._pages is not None
        try:
            return self._pages.fetch(url, _DOCUMENT).body
        except HttpError:
            # The page itself was had; it is worth something without this.
            return None
