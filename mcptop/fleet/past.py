"""The last days of many machines' services, from a Prometheus server: what advice rests on.

Asked a day at a time, or less of many replicas, figure after figure, so that no answer is large and memory does not
grow with the days.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from mcptop.advice.gather import MOST_REPLICAS
from mcptop.advice.observed import Observed
from mcptop.advice.service_track import ServiceKey, ServiceTrack
from mcptop.advice.track import Told, Track
from mcptop.fleet import past_queries
from mcptop.fleet.names import address_of, container_of, text
from mcptop.fleet.past_hosts import PastHosts
from mcptop.fleet.past_queries import Expression
from mcptop.model.flow import Model
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources.prometheus_answer import Answer, Labels, Point

DAYS, STEP_S = 8.0, 75.0
"""VPA's window and KRR's step."""
MOST_POINTS = 11_000
"""Prometheus answers no question of more points a series."""
_DAY_S, _LEAST_PART_S = 86_400.0, 1800.0
_MOST_HELD = 60_000
"""Points of replicas that are held at once, each with its figures: with the answers about 60 MiB."""
_GONE_S = 300.0
"""Of what has no figure for so long it is said that it does not run: Prometheus' own lookback."""

ReplicaKey = tuple[ServiceKey, str, str]
"""Its service, the exporter that tells of it, its name."""


Place = tuple[str | None, str, str]
LabelSet = frozenset[tuple[str, str]]
KeyOf = Callable[[Labels], ReplicaKey | None]
Points = tuple[Point, ...]


class Asks(Protocol):
    """A Prometheus client. Raises `PrometheusError`."""

    def query(self, expr: str, at: float | None = None) -> Answer:
        """The figures at a moment."""

    def range(self, expr: str, start: float, end: float, step: float) -> Answer:
        """The figures from `start` to `end`, every `step` seconds."""


class Past(NamedTuple):
    """Everything that was asked for."""

    services: tuple[Observed, ...]
    span: tuple[float, float] | None
    """Unix seconds of the first figure and the last."""
    looks: int
    left_out: int
    warnings: tuple[str, ...]


def step_of(seconds: float) -> float:
    """Between two points: KRR's, unless there would be too many of them, or hardly any."""
    return max(15.0, min(STEP_S, seconds / 200), seconds / (MOST_POINTS - 1000))


def part_of(replicas: float, step: float) -> float:
    """Seconds that are asked for at once."""
    return min(_DAY_S, max(_LEAST_PART_S, _MOST_HELD / max(1.0, replicas) * step))


def observed(client: Asks, match: str | None, seconds: float) -> Past:
    """The last so many seconds, by the server's clock. Raises `PrometheusError`."""
    end, step = client.query("time()").series[0].value, step_of(seconds)
    hosts = PastHosts()
    by_mcptop, by_cadvisor = _Gathering(step, hosts.first), _Gathering(step, lambda instance: instance)
    count = sum(series.value for series in client.query(past_queries.of_count(match), end).series)
    at = end - seconds
    while at <= end:
        # There may have been more than there are now: that shows after a part.
        until = min(at + part_of(max(count, by_mcptop.most, by_cadvisor.most), step), end)
        hosts.learn(client, match, at, until)
        by_mcptop.take(client, past_queries.of_mcptop(match, step), _by_mcptop, at, until)
        by_mcptop.flows(client, match, at, until)
        by_cadvisor.take(client, past_queries.of_cadvisor(match, step), _by_cadvisor, at, until)
        at = until + step
    # A machine with both would be told twice; of a service that is on others as well, those are told by cAdvisor alone.
    by_cadvisor.leave_out(by_mcptop.places)
    found = _both(by_mcptop.observed(end), by_cadvisor.observed(end))
    begins = [one.first_at for one in found if one.samples]
    span = (min(begins), max(one.last_at for one in found)) if begins else None
    warnings = tuple(dict.fromkeys([*by_mcptop.warnings, *by_cadvisor.warnings]))
    return Past(found, span, len(by_mcptop.moments | by_cadvisor.moments),
                by_mcptop.left_out + by_cadvisor.left_out, warnings)  # fmt: skip


def _both(ours: Iterable[Observed], others: Iterable[Observed]) -> tuple[Observed, ...]:
    """A service that both tell of is one, with the replicas of both; its looks are the exporters'."""
    found = {(one.project, one.name, one.kind): one for one in ours}
    for one in others:
        key = one.project, one.name, one.kind
        known = found.get(key)
        found[key] = one if known is None else replace(known, replicas=(*known.replicas, *one.replicas))
    return tuple(found[key] for key in sorted(found, key=lambda key: (key[0] or "", *key[1:])))


def _by_mcptop(labels: Labels) -> ReplicaKey | None:
    kind, service = text(labels, "kind"), text(labels, "service")
    if kind not in (Kind.CONTAINER, Kind.PROCESS) or not service:
        return None
    project = text(labels, "project") or None
    if kind == Kind.PROCESS and project is None:
        return None
    return (project, service, Kind(kind)), text(labels, "instance"), text(labels, "replica")


def _by_cadvisor(labels: Labels) -> ReplicaKey | None:
    named = container_of(labels)
    if named is None:
        return None
    return (named.project, named.service, Kind.CONTAINER), text(labels, "instance"), named.replica


