"""Who looks closely as a test says: one look at each aspect of the workers, with what on-call engineers meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from frames import MIB, NOON
from msgspec.structs import replace

from mcptop.model.closeup import (
    Aspect,
    Closeup,
    Direction,
    Fact,
    FileCloseup,
    FileLine,
    InspectCloseup,
    ProcessCloseup,
    ProcessKey,
    ProcessLine,
    SocketCloseup,
    SocketLine,
    ThreadLine,
)
from mcptop.model.frame import Service
from mcptop.model.instance import Instance

WORKERS = ("mcp-stack-mcp-worker-1", "mcp-stack-mcp-worker-2")
ONE, TWO = WORKERS
ABOUT: dict[str, Any] = {"at": NOON, "service": "container:mcp-stack/mcp-worker", "instances": WORKERS}


def process(pid: int, parent: int, name: str, command: str, instance: str = ONE, **more: Any) -> ProcessLine:
    """One of a container whose first process is 4022 or 4122 outside."""
    known = {
        "start_ticks": pid * 10, "inner_pid": pid - (4021 if instance == ONE else 4121), "user": "app", "state": "S",
        "cores": 0.0, "rss_bytes": 24 * MIB, "threads": 1, "fds": 12,
        "started_at": NOON - timedelta(hours=3, minutes=12),
    }  # fmt: skip
    return ProcessLine(instance=instance, pid=pid, parent=parent, name=name, command=command, **(known | more))


def thread(tid: int, name: str, cores: float | None, **more: Any) -> ThreadLine:
    """One of the first worker process."""
    return ThreadLine(
        **{"pid": 4030, "tid": tid, "name": name, "state": "S", "cores": cores, "waited_ratio": 0.0} | more
    )


SERVE = "/usr/local/bin/python -m mcp_worker --queue jobs --database postgresql://worker:••••@postgres:5432/mcp"
THREADS = (
    thread(4030, "python", 0.0021, waits_in="poll"),
    thread(4033, "job-0", 0.38, state="R", waited_ratio=0.41),
    thread(4034, "job-1", 0.06, waits_in="futex", waited_ratio=0.08),
    *(thread(4040 + n, f"ThreadPoolExecutor-0_{n}", 0.0, waits_in="futex") for n in range(14)),
)
PROCESSES = ProcessCloseup(
    **ABOUT,
    lines=(
        process(4022, 3990, "tini", "/sbin/tini -- python -m mcp_worker", threads=1, fds=4, rss_bytes=MIB),
        process(4030, 4022, "python", SERVE, cores=0.44, rss_bytes=431 * MIB, threads=17, fds=21, state="R"),
        process(4071, 4030, "git", "git clone --depth 1 https://ci:••••@git.example/models.git /tmp/models",
                cores=0.08, rss_bytes=31 * MIB, fds=9, state="D", started_at=NOON - timedelta(seconds=41)),
        process(4072, 4030, "ssh", "", state="Z", rss_bytes=None, fds=None, threads=1,
                started_at=NOON - timedelta(minutes=7)),
        process(4122, 3991, "tini", "/sbin/tini -- python -m mcp_worker", TWO, threads=1, fds=4, rss_bytes=MIB),
        process(4130, 4122, "python", SERVE, TWO, cores=0.48, rss_bytes=384 * MIB, threads=17, fds=None),
    ),
)  # fmt: skip

_OUT: dict[str, Any] = {"direction": Direction.OPENED, "unsent_bytes": 0, "unread_bytes": 0}
_IN: dict[str, Any] = {"direction": Direction.CAME_IN, "unsent_bytes": 0, "unread_bytes": 0, "local_port": 9100}


def listener(instance: str, port: int, queued: int, backlog: int = 128) -> SocketLine:
    """Where it listens on every address."""
    return SocketLine(instance=instance, direction=Direction.LISTENS, address="*", local_port=port, state="LISTEN",
                      count=1, accept_queue=queued, backlog=backlog)  # fmt: skip


SOCKETS = SocketCloseup(
    **ABOUT,
    lines=(
        listener(ONE, 9100, 0), listener(TWO, 9100, 97),
        SocketLine(instance=ONE, address="172.18.0.5", port=5432, peer="postgres", state="ESTABLISHED", count=5,
                   busy=1, oldest_s=0.31, **_OUT),
        SocketLine(instance=TWO, address="172.18.0.5", port=5432, peer="postgres", state="ESTABLISHED", count=5,
                   busy=4, oldest_s=2.4, **_OUT),
        SocketLine(instance=ONE, address="172.18.0.6", port=6379, peer="redis", state="ESTABLISHED", count=2, **_OUT),
        SocketLine(instance=TWO, address="172.18.0.8", port=8080, peer="model-runner", state="CLOSE_WAIT", count=7,
                   **_OUT),
        SocketLine(instance=TWO, address="10.20.30.40", port=443, state="SYN_SENT", count=3, **_OUT),
        SocketLine(instance=ONE, address="2001:db8:85a3::8a2e:370:7334", port=443, state="ESTABLISHED", count=1,
                   **(_OUT | {"unsent_bytes": 212 << 10, "local_port": 51234})),
        SocketLine(instance=ONE, address="172.18.0.2", peer="prometheus", state="ESTABLISHED", count=1, **_IN),
        SocketLine(instance=ONE, address="172.18.0.2", peer="prometheus", state="TIME_WAIT", count=48, **_IN),
    ),
)  # fmt: skip


def regular(path: str, instance: str = ONE, **more: Any) -> FileLine:
    """A file the first worker has open."""
    known = {"pids": (4030,), "kind": "regular", "descriptors": 1, "inode": f"8:{len(path)}", "writes": False}
    return FileLine(**{"path": path, "instance": instance} | known | more)


FILES = FileCloseup(
    **ABOUT,
    lines=(
        regular("/var/log/worker/jobs.log.1", size_bytes=3 << 30, position=3 << 30, growth_bytes_per_s=1.4e6,
                moved_bytes_per_s=1.4e6, deleted=True, writes=True),
        regular("/var/log/worker/jobs.log", size_bytes=81 << 20, position=81 << 20, growth_bytes_per_s=24_000.0,
                moved_bytes_per_s=24_000.0, writes=True, descriptors=3, pids=(4030, 4071, 4072)),
        regular("/models/llama3/8b-instruct-q4/model-00001-of-00004.safetensors", TWO, pids=(4130,),
                size_bytes=4_900 << 20, position=1_200 << 20, growth_bytes_per_s=0.0, moved_bytes_per_s=96.0 * MIB),
        regular("/tmp/tmpq8x1k2f7", size_bytes=12 << 10, position=0, deleted=True, writes=True),
        FileLine(instance=ONE, pids=(4030,), kind="other", path="/dev/null", descriptors=2),
        FileLine(instance=ONE, pids=(4030,), kind="other", path="anon_inode:[eventpoll]", descriptors=1),
        FileLine(instance=ONE, pids=(4030, 4071), kind="socket", descriptors=8),
        FileLine(instance=TWO, pids=(4130,), kind="socket", descriptors=15),
        FileLine(instance=ONE, pids=(4030,), kind="pipe", descriptors=4),
    ),
    problem="1 of 2 containers: its files are shown to root only",
)  # fmt: skip


def _facts(instance: str) -> tuple[Fact, ...]:
    plain = {
        "state": (("name", instance), ("image", "registry.example/mcp-worker:1.4"), ("state", "running"),
                  ("started", "2026-01-31 08:48:00"), ("restarts", "1" if instance == TWO else "0"),
                  *((("killed for lack of memory", "yes, in its last run"),) if instance == TWO else ()),
                  ("restart policy", "unless-stopped")),
        "limits": (("memory", "512 MiB"), ("memory with swap", "512 MiB"), ("cpu", "0.5 cores"),
                   ("processes and threads", "none"), ("ulimit nofile", "1024 (hard limit 524288)")),
        "mounts": (("/models", "volume mcp-stack_models, read only"), ("/tmp", "tmpfs tmpfs")),
        "networks": (("mcp-stack_default", "172.18.0.7, gateway 172.18.0.1, called mcp-worker"),),
        "command": (("entrypoint", "/sbin/tini --"), ("cmd", SERVE.removeprefix("/usr/local/bin/"))),
        "labels": (("com.docker.compose.project", "mcp-stack"), ("com.docker.compose.service", "mcp-worker")),
    }  # fmt: skip
    environment = (
        Fact("environment", "DATABASE_URL", "postgresql://worker:hunter2@postgres:5432/mcp", True, True, instance),
        Fact("environment", "HF_TOKEN", "hf_kjsdhfkjsdhfkjsdhf", True, True, instance),
        Fact("environment", "JOB_TIMEOUT", "30", True, False, instance),
        Fact("environment", "QUEUE_URL", "redis://redis:6379/0", True, False, instance),
    )
    return (*(Fact(section, *pair, instance=instance) for section, pairs in plain.items() for pair in pairs),
            *environment)  # fmt: skip


INSPECT = InspectCloseup(**ABOUT, lines=(*_facts(ONE), *_facts(TWO)))
CLOSEUPS: dict[Aspect, Closeup] = {
    Aspect.PROCESSES: PROCESSES, Aspect.SOCKETS: SOCKETS, Aspect.FILES: FILES, Aspect.INSPECT: INSPECT,
}  # fmt: skip


class ScriptedLooks:
    """Hands out a look when another one is wanted, and once more when the threads of a process are."""

    def __init__(self, closeups: Mapping[Aspect, Closeup] = CLOSEUPS, threads: Sequence[ThreadLine] = THREADS) -> None:
        self.closeups, self.threads = dict(closeups), tuple(threads)
        self.wanted: tuple[Aspect, str] | None = None
        self.process: ProcessKey | None = None
        self.stopped = False
        self._tell: Callable[[Closeup], None] | None = None

    def __call__(self, tell: Callable[[Closeup], None]) -> ScriptedLooks:
        """As the app makes who looks."""
        self._tell = tell
        return self

    def start(self) -> None:
        """There is nothing to begin."""

    def want(self, aspect: Aspect, service: Service, instances: Sequence[Instance]) -> None:
        """Look, where it is something else than before."""
        wanted = aspect, ",".join(one.id for one in instances)
        if wanted != self.wanted:
            self.wanted, self.process = wanted, None
            self.look()

    def want_nothing(self) -> None:
        """Look at nothing."""
        self.wanted = None

    def threads_of(self, process: ProcessKey | None) -> None:
        """Look again, with the threads of another process."""
        if process != self.process:
            self.process = process
            self.look()

    def stop(self) -> None:
        """Remember it."""
        self.stopped = True

    def look(self) -> None:
        """Tell what there is of what is wanted."""
        if self.wanted is None or self._tell is None:
            return
        closeup = self.closeups[self.wanted[0]]
        if isinstance(closeup, ProcessCloseup):
            closeup = replace(closeup, threads_of=self.process, threads=self.threads if self.process else ())
        self._tell(closeup)
