"""A page of metrics as it was read: samples by name and labels, before anybody says what they mean."""

from __future__ import annotations

from enum import StrEnum

from mcptop.model.value import Value


class PageKind(StrEnum):
    """What a body turned out to be."""

    METRICS = "metrics"
    """At least one sample was understood, wanted or not."""
    COMMENTS = "comments"
    """Comments and nothing else: an exporter with nothing to say."""
    EMPTY = "empty"
    HTML = "html"
    OTHER = "other"
    """Text in which no line is a sample."""


class Sample(Value, frozen=True):
    """One line of the page."""

    name: str
    """Normalised: `db.client.connection.count` is `db_client_connection_count`."""
    labels: dict[str, str]
    """As the page has them, unescaped; the names are normalised too."""
    value: float
    """May be NaN or infinite, which is for the reader to judge."""


class Page(Value, frozen=True):
    """What was understood of one body."""

    kind: PageKind
    samples: tuple[Sample, ...] = ()
    """Only those that were wanted, in the page's order."""
    comments: tuple[str, ...] = ()
    """The first comments that are not metadata, without their `#`."""
    bad_lines: int = 0
    """Lines that were wanted, or had no name to tell, and could not be understood."""
    cut: bool = False
    """There were more wanted samples than the limit."""