class _Gathering:
    """What one kind of exporter tells."""

    def __init__(self, step: float, stands_for: Callable[[str], str]) -> None:
        """`stands_for`: the one of several instances that are one exporter."""
        self._step = step
        self._first = stands_for
        self._tracks: dict[ReplicaKey, Track] = {}
        self._services: dict[ServiceKey, ServiceTrack] = {}
        self.moments: set[float] = set()
        self.places: set[Place] = set()
        """Project, service and machine of everything that is told of."""
        self.most = 0
        """Replicas that were told of in one part."""
        self.left_out = 0
        self.warnings: dict[str, None] = {}

    def take(self, client: Asks, asked: Iterable[Expression], key_of: KeyOf, start: float, end: float) -> None:
        """One part of the time."""
        figures: dict[ReplicaKey, dict[float, dict[str, float]]] = {}
        for field, expr in asked:
            for labels, points in self._ask(client, expr, start, end):
                key = key_of(labels)
                if key is None:
                    continue
                self.places.add(_place(key))
                service, instance, replica = key
                first = self._first(instance)
                moments = figures.setdefault((service, first, replica), {})
                for at, value in points:
                    moment = moments.setdefault(at, {})
                    # Another scrape of the same exporter has another time, and so counters that are ahead or behind.
                    if first == instance or field not in moment:
                        moment[field] = value
        self.most = max(self.most, len(figures))
        for key, moments in figures.items():
            # Limits are looked for farther back than anything else: alone they are of what is gone.
            figures[key] = {at: said for at, said in moments.items() if said.keys() - past_queries.LIMITS.keys()}
        seen: dict[ServiceKey, set[float]] = {}
        for key, moments in figures.items():
            track = self._track(key)
            if track is None:
                continue
            for at in sorted(moments):
                track.told(Told(**moments[at]), at)
            seen.setdefault(key[0], set()).update(moments)
        for service, times in seen.items():
            for at in sorted(times):
                self._service(service).count(at)
            self.moments |= times

    def flows(self, client: Asks, match: str | None, start: float, end: float) -> None:
        """Queues and models in that time."""
        self._queues(client, match, start, end)
        for labels, _ in self._ask(client, past_queries.of_servers(match), start, end):
            if (key := _service_of(labels)) is not None:
                self._service(key).fix()
        whole, on_gpu = (list(self._ask(client, expr, start, end)) for expr in past_queries.of_models(match))
        loaded: dict[tuple[ServiceKey, str, str], dict[float, dict[str, float]]] = {}
        for sign, found in ((1, whole), (-1, on_gpu)):
            for labels, points in found:
                key = _service_of(labels)
                if key is None:
                    continue
                moments = loaded.setdefault((key, text(labels, "instance"), text(labels, "replica")), {})
                for at, size in points:
                    sizes = moments.setdefault(at, {})
                    sizes[text(labels, "model")] = max(0.0, sizes.get(text(labels, "model"), 0.0) + sign * size)
        for (service, _, _), moments in loaded.items():
            for at in sorted(moments):
                models = tuple(Model(name, round(size)) for name, size in moments[at].items())
                self._service(service).loaded(models, sum(moments[at].values()))

    def _queues(self, client: Asks, match: str | None, start: float, end: float) -> None:
        """The depths of a queue in all replicas together; of one exporter at several addresses the largest."""
        depths: dict[tuple[ServiceKey, str], dict[float, dict[LabelSet, float]]] = {}
        for labels, points in self._ask(client, past_queries.of_queues(match), start, end):
            if (key := _service_of(labels)) is None:
                continue
            whose = frozenset({**labels, "instance": self._first(text(labels, "instance"))}.items())
            moments = depths.setdefault((key, text(labels, "queue")), {})
            for at, depth in points:
                at_once = moments.setdefault(at, {})
                at_once[whose] = max(at_once.get(whose, 0.0), depth)
        for (key, queue), moments in depths.items():
            for at in sorted(moments):
                self._service(key).depth(queue, sum(moments[at].values()))

    def leave_out(self, places: Collection[Place]) -> None:
        """Forget what somebody else tells of."""
        self._tracks = {key: track for key, track in self._tracks.items() if _place(key) not in places}

    def observed(self, end: float) -> tuple[Observed, ...]:
        """Of every service, by project and name."""
        members: dict[ServiceKey, list[Track]] = {}
        for (service, _, _), track in self._tracks.items():
            members.setdefault(service, []).append(track)
        found = []
        for service, tracks in members.items():
            gone = max(_GONE_S, 2 * self._step)
            replicas = [track.replica(end - track.last_at <= gone) for track in tracks]
            replicas.sort(key=lambda one: (one.name, one.id))
            found.append(self._service(service).observed(service, tuple(replicas), self._step))
        return tuple(sorted(found, key=lambda one: (one.project or "", one.name, one.kind)))

    def _ask(self, client: Asks, expr: str, start: float, end: float) -> Iterator[tuple[Labels, Points]]:
        answer = client.range(expr, start, end, self._step)
        self.warnings.update(dict.fromkeys(answer.warnings))
        for series in answer.series:
            yield series.labels, series.points

    def _track(self, key: ReplicaKey) -> Track | None:
        if key not in self._tracks and len(self._tracks) >= MOST_REPLICAS:
            self.left_out += 1
            return None
        (project, service, kind), place, name = key
        target = Target(f"{place}/{name}", name, kind, project, service)
        return self._tracks.setdefault(key, Track(target))

    def _service(self, key: ServiceKey) -> ServiceTrack:
        return self._services.setdefault(key, ServiceTrack())


def _place(key: ReplicaKey) -> Place:
    (project, service, _), exporter, _ = key
    return project, service, address_of(exporter)


def _service_of(labels: Mapping[str, str]) -> ServiceKey | None:
    kind, service = text(labels, "kind"), text(labels, "service")
    return (text(labels, "project") or None, service, Kind(kind)) if service and kind in set(Kind) else None
