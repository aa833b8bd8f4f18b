"""Which exporters are on one machine: two machines may have one name, and one exporter two addresses."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable

from mcptop.fleet import wanted
from mcptop.fleet.asking import Place
from mcptop.fleet.exporters import key_of
from mcptop.fleet.names import address_of, container_id
from mcptop.sources.prometheus_answer import Series

Marks = Collection[Hashable]
"""What only one machine has."""


def marks_of(found: Iterable[Series]) -> Marks:
    """The sample's time, the ids of containers, and what was started when: of two pages of one exporter some agree."""
    marks: set[Hashable] = set()
    for series in found:
        name = series.labels.get("__name__", "")
        if name == wanted.SAMPLE_TIME:
            marks.add(series.value)
        elif name == "mcptop_replica_start_time_seconds":
            marks.add((key_of(series.labels), series.value))
        elif name == "mcptop_replica_info" and (id := container_id(series.labels.get("id", ""))):
            marks.add(id)
    return marks


class Hosts:
    """Learns exporters. Those of one name are on one machine by their address, or by what they once told alike."""

    def __init__(self) -> None:
        self._told: dict[Place, str] = {}
        self._named: dict[str, list[Place]] = {}
        self._marks: dict[Place, Marks] = {}
        self._alike: set[frozenset[Place]] = set()

    def learn(self, place: Place, told: str, marks: Marks) -> None:
        """What an exporter says: the machine's name, and marks."""
        if self._told.get(place) != told:
            self.forget(place)
            self._named.setdefault(told, []).append(place)
        self._told[place], self._marks[place] = told, marks
        for other in self._namesakes(place):
            if address_of(other[1]) == address_of(place[1]) or not set(marks).isdisjoint(self._marks[other]):
                self._alike.add(frozenset((place, other)))

    def forget(self, place: Place) -> None:
        """It is gone."""
        if (told := self._told.pop(place, None)) is not None:
            self._named[told].remove(place)
        self._marks.pop(place, None)
        self._alike = {pair for pair in self._alike if place not in pair}

    def beside(self, place: Place) -> list[Place]:
        """The exporters on the same machine, itself included, in the order they were learned; itself where unknown."""
        near, fresh = {place}, [place]
        while fresh:
            at = fresh.pop()
            more = {other for other in self._namesakes(at) if frozenset((at, other)) in self._alike} - near
            near |= more
            fresh += more
        return [each for each in self._named.get(self._told.get(place, ""), ()) if each in near] or [place]

    def name(self, place: Place) -> str:
        """What the machine is called here: as it says, with an address where another one says the same."""
        told, here = self._told[place], self.beside(place)
        if len(here) == len(self._namesakes(place)) + 1:
            return told
        return f"{told} {min(address_of(instance) for _, instance in here)}"

    def _namesakes(self, place: Place) -> list[Place]:
        return [other for other in self._named.get(self._told.get(place, ""), ()) if other != place]
