"""Looks at a Prometheus server tick by tick: asks only what may be new, and keeps what a machine said last.

Runs in a thread of its own with a deadline, as every collector does; whoever makes snapshots takes `fleet`, which is
replaced as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from mcptop.collectors.base import Findings, SourceError, Tick
from mcptop.fleet import cadvisor, exporters, sight
from mcptop.fleet.asking import LOOKBACK_S, NO_VALUES, SETTLED_S, Asker, Beat, Place, Values, every_of, longest_every
from mcptop.fleet.distinct import Distinct
from mcptop.fleet.exporters import Clock, host_of
from mcptop.fleet.hosts import Hosts, marks_of
from mcptop.fleet.machine import Machine
from mcptop.fleet.names import address_of
from mcptop.fleet.sight import Fleet
from mcptop.sources.prometheus import PrometheusError
from mcptop.units import many, plain

Machines = dict[tuple[Place, bool], Machine]
_ALL_BEATS_S = 60.0
"""How often everything within the lookback is asked for; in between only what was scraped lately."""
_BEATS_MARGIN_S = 15.0
_MOST_DOWN = 20
"""Exporters that were gone already when mcptop came, whose last figures are asked for one by one."""
_MOST_NAMED = 3
_CLOCK_SET_S = 5.0


class _Look(NamedTuple):
    """Answers of one moment."""

    at: float
    mcptop: Values
    cadvisor: Values


class PrometheusCollector:
    """Fills `fleet`. `interval_s` is the pause between two ticks, `patience_s` how long the first look may take."""

    name = "prometheus"

    def __init__(self, asker: Asker, interval_s: float, patience_s: float) -> None:
        self._asker = asker
        self._interval_s = interval_s
        self.deadline_s = patience_s
        self._machines: Machines = {}
        self._next: Fleet | None = None
        self._clock = Clock(0.0)
        self._all_beats_at = 0.0
        self._places: dict[tuple[Place, bool], Beat] = {}
        self._news: set[tuple[Place, bool]] = set()
        """Scraped since their figures were asked for."""
        self._distinct = Distinct()
        self._hosts = Hosts()
        self._warnings: tuple[str, ...] = ()
        self._tried: set[Place] = set()
        """Exporters that were gone when mcptop came, and have been asked for."""
        self.fleet = Fleet()
        self.down: tuple[Place, ...] = ()
        self.settled = False
        """Whether both looks of the beginning were given out, or the first failed."""

    def collect(self, tick: Tick) -> Findings:
        """Ask. Raises `SourceError`; then `fleet` is what it was."""
        if self._next is not None:
            # The second look of the beginning: the first one gave out what was a scrape earlier, so there are rates.
            self.fleet, self._next = self._next, None
            self._settle()
        else:
            try:
                self._ask()
            except PrometheusError as error:
                self._settle()
                raise SourceError(str(error)) from None
        if not self.fleet.targets and not self._places:
            raise SourceError(
                "no metrics of `mcptop exporter` or cAdvisor there: scrape some, or is `match` too narrow?"
            )
        return Findings(message=self._message())

    def close(self) -> None:
        """The client is closed by who made it."""

    def _settle(self) -> None:
        self.settled = True
        # From now on the screen does not wait for a slow server.
        self.deadline_s = max(2.0, 0.8 * self._interval_s)

    def broken(self) -> str | None:
        """What of the fleet cannot be seen now, in one line."""
        says = []
        if self.down:
            named = ", ".join(plain(f"{job}/{instance}", 60) for job, instance in self.down[:_MOST_NAMED])
            more = f" and {len(self.down) - _MOST_NAMED} more" if len(self.down) > _MOST_NAMED else ""
            says.append(f"Prometheus cannot scrape {named}{more}")
        says += [
            f"{each.name}: its source {', '.join(each.broken)} is broken"
            for each in self._machines.values()
            if each.broken
        ]
        return "; ".join(says[:_MOST_NAMED]) or None

    def _message(self) -> str:
        machines = {target.host for target in self.fleet.targets}
        warned = f"; it warns: {'; '.join(self._warnings)}" if self._warnings else ""
        return f"{many(len(machines), 'host')}, {many(len(self._places), 'exporter')}{warned}"

    def _ask(self) -> None:
        now = self._set_clock()
        is_first = not self._machines
        self._beats(now)
        self.down = self._asker.down(now, {job for (job, _), _ in self._places})
        if is_first and (earlier_s := longest_every(self._places.values())):
            self._take(self._values(now - earlier_s, self._places.keys()), absent_ok=True)
            earlier = self._joined(now - earlier_s)
            self._take(self._values(now, self._places.keys()), absent_ok=False)
            self.fleet, self._next = earlier, self._joined(now)
            self._news.clear()
            return
        if self._news:
            self._take(self._values(now, self._news), absent_ok=False)
            self._news.clear()
        self._forget(now)
        self.fleet = self._joined(now)
        self._settle()

    def _set_clock(self) -> float:
        """The time by Prometheus' clock. How that differs from ours is kept, so that the time between two samples is
        what Prometheus says it is, however long an answer takes; until one of the clocks was set."""
        sent = time.monotonic()
        now = self._asker.now()
        took = time.monotonic() - sent
        offset = sent + took / 2 - now
        if not self._places or abs(offset - self._clock.offset_s) > _CLOCK_SET_S + took:
            self._clock = Clock(offset)
        return now

    def _beats(self, now: float) -> None:
        """Learn who was scraped, and who was since the last time."""
        everything = now - self._all_beats_at >= _ALL_BEATS_S
        longest = max((machine.every_s for machine in self._machines.values()), default=0.0)
        back_s = LOOKBACK_S if everything else min(LOOKBACK_S, 2 * longest + _BEATS_MARGIN_S)
        for told in self._asker.beats(now, back_s):
            key = told.place, told.is_mcptop
            if (beat := told if told.is_mcptop else _settled(told, now)) is None:
                continue
            before = self._places.get(key)
            if before is None or beat.at > before.at:
                self._news.add(key)
            if before is not None and len(beat.times) < 2:
                beat = beat._replace(times=(*before.times[-1:], *beat.times)) if beat.at > before.at else before
            self._places[key] = beat
        self._all_beats_at = now if everything else self._all_beats_at

    def _values(self, at: float, wanted: Iterable[tuple[Place, bool]]) -> _Look:
        wanted = set(wanted)
        ours = [place for place, is_mcptop in wanted if is_mcptop]
        all_ours = [place for place, is_mcptop in self._places if is_mcptop]
        mcptop = NO_VALUES
        if ours:
            mcptop = self._asker.mcptop(at, ours if 2 * len(ours) < len(all_ours) else None)
        others = any(not is_mcptop for _, is_mcptop in wanted)
        return _Look(at, mcptop, self._asker.cadvisor(at - SETTLED_S) if others else NO_VALUES)

    def _take(self, look: _Look, absent_ok: bool) -> None:
        """Bring the machines up to these answers. What is not in them stays as it was: it may be down."""
        for (place, is_mcptop), beat in self._places.items():
            if is_mcptop and place in look.mcptop.series:
                self._hosts.learn(place, host_of(beat), marks_of(look.mcptop.series[place]))
        # Exporters first: they tell the names of machines that cAdvisors are on.
        for key, beat in sorted(self._places.items(), key=lambda item: not item[1].is_mcptop):
            place, is_mcptop = key
            before = self._machines.get(key)
            every_s = every_of(beat, before.every_s if before is not None else None)
            as_of = beat._replace(times=tuple(time for time in beat.times if time <= look.at) or beat.times[:1])
            if is_mcptop and place in look.mcptop.series:
                found = look.mcptop.series[place]
                name = self._hosts.name(place)
                self._machines[key] = exporters.machine(as_of, found, self._clock, every_s, before, name)
            elif not is_mcptop and place in look.cadvisor.series:
                known = self._names().get(address_of(place[1]))
                self._machines[key] = cadvisor.machine(as_of, look.cadvisor, self._clock, every_s, before, known)
        self._warnings = tuple(dict.fromkeys((*look.mcptop.warnings, *look.cadvisor.warnings)))
        if not absent_ok:
            self._take_gone()

    def _take_gone(self) -> None:
        """Exporters that had stopped before mcptop came: their last figures are still worth their age."""
        absent = [beat for key, beat in self._places.items() if key not in self._machines and beat.is_mcptop]
        for beat in [beat for beat in absent if beat.place not in self._tried][:_MOST_DOWN]:
            self._tried.add(beat.place)
            values = self._asker.mcptop(beat.at + 0.001, [beat.place])
            if beat.place in values.series:
                every_s, found = every_of(beat, None), values.series[beat.place]
                self._hosts.learn(beat.place, host_of(beat), marks_of(found))
                self._machines[beat.place, True] = exporters.machine(
                    beat, found, self._clock, every_s, None, self._hosts.name(beat.place)
                )

    def _names(self) -> dict[str, str]:
        """Address -> the name of the machine there, as mcptop's exporter tells it; not where two tell two names."""
        found: dict[str, set[str]] = {}
        for (place, is_mcptop), each in self._machines.items():
            if is_mcptop:
                found.setdefault(address_of(place[1]), set()).add(each.name)
        return {address: next(iter(names)) for address, names in found.items() if len(names) == 1}

    def _forget(self, now: float) -> None:
        for key, beat in list(self._places.items()):
            if now - beat.at > LOOKBACK_S:
                del self._places[key]
                self._machines.pop(key, None)
                self._tried.discard(beat.place)
                if beat.is_mcptop:
                    self._hosts.forget(beat.place)

    def _joined(self, at: float) -> Fleet:
        fleet = sight.joined(self._machines.values(), at, max(2.0, self._interval_s))
        return fleet._replace(targets=self._distinct.names(fleet.targets))


def _settled(beat: Beat, now: float) -> Beat | None:
    """Without a scrape that is too young for all its figures to be there."""
    times = tuple(time for time in beat.times if time <= now - SETTLED_S)
    return beat._replace(times=times) if times else None


class DownCollector:
    """A source of its own for what Prometheus cannot scrape: the server answers, a machine does not."""

    name = "targets"
    deadline_s = 1.0

    def __init__(self, prometheus: PrometheusCollector) -> None:
        self._prometheus = prometheus

    def collect(self, tick: Tick) -> Findings:
        """Raises `SourceError` for what is down."""
        if says := self._prometheus.broken():
            raise SourceError(says)
        return Findings()

    def close(self) -> None:
        """Nothing is held."""
