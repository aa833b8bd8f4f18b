"""The adapters' tables: which metrics of a system say what about its pools, queues and models.

A table is a TOML file, named after its system; a user's table takes the place of a shipped one of the same name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from mcptop.model.value import Value

_SHIPPED = Path(__file__).parent / "shipped"


class AdapterError(Exception):
    """A table that cannot be used; one line: the file, the key, what was expected."""


class Term(Value, frozen=True, forbid_unknown_fields=True):
    """One figure: samples of a metric, chosen by labels, times a scale, with others added and taken away.

    It is known only where all its parts are.
    """

    metric: str
    where: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Labels and the value, or values, they must have."""
    labels: tuple[str, ...] | None = None
    """The name's labels, where this metric calls them otherwise; with fewer, it holds for all names that begin so."""
    scale: float = 1.0
    minus: float = 0.0
    """Taken away after the scale: what the system counts of ours, such as the request that asks for the page."""
    largest: bool = False
    """Of several samples the largest counts, not their sum."""
    zero_is_unlimited: bool = False
    plus: tuple[Term | str, ...] = ()
    """These have the labels of this term, if they do not say otherwise."""
    less: tuple[Term | str, ...] = ()


Figure = str | Term | tuple[str | Term, ...] | None
"""A metric's name, a term, or several of them of which the first known one counts."""


class Kinds(Value, frozen=True, forbid_unknown_fields=True):
    """The kind of a pool by the words of its name."""

    words: dict[str, tuple[str, ...]]
    otherwise: str


class Entry(Value, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What pools, queues and models have in common: how they are told apart."""

    name: str = ""
    """The name where no label gives one; without it such samples are left out."""
    labels: tuple[str, ...] = ()
    """Labels whose values make the name."""
    omit: tuple[str, ...] = ()
    """Values that add nothing to a name."""
    having: tuple[str, ...] = ()
    """Only samples with these labels."""
    lacking: tuple[str, ...] = ()
    """Only samples without these labels."""
    unless: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Labels and the value, or values, that exclude a sample."""


class Beside(Value, frozen=True, forbid_unknown_fields=True):
    """A whole number that the same server tells in a JSON document of its own."""

    path: str
    key: str
    """Of the document's outermost object."""


class PoolTable(Entry, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the figures of `PoolReading` come from."""

    kind: str | Kinds | None = None
    in_use: Figure = None
    idle: Figure = None
    max: Figure = None
    max_beside: Beside | None = None
    """Where to look for the maximum when the page does not tell it; for an entry whose name is not a label's."""
    waiting: Figure = None
    oldest_wait_s: Figure = None
    waits_total: Figure = None
    wait_seconds_total: Figure = None
    timeouts_total: Figure = None
    longest_s: Figure = None
    idle_in_transaction: Figure = None
    idle_in_transaction_s: Figure = None
    connecting: Figure = None


class QueueTable(Entry, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the figures of `QueueReading` come from."""

    kind: str | Kinds | None = None
    depth: Figure = None
    in_flight: Figure = None
    capacity: Figure = None
    oldest_age_s: Figure = None
    entered_total: Figure = None
    left_total: Figure = None
    rejected_total: Figure = None


class ModelTable(Entry, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the figures of `Model` come from."""

    memory_bytes: Figure = None
    limit_bytes: Figure = None
    vram_bytes: Figure = None


class Adapter(Value, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One system's table."""

    name: str = ""
    """The file's, without its ending, if the table does not say otherwise."""
    priority: int = 0
    """Where two tables find a pool of one name, the higher one's is kept."""
    pool: tuple[PoolTable, ...] = ()
    queue: tuple[QueueTable, ...] = ()
    model: tuple[ModelTable, ...] = ()


def load_all(user_dir: Path | None = None) -> tuple[Adapter, ...]:
    """The shipped tables and the user's, in the order in which they have their say.

    A directory that does not exist holds no tables. Raises AdapterError.
    """
    places = (_SHIPPED,) if user_dir is None else (_SHIPPED, user_dir)
    found = {table.name: table for place in places for table in map(load, sorted(place.glob("*.toml")))}
    return tuple(sorted(found.values(), key=lambda table: (-table.priority, table.name)))


def load(path: Path) -> Adapter:
    """One table. Raises AdapterError."""
    try:
        table = msgspec.toml.decode(path.read_bytes(), type=Adapter)
    except (msgspec.DecodeError, OSError, UnicodeDecodeError) as error:
        raise AdapterError(f"{path.name}: {' '.join(str(error).split())}") from None
    _check(path, table)
    return msgspec.structs.replace(table, name=table.name or path.stem)


def _check(path: Path, table: Adapter) -> None:
    for entry in (*table.pool, *table.queue, *table.model):
        if not entry.name and not entry.labels:
            raise AdapterError(f"{path.name}: an entry without a name: expected `name` or `labels`")
        if not figures(entry):
            raise AdapterError(f"{path.name}: `{entry.name or entry.labels[0]}` has no figures: expected at least one")
    for pool in table.pool:
        if pool.max_beside is not None and (pool.labels or not pool.max_beside.path.startswith("/")):
            says = "expected a path that begins with /, and no labels"
            raise AdapterError(f"{path.name}: `max_beside` of `{pool.name}`: {says}")


def figures(entry: Entry) -> dict[str, tuple[Term, ...]]:
    """The figures an entry has, each with the terms to try in turn."""
    fields = (name for name in entry.__struct_fields__ if name not in _NO_FIGURES)
    return {name: _terms(value) for name in fields if (value := getattr(entry, name)) is not None}


_NO_FIGURES = frozenset((*Entry.__struct_fields__, "kind", "max_beside"))


def _terms(value: str | Term | tuple[str | Term, ...]) -> tuple[Term, ...]:
    return tuple(map(as_term, value if isinstance(value, tuple) else (value,)))


def as_term(value: str | Term) -> Term:
    """A bare name is a term without more ado."""
    return Term(value) if isinstance(value, str) else value


def wanted(adapters: tuple[Adapter, ...]) -> frozenset[str]:
    """All metrics that any table asks for."""
    entries = (entry for table in adapters for entry in (*table.pool, *table.queue, *table.model))
    return frozenset(
        name for entry in entries for terms in figures(entry).values() for term in terms for name in _metrics(term)
    )


def _metrics(term: Term) -> Iterator[str]:
    yield term.metric
    for other in (*term.plus, *term.less):
        yield from _metrics(as_term(other))
