"""Pools, queues and models by the services' own metrics, fetched in the background; a tick takes what is there.

An endpoint is named by the service (a variable, a label, a rule), or with probing looked for on its ports.
"""

from __future__ import annotations

from collections.abc import Iterator

from mcptop.adapters.reader import Understood
from mcptop.collectors.base import Findings, NoData, SourceError, Tick
from mcptop.model.flow_reading import FlowReading
from mcptop.model.snapshot import Target
from mcptop.sources.address_book import AddressBook
from mcptop.sources.http_page import shown
from mcptop.sources.scraper import Outcome, Scraper

SOURCE = "metrics"
_RUNS = ("running", "paused")
_NOT_HTTP = frozenset((22, 25, 53, 1433, 1521, 3306, 5432, 5433, 5672, 6379, 6380, 6432, 9092, 11211, 27017))
_PROBED_PATHS = ("/metrics", "/actuator/prometheus")
_OLLAMA_PORT, _OLLAMA_PATH = 11434, "/api/ps"
_MOST_PORTS = 4


class MetricsCollector:
    """Every endpoint that is named; with `probe`, those of the others that can be found."""

    name = "metrics"
    deadline_s = 2.0

    def __init__(
        self, scraper: Scraper[Understood], book: AddressBook, named: bool = True, probe: bool = False
    ) -> None:
        """`named`: read the endpoints that services name; `probe`: look for others."""
        self._scraper = scraper
        self._book = book
        self._named = named
        self._probe = probe
        self._targets: tuple[Target, ...] = ()
        self._version = -1
        self._urls: dict[str, tuple[str, ...]] = {}
        self._endpoints: dict[str, str] = {}
        self._readings: dict[str, tuple[tuple[Outcome[Understood] | None, ...], FlowReading | None]] = {}

    @property
    def settled(self) -> bool:
        """Whether each endpoint has been read twice or cannot be read: until then there is more to come."""
        return self._scraper.settled

    def collect(self, tick: Tick) -> Findings:
        """What the latest answers say. Raises `SourceError` when no endpoint can be read."""
        self._want(tick.targets)
        if not self._urls:
            raise NoData("no service names its metrics")
        flows = {key: reading for key in self._urls if (reading := self._reading(key)) is not None}
        return Findings(flows=flows, endpoints=self._endpoints, message=self._message(tick.targets))

    def _want(self, targets: tuple[Target, ...]) -> None:
        same = len(targets) == len(self._targets) and all(a is b for a, b in zip(targets, self._targets, strict=True))
        if same and self._book.version == self._version:
            return
        self._targets, self._version = targets, self._book.version
        found = {target.id: tuple(self._urls_of(target)) for target in targets if target.state in _RUNS}
        self._urls = {key: urls for key, urls in found.items() if urls}
        self._endpoints = {key: shown(urls[0]) for key, urls in self._urls.items() if len(urls) == 1}
        self._readings = {key: known for key, known in self._readings.items() if key in self._urls}
        self._scraper.want(url for urls in self._urls.values() for url in urls)

    def _urls_of(self, target: Target) -> Iterator[str]:
        if target.metrics_url:
            if self._named and (url := with_host(target.metrics_url, self._book.address(target))) is not None:
                yield url
        elif self._probe and (host := self._book.address(target)) is not None:
            ports = [port for port in self._book.ports(target.id) if port not in _NOT_HTTP]
            for port in ports[:_MOST_PORTS]:
                paths = (_OLLAMA_PATH,) if port == _OLLAMA_PORT else _PROBED_PATHS
                yield from (f"http://{_bracketed(host)}:{port}{path}" for path in paths)

    def _reading(self, key: str) -> FlowReading | None:
        outcomes = tuple(self._scraper.latest(url) for url in self._urls[key])
        known = self._readings.get(key)
        if known is not None and all(a is b for a, b in zip(known[0], outcomes, strict=True)):
            return known[1]
        reading = _joined(outcomes)
        self._readings[key] = outcomes, reading
        return reading

    def _message(self, targets: tuple[Target, ...]) -> str:
        """How many endpoints there are, and what is wrong with the first that has something wrong."""
        names = {target.id: target.service for target in targets}
        outcomes = [(key, self._scraper.latest(url)) for key, urls in self._urls.items() for url in urls]
        problems = [(key, problem) for key, outcome in outcomes if outcome and (problem := _problem(outcome))]
        text = f"{len(outcomes)} endpoints" if len(outcomes) != 1 else "1 endpoint"
        if self._probe or not problems:
            # Most ports that are probed have no metrics; that is no problem of theirs.
            return text
        key, problem = problems[0]
        says = f"{len(problems)} of {text} cannot be read: {names.get(key, key)}: {problem}"
        if len(problems) == len(outcomes):
            raise SourceError(says)
        return says

    def close(self) -> None:
        """Stop fetching."""
        self._scraper.close()


def with_host(url: str, host: str | None) -> str | None:
    """The URL; a label that leaves out the host means the container's own, `host`. None while that is not known."""
    scheme, mark, rest = url.partition("://")
    if not rest.startswith(":"):
        return url
    return None if host is None else scheme + mark + _bracketed(host) + rest


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _problem(outcome: Outcome[Understood]) -> str | None:
    return outcome.error or (outcome.result.problem if outcome.result is not None else None)


def _joined(outcomes: tuple[Outcome[Understood] | None, ...]) -> FlowReading | None:
    """What all endpoints of a target say; None when that is nothing."""
    found = [(o.read_at, o.result.mapped) for o in outcomes if o is not None and o.result is not None]
    pools = tuple(pool for _, mapped in found for pool in mapped.pools)
    queues = tuple(queue for _, mapped in found for queue in mapped.queues)
    models = tuple(model for _, mapped in found for model in mapped.models)
    times = [read_at for read_at, _ in found if read_at is not None]
    if not times or not (pools or queues or models):
        return None
    return FlowReading(min(times), SOURCE, pools, queues, models)
