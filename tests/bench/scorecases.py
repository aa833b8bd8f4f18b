"""What the scoreboard runs: each fault and control, its doses, whom one would diagnose, and with which playbook."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from mcptop.demo.faults.catalogue import BY_NAME, parse
from mcptop.model.mechanisms import Mechanism

_FACTORS = (0.7, 1.4)


@dataclass(frozen=True)
class Case:
    """One fault in one dose."""

    fault: str
    """As `mcptop demo --fault` takes it; empty: nothing is wrong."""
    playbook: str
    service: str = ""
    """Whom to diagnose; empty: where the fault is."""
    settle_s: float = 3.0
    """From the fault to the diagnosis."""
    fresh: bool = False
    """Its service is started anew before: what is harmless after a start may be none hours later."""
    culprit: str = ""
    """The service to blame; empty: where the fault is."""
    kept: tuple[str, ...] = ()
    """Numbers of the dose that make the fault, and are not drawn anew."""
    also: tuple[str, ...] = ()
    """Mechanisms that are right as well: of two faults that are one from where one looks."""

    @property
    def name(self) -> str:
        """Of the fault."""
        return self.fault.partition(":")[0]

    @property
    def mechanism(self) -> Mechanism | None:
        """What is wrong, or what looks so."""
        return BY_NAME[self.name].mechanism if self.fault else None

    @property
    def harmless(self) -> bool:
        """Whether it is a control."""
        return not self.fault or BY_NAME[self.name].harmless

    def drawn(self, chance: random.Random) -> Case:
        """The same with another dose and another moment: each number times 0.7 to 1.4; limits of a fault are kept."""
        if not self.fault:
            return replace(self, settle_s=self.settle_s * chance.uniform(*_FACTORS))
        fault, dose = parse(self.fault)
        for key, value in dose.items():
            if not isinstance(value, str) and not key.startswith("most") and key not in self.kept:
                other = value * chance.uniform(*_FACTORS)
                dose[key] = max(min(1, value), round(other)) if isinstance(value, int) else float(f"{other:.2g}")
        text = ",".join(f"{key}={value}" for key, value in dose.items())
        return replace(self, fault=f"{fault.name}:{text}" if text else fault.name)

    @property
    def target(self) -> str:
        """Whom to diagnose."""
        return self.service or BY_NAME[self.name].service

    @property
    def blamed(self) -> str:
        """The service to blame."""
        return self.culprit or BY_NAME[self.name].service


FAULTS = (
    Case("cache-leak", "memory-leak"),
    Case("cache-leak:kib_per_request=0,mib_per_minute=5", "memory-leak"),
    Case("cache-leak:kib_per_request=0,mib_per_minute=20", "memory-leak"),
    Case("fragmentation", "memory-leak", settle_s=0.5),
    Case("shm-growth", "memory-leak"),
    Case("thread-leak", "memory-leak"),
    Case("cache-thrash", "memory-leak", kept=("budget_mib",)),
    Case("cache-thrash", "slow-service", kept=("budget_mib",)),
    Case("fd-leak", "fd-leak"),
    Case("fd-leak:per_request=1", "fd-leak"),
    Case("connection-leak", "fd-leak"),
    Case("connection-leak:per_request=3", "connection-pool"),
    Case("connection-churn", "network"),
    Case("connection-churn", "fd-leak"),
    Case("db-pool-too-small", "connection-pool"),
    Case("db-pool-too-small:size=4,query_s=1.0", "slow-service"),
    Case("connection-held", "connection-pool", settle_s=12.0),
    Case("connection-held", "slow-service", settle_s=12.0),
    Case("event-loop-blocked", "slow-service"),
    Case("event-loop-blocked:block_s=0.6", "slow-service"),
    Case("accept-backlog", "slow-service", settle_s=6.0),
    Case("deadlock", "slow-service", settle_s=5.0),
    Case("deadlock", "queue-backlog", settle_s=5.0),
    Case("lock-contention", "slow-service", settle_s=5.0),
    Case("thread-pool-exhausted", "slow-service", settle_s=5.0),
    Case("thread-pool-exhausted", "connection-pool", settle_s=5.0),
    Case("slow-downstream", "slow-service", settle_s=5.0),
    Case("slow-downstream", "slow-service", service="mcp-api", settle_s=8.0),
    Case("batch-never-fills", "slow-service", settle_s=6.0),
    Case("slow-consumer", "queue-backlog", settle_s=5.0),
    Case("retry-storm", "slow-service"),
    Case("retry-storm", "network"),
    Case("cpu-hot-loop", "cpu-load"),
    Case("gil-contention", "cpu-load"),
    Case("gil-contention:count=4", "cpu-load"),
    Case("hot-path", "cpu-load"),
    Case("hot-path:kind=json,weight=40", "cpu-load"),
    Case("hot-path", "slow-service"),
    Case("busy-wait", "cpu-load"),
    Case("gc-pauses", "cpu-load", settle_s=5.0),
    Case("fsync-writer", "io-bottleneck"),
    Case("log-flood", "io-bottleneck"),
    Case("log-flood:lines_per_s=5000", "disk-full"),
    Case("deleted-open-file", "io-bottleneck"),
    Case("deleted-open-file", "disk-full"),
    Case("zombies", "restarts", settle_s=4.0),
)
CONTROLS = (
    Case("", "cpu-load", service="mcp-api"),
    Case("", "memory-leak", service="mcp-worker"),
    Case("", "slow-service", service="mcp-worker"),
    Case("", "connection-pool", service="mcp-api"),
    Case("", "slow-service", service="model-runner"),
    Case("", "fd-leak", service="mcp-api"),
    Case("", "io-bottleneck", service="mcp-worker"),
    Case("", "queue-backlog", service="mcp-worker"),
    Case("", "network", service="mcp-api"),
    Case("", "disk-full", service="mcp-api"),
    Case("", "restarts", service="mcp-worker"),
    Case("", "cpu-load", service="ui"),
    Case("page-cache", "memory-leak"),
    Case("page-cache", "io-bottleneck"),
    Case("warm-up", "memory-leak", settle_s=0.5, fresh=True),
    Case("bounded-cache", "memory-leak", settle_s=0.5, fresh=True),
    Case("gc-sawtooth", "memory-leak"),
    Case("load-ramp", "cpu-load", service="mcp-api"),
    Case("load-ramp", "slow-service", service="mcp-api"),
    Case("load-ramp", "memory-leak", service="mcp-worker"),
    Case("steady-high-load", "cpu-load", service="mcp-api", settle_s=6.0),
    Case("steady-high-load", "slow-service", service="mcp-worker", settle_s=6.0),
    Case("idle-keepalive", "fd-leak", service="mcp-api"),
    Case("idle-keepalive", "connection-pool", service="mcp-api"),
    Case("busy-pool", "connection-pool"),
    Case("batch-job", "cpu-load"),
    Case("many-threads", "memory-leak"),
    Case("many-threads", "slow-service"),
    Case("many-files", "fd-leak"),
    Case("quiet", "slow-service", service="mcp-api", settle_s=5.0),
    Case("log-rotation", "io-bottleneck"),
)
SLOW = (Case("cache-leak:kib_per_request=0,mib_per_minute=1", "memory-leak"),)
"""Minutes each: in the full run once."""
IN_DOCKER = (
    Case("cpu-throttled", "cpu-load", settle_s=6.0),
    Case("memory-limit-too-low", "restarts", settle_s=15.0),
    Case("noisy-neighbour-cpu", "cpu-load", service="mcp-worker", settle_s=6.0),
    Case("noisy-neighbour-disk", "io-bottleneck", service="mcp-worker", settle_s=8.0),
    Case("crash-loop", "restarts", settle_s=10.0),
    Case("unhealthy", "restarts", settle_s=25.0),
    Case("cache-leak", "memory-leak"),
    Case("page-cache", "memory-leak"),
    Case("cpu-hot-loop", "cpu-load"),
    Case("fd-leak", "fd-leak"),
    Case("connection-leak", "fd-leak"),
    Case("event-loop-blocked", "slow-service"),
    Case("", "restarts", service="mcp-worker"),
)
SUBSET = tuple(
    case
    for case in FAULTS + CONTROLS
    if (case.fault, case.playbook)
    in {
        ("cpu-hot-loop", "cpu-load"),
        ("event-loop-blocked", "slow-service"),
        ("deadlock", "slow-service"),
        ("cache-leak", "memory-leak"),
        ("busy-pool", "connection-pool"),
        ("batch-job", "cpu-load"),
    }
)
"""The fixed few that are run with the tests."""
