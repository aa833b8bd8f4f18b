"""The mechanisms mcptop can name: one list for the demo's faults and the playbooks' hypotheses.

Right and wrong can be counted because both sides use these ids.
"""

from __future__ import annotations

from enum import StrEnum


class Mechanism(StrEnum):
    """What is going on. Those in `HARMLESS` look like a fault and are none."""

    HEAP_LEAK = "heap-leak"
    NATIVE_GROWTH = "native-growth"
    SHM_GROWTH = "shm-growth"
    THREAD_LEAK = "thread-leak"
    FD_LEAK = "fd-leak"
    CONNECTION_LEAK = "connection-leak"
    CONNECTION_CHURN = "connection-churn"
    POOL_TOO_SMALL = "pool-too-small"
    CONNECTION_HELD = "connection-held"
    EVENT_LOOP_BLOCKED = "event-loop-blocked"
    CPU_HOT_LOOP = "cpu-hot-loop"
    GIL_CONTENTION = "gil-contention"
    CPU_HOT_PATH = "cpu-hot-path"
    BUSY_WAIT = "busy-wait"
    GC_PAUSES = "gc-pauses"
    DEADLOCK = "deadlock"
    LOCK_CONTENTION = "lock-contention"
    THREAD_POOL_EXHAUSTED = "thread-pool-exhausted"
    SLOW_DOWNSTREAM = "slow-downstream"
    RETRY_STORM = "retry-storm"
    REQUESTS_FAIL = "requests-fail"
    SLOW_CONSUMER = "slow-consumer"
    BATCH_NEVER_FILLS = "batch-never-fills"
    CACHE_THRASH = "cache-thrash"
    FSYNC_HEAVY = "fsync-heavy"
    LOG_FLOOD = "log-flood"
    DELETED_OPEN_FILE = "deleted-open-file"
    ZOMBIES = "zombies"
    ACCEPT_BACKLOG = "accept-backlog"
    CPU_THROTTLED = "cpu-throttled"
    OOM_KILLED = "oom-killed"
    NOISY_NEIGHBOUR = "noisy-neighbour"
    CRASH_LOOP = "crash-loop"
    UNHEALTHY = "unhealthy"
    DISK_FULL = "disk-full"
    NETWORK_LOSS = "network-loss"
    DNS_SLOW = "dns-slow"
    PAGE_CACHE = "page-cache"
    WARM_UP = "warm-up"
    GC_SAWTOOTH = "gc-sawtooth"
    LOAD_CHANGE = "load-change"
    IDLE_CONNECTIONS = "idle-connections"
    BUSY_POOL = "busy-pool"
    BATCH_JOB = "batch-job"
    STEADY_LOAD = "steady-load"
    IDLE = "idle"
    IDLE_THREADS = "idle-threads"
    OPEN_FILES = "open-files"
    LOG_ROTATION = "log-rotation"


HARMLESS = frozenset(
    {
        Mechanism.PAGE_CACHE,
        Mechanism.WARM_UP,
        Mechanism.GC_SAWTOOTH,
        Mechanism.LOAD_CHANGE,
        Mechanism.IDLE_CONNECTIONS,
        Mechanism.BUSY_POOL,
        Mechanism.BATCH_JOB,
        Mechanism.STEADY_LOAD,
        Mechanism.IDLE,
        Mechanism.IDLE_THREADS,
        Mechanism.OPEN_FILES,
        Mechanism.LOG_ROTATION,
    }
)
