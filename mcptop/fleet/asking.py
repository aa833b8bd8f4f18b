"""The questions of one look at a Prometheus server, and their answers put together; times are the server's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple, Protocol

from mcptop.fleet import wanted
from mcptop.fleet.wanted import one_of, selector
from mcptop.sources.prometheus_answer import Answer, Labels, Series

LOOKBACK_S = 300.0
"""For so long Prometheus itself takes the last sample for the present one."""
SETTLED_S = 2.0
"""A scrape takes a moment from its time to where it can be seen: what has to fit together is asked for before that."""
_MOST_EVERY_S = 120.0
_UNKNOWN_EVERY_S = 30.0

Place = tuple[str, str]
"""Job and instance: Prometheus' names for one thing it scrapes."""


class Beat(NamedTuple):
    """An exporter, and when it was scraped."""

    place: Place
    labels: Labels
    """Of the series that stands for it."""
    is_mcptop: bool
    times: tuple[float, ...]
    """Oldest first; never empty."""

    @property
    def at(self) -> float:
        """The last time."""
        return self.times[-1]

    @property
    def every_s(self) -> float | None:
        """Seconds between two scrapes; None after a single one."""
        steps = [after - before for before, after in zip(self.times, self.times[1:], strict=False)]
        return median(steps) if steps else None


class Values(NamedTuple):
    """What was known at one moment."""

    at: float
    series: dict[Place, list[Series]]
    times: dict[tuple[Place, str], float]
    """Of cAdvisor's containers, by their `name`: when their figures were taken."""
    warnings: tuple[str, ...] = ()


NO_VALUES = Values(0.0, {}, {})


class Asks(Protocol):
    """A Prometheus client. Raises `PrometheusError`."""

    def query(self, expr: str, at: float | None = None) -> Answer:
        """The figures at a moment."""


class Asker:
    """Asks one server. `match`: label matchers that every series must meet."""

    def __init__(self, client: Asks, match: str | None = None) -> None:
        self._client = client
        self._match = match

    def now(self) -> float:
        """The server's clock."""
        return self._client.query("time()").series[0].value

    def beats(self, at: float, back_s: float) -> tuple[Beat, ...]:
        """Everything that was scraped within the last `back_s` seconds."""
        names = wanted.MCPTOP_BEAT, wanted.CADVISOR_BEAT
        found: dict[tuple[Place, bool], Beat] = {}
        for series in self._client.query(f"{selector(names, self._match)}[{back_s:.0f}s]", at).series:
            is_mcptop = series.labels.get("__name__") == wanted.MCPTOP_BEAT
            times = tuple(time for time, _ in series.points)
            beat = Beat(_place(series.labels), series.labels, is_mcptop, times)
            before = found.get((beat.place, is_mcptop))
            # An exporter of another version is the same one: the later series tells what it is now.
            if before is not None:
                early, late = sorted((before, beat), key=lambda each: each.at)
                beat = late._replace(times=tuple(sorted({*early.times, *late.times})))
            found[beat.place, is_mcptop] = beat
        return tuple(found.values())

    def down(self, at: float, jobs: Iterable[str]) -> tuple[Place, ...]:
        """What cannot be scraped now: of these jobs, or of all where none is known."""
        names = sorted(set(jobs))
        matchers = ", ".join(each for each in (self._match, one_of("job", names) if names else None) if each)
        answer = self._client.query(f"up{{{matchers}}} == 0", at)
        return tuple(sorted(_place(series.labels) for series in answer.series))

    def mcptop(self, at: float, places: Sequence[Place] | None = None) -> Values:
        """The figures of mcptop's exporters; `places`: of these only."""
        only = () if places is None else (one_of("instance", {instance for _, instance in places}),)
        answer = self._client.query(selector(wanted.MCPTOP, self._match, *only), at)
        return Values(at, _by_place(answer.series), {}, answer.warnings)

    def cadvisor(self, at: float) -> Values:
        """The figures of containers by cAdvisor, and of the machines it runs on."""
        is_named = 'name!=""'
        main = self._client.query(selector(wanted.CADVISOR, self._match, is_named), at)
        parts = [main, self._client.query(selector(wanted.MACHINE, self._match), at)]
        # In Kubernetes the network is the pod's, whose series have no name.
        of_pods = any(series.labels.get("pod") for series in main.series)
        where = 'pod!=""' if of_pods else is_named
        parts.append(self._client.query(selector(wanted.CADVISOR_NETWORK, self._match, where), at))
        taken = selector((wanted.CADVISOR_CPU,), self._match, is_named)
        times = self._client.query(f"max by (job, instance, name) (timestamp({taken}))", at)
        return Values(
            at,
            _by_place(series for part in parts for series in part.series),
            {(_place(each.labels), each.labels.get("name", "")): each.value for each in times.series},
            tuple(dict.fromkeys(warning for part in parts for warning in part.warnings)),
        )


def every_of(beat: Beat, before: float | None) -> float:
    """Seconds between two scrapes, as far as that is known; `before`: what was known until now."""
    return beat.every_s or before or _UNKNOWN_EVERY_S


def longest_every(beats: Iterable[Beat]) -> float:
    """So long ago everything had another sample than now."""
    return min(_MOST_EVERY_S, max((beat.every_s or 0.0 for beat in beats), default=0.0))


def _place(labels: Labels) -> Place:
    return labels.get("job", ""), labels.get("instance", "")


def _by_place(found: Iterable[Series]) -> dict[Place, list[Series]]:
    places: dict[Place, list[Series]] = {}
    for series in found:
        places.setdefault(_place(series.labels), []).append(series)
    return places
