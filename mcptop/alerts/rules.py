"""Every rule with its thresholds, in the order in which equally bad ones stand. The only place for these figures.

What a rule needs beside the two of its judgement stands with it. How growth is measured is `growing`'s.
"""

from __future__ import annotations

from mcptop.alerts.rule import Rule

MIB_PER_MIN = (1 << 20) / 60
_LOOKS_S = 12.0
"""Pools, queues and sockets are looked at every few seconds: what one look does not show may be there in the next."""

EXITED = Rule(
    "exited-with-error", "process", "read its last log lines, and start it again when the cause is gone", "restarts"
)
DEAD = Rule("dead", "process", "the engine could not remove it: see the engine's own log", "restarts")
RESTART_LOOP = Rule(
    "restart-loop", "process", "read the log of the run before: it ends soon after every start", "restarts",
    unit="count", critical=3,
)  # fmt: skip
LOOP_S, CALM_S = 10 * 60.0, 5 * 60.0
"""Restarts within the first count together; after the second without one it is no loop any more."""
RESTARTING = Rule("restarting", "process", "read the log of the run before", "restarts")
UNHEALTHY = Rule("unhealthy", "process", "run its health check by hand, and read its log", "restarts")
OOM_KILL = Rule("oom-kill", "memory", "find what grows, or raise the memory limit", "restarts", unit="count", warning=1)
KILL_RECENT_S = 15 * 60.0
"""A kill is told so long; by then it is history."""
MEMORY_NEAR_LIMIT = Rule(
    "memory-near-limit", "memory", "find what grows, or raise the memory limit", "memory-leak",
    unit="ratio", warning=0.9, critical=0.97,
)  # fmt: skip
KEPT_WARNING, KEPT_CRITICAL = 0.6, 0.8
"""Of the limit, without pages of files: those the kernel takes back when somebody needs room."""
AHEAD_FROM, AHEAD_S = 0.7, 3600.0
"""From this part of the limit on, one that will be reached within that time is near."""
SERVER_CONNECTIONS = Rule(
    "server-connections", "connections", "see which clients hold them, and close or bound their pools",
    "connection-pool", unit="ratio", warning=0.9, critical=1.0, keep_s=_LOOKS_S,
)  # fmt: skip
"""Share of what a server gives; it has no line to wait in, at the end of it clients are refused."""
CONNECTIONS_REFUSED = Rule(
    "accept-queue", "accept", "it takes connections too slowly: see what blocks it, or raise its backlog",
    "slow-service", unit="ratio", warning=0.9, keep_s=_LOOKS_S,
)  # fmt: skip
QUEUE_FULL = Rule(
    "queue-full", "queue", "see what its consumers wait for, or add some", "queue-backlog",
    unit="ratio", warning=0.9, keep_s=_LOOKS_S,
)  # fmt: skip
POOL_WAITING = Rule(
    "pool-waiting", "pool", "see who holds the connections, before the pool is made larger", "connection-pool",
    unit="seconds", warning=0.05, critical=1.0, keep_s=_LOOKS_S,
)  # fmt: skip
"""Shorter waits than the first are how a busy pool works; from the second on, users wait as well."""
UNANSWERED = Rule(
    "connections-unanswered", "unanswered", "see whether the other side runs and its port is open", "network",
    unit="count", warning=3, keep_s=_LOOKS_S,
)  # fmt: skip
"""Handshakes under way beside answered ones; where none was ever answered, one is enough."""
QUEUE_NOT_DRAINING = Rule(
    "queue-not-draining", "queue", "see what its consumers wait for, or add some", "queue-backlog",
    unit="seconds", warning=30.0, ease=0.8, keep_s=_LOOKS_S,
)  # fmt: skip
"""Age of the first in line, of a queue that grows."""
BACKLOG = 100
"""A growing queue whose oldest entry has no known age is a problem from this depth on."""
STUCK_S = 60.0
"""The first in line waits that long, and nothing is taken."""
LATE_S, DRAIN_S = 300.0, 900.0
"""The first in line waits that long, and it will take longer than that until all are taken."""
FDS_NEAR_LIMIT = Rule(
    "fds-near-limit", "descriptors", "see which files or connections it does not close", "fd-leak",
    unit="ratio", warning=0.8, critical=0.95,
)  # fmt: skip
MEMORY_LEAK = Rule("memory-leak", "memory", "find what grows", "memory-leak", unit="bytes/s", warning=2 * MIB_PER_MIN)
LEAK_RELATIVE, LEAK_RELATIVE_UNLIMITED = 0.01, 0.05
"""Growth in its window as part of where it began: what has no limit to reach has to grow by more."""
CPU_THROTTLED = Rule(
    "cpu-throttled", "cpu", "find what it computes, or raise its CPU quota", "cpu-load",
    unit="ratio", warning=0.25, ease=0.8,
)  # fmt: skip
CLOSE_WAIT = Rule(
    "close-wait", "descriptors", "the program does not close what its peers have closed", "fd-leak",
    unit="count", warning=5, ease=0.8, keep_s=_LOOKS_S,
)  # fmt: skip
IDLE_IN_TRANSACTION = Rule(
    "idle-in-transaction", "connections", "see which client left a transaction open", "connection-pool",
    unit="seconds", warning=30.0,
)  # fmt: skip
"""An open transaction that long with nothing to do holds locks, and keeps the server from cleaning up."""
CONNECTION_BUDGET = Rule(
    "connection-budget", "budget", "make the pools of its clients smaller, or let it give more", "connection-pool",
    unit="count",
)  # fmt: skip
PAUSED = Rule("paused", "paused", "somebody paused it: `docker unpause` lets it go on")
DISK_FULL = Rule(
    "disk-full", "disk", "see what fills it, and remove what is not needed", "disk-full",
    unit="ratio", warning=0.9, critical=0.95, ease=0.99,
)  # fmt: skip
DISK_FILLING = Rule(
    "disk-filling", "disk", "see who writes, before it is full", "disk-full", unit="ratio/s", warning=0.01 / 3600
)
FULL_IN_S, FULL_SOON_S = 3600.0, 900.0
"""A disk that will be full within the first is a problem, within the second a bad one."""
HOST_MEMORY = Rule(
    "host-memory-pressure", "host memory", "stop what is not needed, or bound the memory of the largest", None,
    unit="ratio", warning=0.1, critical=0.3, ease=0.8,
)  # fmt: skip
"""Share of the last 10 s in which everybody waited for memory."""
HOST_SWAP = Rule(
    "host-swap", "host memory", "stop what is not needed, or bound the memory of the largest", None,
    unit="ratio", warning=0.9,
)  # fmt: skip
"""Share of the swap space in use, where no memory is left either."""
NO_MEMORY = 0.05
"""Of all memory: with less available, full swap space hurts."""
HOST_IO = Rule(
    "host-io-pressure", "host io", "see who reads and writes most", "io-bottleneck",
    unit="ratio", warning=0.3, critical=0.8, ease=0.8,
)  # fmt: skip
"""Share of the last 10 s in which everybody waited for a disk."""
REPLICAS_MISSING = Rule(
    "replicas-missing", "replicas", "see `docker service ps --no-trunc` of it for what its tasks say", None,
    unit="count", warning=1, keep_s=15.0,
)  # fmt: skip
"""Replicas that shall run and do not."""
FAILING_S, MISSING_S, CHANGING_S = 10.0, 60.0, 300.0
"""So long they are waited for: where a task says what is wrong, where none does, and while an update goes on."""
STEADY_S = 15.0
"""Whose replicas run so long is well again: a program that fails after seconds runs in between."""
UPDATE_PAUSED = Rule(
    "swarm-update-paused", "update",
    "see what its new tasks say, then `docker service update` with what is right, or `docker service rollback`",
)  # fmt: skip
NODE_DOWN = Rule(
    "swarm-node-down", "node", "see whether that machine and its engine run, and can reach the managers"
)
SOURCE_BROKEN = Rule("source-broken", "source", "`mcptop doctor` says what is missing and how to fix it")

RULES: tuple[Rule, ...] = (
    EXITED, DEAD, RESTART_LOOP, OOM_KILL, UNHEALTHY, RESTARTING, REPLICAS_MISSING, MEMORY_NEAR_LIMIT, SERVER_CONNECTIONS,
    CONNECTIONS_REFUSED, QUEUE_FULL, POOL_WAITING, UNANSWERED, QUEUE_NOT_DRAINING, FDS_NEAR_LIMIT, MEMORY_LEAK,
    CPU_THROTTLED, CLOSE_WAIT, IDLE_IN_TRANSACTION, CONNECTION_BUDGET, PAUSED, UPDATE_PAUSED, DISK_FULL, DISK_FILLING, HOST_MEMORY,
    HOST_SWAP, HOST_IO, NODE_DOWN, SOURCE_BROKEN,
)  # fmt: skip
RANK = {rule.id: at for at, rule in enumerate(RULES)}
BY_ID = {rule.id: rule for rule in RULES}
