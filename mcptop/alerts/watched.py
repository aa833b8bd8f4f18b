"""What has to be remembered of an instance between two looks: restarts, kills, how it was held back, its growth."""

from __future__ import annotations

from collections import deque
from math import exp, inf

from mcptop.alerts import rules
from mcptop.alerts.finding import Look
from mcptop.alerts.growing import Growing
from mcptop.model.instance import Instance

_SMOOTH_S = 10.0


class Restarts:
    """When something started again."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=50)

    def add(self, now: float, number: int) -> None:
        """So many just now."""
        self._times.extend([now] * min(number, 50))

    def recent(self, look: Look) -> tuple[int, float]:
        """How many together, and in how many seconds."""
        times, now, rule = self._times, look.now, look.rule(rules.RESTART_LOOP)
        while times and now - times[0] >= rule.also["window"]:
            times.popleft()
        if not times or now - times[-1] >= rule.also["calm"]:
            times.clear()
            return 0, 0.0
        return len(times), now - times[0]

    def __bool__(self) -> bool:
        """Whether there were any that may count."""
        return bool(self._times)

    def until(self, look: Look) -> float:
        """When fewer of them will count."""
        if not self._times:
            return inf
        rule = look.rule(rules.RESTART_LOOP)
        return min(self._times[0] + rule.also["window"], self._times[-1] + rule.also["calm"])


class Watched:
    """One instance, look after look."""

    __slots__ = ("_restarts", "_seen_at", "_throttled", "growing", "kills", "kills_at", "kills_seen", "restarts")

    def __init__(self, instance: Instance, now: float) -> None:
        self.restarts = Restarts()
        self._restarts = instance.restarts
        self.kills = instance.oom_kills
        self.kills_at = now
        self.kills_seen = False
        """Whether the last of them happened while we looked."""
        self._throttled: float | None = None
        self._seen_at = now
        self.growing = Growing(now, instance.id)

    def see(self, instance: Instance, now: float) -> None:
        """Compare with the look before. What the engine only now says, when it is first asked, happened before."""
        restarts, kills = instance.restarts, instance.oom_kills
        is_told = self._restarts is None and restarts is not None
        if kills is not None and kills != self.kills:
            if self.kills is None or is_told:
                self.kills_at = now
            elif kills > self.kills:
                self.kills_at, self.kills_seen = now, True
            self.kills = kills
        if restarts is not None and restarts != self._restarts:
            if self._restarts is not None and restarts > self._restarts:
                self.restarts.add(now, restarts - self._restarts)
            self._restarts = restarts

    def throttled(self, now: float, ratio: float | None) -> float | None:
        """Share of periods in which the quota held it back, smoothed: single seconds say little."""
        if ratio is None:
            self._throttled = None
        elif self._throttled is None:
            self._throttled = ratio
        else:
            self._throttled += (1 - exp((self._seen_at - now) / _SMOOTH_S)) * (ratio - self._throttled)
        self._seen_at = now
        return self._throttled

    def was_killed(self, look: Look) -> bool:
        """Whether the kernel killed it while we looked, not long ago."""
        return self.kills_seen and bool(self.kills) and look.now - self.kills_at < _recent_s(look)

    def until(self, look: Look) -> float:
        """When what is remembered will mean something else, though the instance stays as it is."""
        kills = self.kills_at + _recent_s(look) if self.kills else inf
        return min(kills if kills > look.now else inf, self.restarts.until(look))


def _recent_s(look: Look) -> float:
    return look.rule(rules.OOM_KILL).also["recent"]
