"""One closeup of each aspect, with everything that has a look of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
API = ("shop-api-1", "shop-api-2")


def process(pid: int, parent: int, name: str, command: str = "", instance: str = API[0], **more) -> ProcessLine:
    known = {
        "start_ticks": pid * 10, "inner_pid": pid - 4000, "user": "root", "state": "S", "cores": 0.0,
        "rss_bytes": 24 << 20, "threads": 1, "fds": 12, "started_at": NOON - timedelta(hours=3, minutes=12),
    }  # fmt: skip
    return ProcessLine(instance=instance, pid=pid, parent=parent, name=name, command=command, **(known | more))


def thread(tid: int, name: str, cores: float | None, **more) -> ThreadLine:
    known = {"state": "S", "waited_ratio": 0.01}
    return ThreadLine(pid=4001, tid=tid, name=name, cores=cores, **(known | more))


PROCESSES = ProcessCloseup(
    at=NOON,
    service="container:shop/api",
    instances=API,
    problem="a process does not show its descriptors: run as root",
    lines=(
        process(4001, 1, "gunicorn", "gunicorn: master [app:api]", fds=9),
        process(
            4010,
            4001,
            "gunicorn",
            "gunicorn: worker [app:api]",
            cores=0.62,
            rss_bytes=212 << 20,
            threads=9,
            fds=64,
            state="R",
        ),
        process(
            4011, 4001, "gunicorn", "gunicorn: worker [app:api]", cores=0.013, rss_bytes=198 << 20, threads=9, fds=None
        ),
        process(
            4055,
            4010,
            "ffmpeg",
            "ffmpeg -i rtsp://camera:••••@10.0.0.9/live -c copy /tmp/out.mp4",
            user="1000",
            state="D",
            started_at=NOON - timedelta(seconds=7),
        ),
        process(4056, 4010, "convert", state="Z", rss_bytes=None, fds=None),
        process(4101, 1, "gunicorn", "gunicorn: master [app:api]", API[1], cores=None, user=None),
        process(
            4110, 4101, "worker[31m[b]", "x" * 300, API[1], cores=1.98, state="T", inner_pid=None, start_ticks=None
        ),
    ),
    threads_of=ProcessKey(4001, 40010),
    threads=(
        thread(4001, "gunicorn", 0.0004, waits_in="poll"),
        thread(4002, "asyncio_0", 0.41, state="R", waited_ratio=0.27),
        thread(4003, "数据库", None, waited_ratio=None, waits_in="futex"),
        *(thread(4004 + n, f"pool-{n}", 0.0, waits_in="futex") for n in range(12)),
    ),
)

_LISTENS = {"direction": Direction.LISTENS, "state": "LISTEN", "count": 1}
_OPENED = {"direction": Direction.OPENED, "unsent_bytes": 0, "unread_bytes": 0}
_CAME = {"direction": Direction.CAME_IN, "unsent_bytes": 0, "unread_bytes": 0, "local_port": 8000}
SOCKETS = SocketCloseup(
    at=NOON,
    service="container:shop/api",
    instances=API,
    lines=(
        SocketLine(instance=API[0], address="*", local_port=8000, accept_queue=129, backlog=128, **_LISTENS),
        SocketLine(instance=API[1], address="*", local_port=8000, accept_queue=0, backlog=128, **_LISTENS),
        SocketLine(instance=API[1], address="::1", local_port=9100, accept_queue=120, backlog=128, **_LISTENS),
        SocketLine(
            instance=API[0],
            address="172.18.0.5",
            port=5432,
            peer="postgres",
            state="ESTABLISHED",
            count=50,
            busy=7,
            oldest_s=1.24,
            **_OPENED,
        ),
        SocketLine(
            instance=API[0], address="172.18.0.6", port=6379, peer="redis", state="CLOSE_WAIT", count=12, **_OPENED
        ),
        SocketLine(instance=API[1], address="10.9.8.7", port=443, state="SYN_SENT", count=3, **_OPENED),
        SocketLine(
            instance=API[1],
            address="fd00::17",
            port=5432,
            peer="other-project/postgres",
            state="ESTABLISHED",
            count=4,
            busy=0,
            local_port=51234,
            **_OPENED,
        ),
        SocketLine(instance=API[0], address="172.18.0.9", peer="nginx", state="ESTABLISHED", count=211, **_CAME),
        SocketLine(instance=API[0], address="172.18.0.9", peer="nginx", state="TIME_WAIT", count=1480, **_CAME),
        SocketLine(
            instance=API[1],
            address="203.0.113.9",
            state="ESTABLISHED",
            count=2,
            **(_CAME | {"unread_bytes": 3 << 20, "unsent_bytes": None}),
        ),
    ),
)

FILES = FileCloseup(
    at=NOON,
    service="container:shop/api",
    instances=API,
    cut_at=4000,
    lines=(
        FileLine(
            instance=API[0],
            pids=(4010,),
            kind="regular",
            path="/var/log/app/access.log",
            inode="8:1",
            descriptors=1,
            size_bytes=3 << 30,
            position=3 << 30,
            growth_bytes_per_s=1.4e6,
            moved_bytes_per_s=1.4e6,
            deleted=True,
            writes=True,
        ),
        FileLine(
            instance=API[0],
            pids=(4001, 4010, 4011),
            kind="regular",
            path="/var/log/app/error.log",
            inode="8:2",
            descriptors=6,
            size_bytes=812,
            position=812,
            growth_bytes_per_s=0.0,
            moved_bytes_per_s=0.0,
            writes=True,
        ),
        FileLine(
            instance=API[1],
            pids=(4110,),
            kind="regular",
            path="/usr/local/lib/python3.12/site-packages/" + "very/" * 20 + "deep/model.safetensors",
            inode="8:3",
            descriptors=1,
            size_bytes=7 << 30,
            position=0,
            writes=False,
        ),
        FileLine(
            instance=API[1],
            pids=(4110,),
            kind="regular",
            path="/tmp/old",
            inode="8:4",
            descriptors=2,
            size_bytes=0,
            deleted=True,
            growth_bytes_per_s=-4096.0,
        ),
        FileLine(instance=API[0], pids=(4001,), kind="other", path="/dev/null", descriptors=3),
        FileLine(instance=API[0], pids=(4010,), kind="other", path="anon_inode:[eventpoll]", descriptors=1),
        FileLine(instance=API[0], pids=(4001, 4010), kind="socket", descriptors=64),
        FileLine(instance=API[1], pids=(4110,), kind="socket", descriptors=6),
        FileLine(instance=API[0], pids=(4010,), kind="pipe", descriptors=4),
    ),
)

INSPECT = InspectCloseup(
    at=NOON,
    service="container:shop/api",
    instances=API[:1],
    lines=(
        Fact("state", "name", "shop-api-1"),
        Fact("state", "state", "running"),
        Fact("state", "started", "2026-01-31 08:48:00"),
        Fact("health", "health", "unhealthy"),
        Fact("health", "check 2026-01-31 11:59:58", "exit 1: connection refused to 127.0.0.1:8000 " + "again " * 60),
        Fact("limits", "memory", "512 MiB"),
        Fact("ports", "8000/tcp", "127.0.0.1:4000"),
        Fact("mounts", "/data", "volume shop_data, read only"),
        Fact("labels", "com.docker.compose.service", "api"),
        Fact("labels", "traefik.auth_token", "t0psecret", secret=True),
        Fact("command", "cmd", "gunicorn app:api --password ••••"),
        Fact("environment", "DATABASE_URL", "postgres://api:pw@db/x", True, True),
        Fact("environment", "EMPTY", "", True),
        Fact("environment", "WORKERS", "4", True),
    ),
)

CLOSEUPS: dict[Aspect, Closeup] = {
    Aspect.PROCESSES: PROCESSES, Aspect.SOCKETS: SOCKETS, Aspect.FILES: FILES, Aspect.INSPECT: INSPECT,
}  # fmt: skip
