"""Every shipped rule by its name. What they say stands in `rules.toml`; a frame is judged by the set in force.

Who asks how bad a value is without a frame's rules at hand takes these.
"""

from __future__ import annotations

from mcptop.alerts import shipped

WRITTEN = shipped.tables()
"""As `rules.toml` has them, by id."""
SHIPPED = shipped.load(WRITTEN)
RULES = SHIPPED.rules
BY_ID = SHIPPED.by_id
RANK = {rule.id: at for at, rule in enumerate(RULES)}

EXITED = SHIPPED["exited-with-error"]
DEAD = SHIPPED["dead"]
RESTART_LOOP = SHIPPED["restart-loop"]
OOM_KILL = SHIPPED["oom-kill"]
UNHEALTHY = SHIPPED["unhealthy"]
RESTARTING = SHIPPED["restarting"]
REPLICAS_MISSING = SHIPPED["replicas-missing"]
MEMORY_NEAR_LIMIT = SHIPPED["memory-near-limit"]
SERVER_CONNECTIONS = SHIPPED["server-connections"]
CONNECTIONS_REFUSED = SHIPPED["accept-queue"]
QUEUE_FULL = SHIPPED["queue-full"]
POOL_WAITING = SHIPPED["pool-waiting"]
UNANSWERED = SHIPPED["connections-unanswered"]
QUEUE_NOT_DRAINING = SHIPPED["queue-not-draining"]
FDS_NEAR_LIMIT = SHIPPED["fds-near-limit"]
MEMORY_LEAK = SHIPPED["memory-leak"]
CPU_THROTTLED = SHIPPED["cpu-throttled"]
CPU_AT_QUOTA = SHIPPED["cpu-at-quota"]
CLOSE_WAIT = SHIPPED["close-wait"]
IDLE_IN_TRANSACTION = SHIPPED["idle-in-transaction"]
CONNECTION_BUDGET = SHIPPED["connection-budget"]
PAUSED = SHIPPED["paused"]
UPDATE_PAUSED = SHIPPED["swarm-update-paused"]
DISK_FULL = SHIPPED["disk-full"]
DISK_FILLING = SHIPPED["disk-filling"]
HOST_MEMORY = SHIPPED["host-memory-pressure"]
HOST_SWAP = SHIPPED["host-swap"]
HOST_IO = SHIPPED["host-io-pressure"]
NODE_DOWN = SHIPPED["swarm-node-down"]
SOURCE_BROKEN = SHIPPED["source-broken"]
