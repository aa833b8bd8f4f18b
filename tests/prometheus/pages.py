"""Pages of metrics that a test controls: what `mcptop exporter`s and a cAdvisor say, with counters known exactly.

A counter is its rate times the time of the sample, so that whoever reads it back must find the rate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

MIB = 1 << 20
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
"""Of the text format; everything else stands as it is."""


class Page:
    """Serves what `says` gives at that moment. A context manager."""

    def __init__(self, says: Callable[[float], str]) -> None:
        self.says = says
        self.answers = True
        """Without, the page is gone: 503."""
        self.scrapes = 0
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.scrapes += 1
                if not page.answers:
                    self.send_error(503)
                    return
                body = page.says(time.time()).encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Page:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def line(name: str, value: float, /, **labels: str) -> str:
    """One sample."""
    pairs = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value!r}\n"


def replica(at: float, host: str, service: str, name: str, cores: float, memory: int, id: str) -> Iterator[str]:
    """A container of project shop, with a quota of two cores of which half the periods are throttled."""
    of = {"project": "shop", "service": service, "kind": "container", "replica": name}
    yield line("mcptop_replica_info", 1, **of, id=id, image="shop/x:1", state="running", health="healthy")
    figures = {
        "start_time_seconds": 1.7e9, "cpu_limit_cores": 2, "memory_working_set_bytes": memory,
        "memory_usage_bytes": memory + 3 * MIB, "memory_anon_bytes": memory // 2, "memory_limit_bytes": 512 * MIB,
        "open_fds": 17, "fds_limit_ratio": 0.25, "pids": 5, "cpu_pressure_some_ratio": 0.125,
        "cpu_usage_seconds_total": cores * at, "cpu_periods_total": int(1000 * at),
        "cpu_throttled_periods_total": int(500 * at), "network_receive_bytes_total": int(1000 * at),
        "network_transmit_bytes_total": int(2000 * at), "disk_read_bytes_total": 0,
        "disk_written_bytes_total": int(4000 * at), "restarts_total": 3, "oom_kills_total": 1,
    }  # fmt: skip
    yield from (line(f"mcptop_replica_{name}", value, **of) for name, value in figures.items())
    yield line("mcptop_replica_sockets", 9, **of, state="established")
    yield line("mcptop_replica_sockets", 2, **of, state="close_wait")
    pool = {"pool": "main", "pool_kind": "db", "peer": "postgres", "source": "metrics", "confidence": "measured"}
    figures = {"in_use": 4, "idle": 1, "max": 20, "waiting": 3, "wait_seconds": 0.01, "timeouts_total": int(2 * at)}
    yield from (line(f"mcptop_pool_{name}", value, **of, **pool) for name, value in figures.items())
    queue = {"queue": "jobs", "queue_kind": "queue", "source": "redis", "confidence": "derived"}
    figures = {"depth": 7, "in_per_second": 5.0, "out_per_second": 4.0, "oldest_age_seconds": 2.5}
    yield from (line(f"mcptop_queue_{name}", value, **of, **queue) for name, value in figures.items())


def machine(at: float, host: str) -> Iterator[str]:
    """The exporter itself and the machine it is on."""
    yield line("mcptop_build_info", 1, version="0.1.0", host=host, engine="docker 28.2")
    yield line("mcptop_sample_timestamp_seconds", at)
    figures = {
        "cpus": 4, "cpu_usage_ratio": 0.5, "memory_total_bytes": 8192 * MIB, "memory_available_bytes": 2048 * MIB,
        "load1": 1.5,
    }  # fmt: skip
    yield from (line(f"mcptop_host_{name}", value, host=host) for name, value in figures.items())
    yield line("mcptop_host_pressure_full_ratio", 0.0, host=host, resource="io")
    yield line("mcptop_host_pressure_some_ratio", 0.25, host=host, resource="io")
    disk = {"host": host, "mount": "/", "device": "sda1"}
    figures = {"size_bytes": 1000 * MIB, "avail_bytes": 80 * MIB, "used_ratio": 0.92}
    yield from (line(f"mcptop_filesystem_{name}", value, **disk) for name, value in figures.items())


def exporter(host: str, **more: Any) -> Page:
    """A page of `exporter_says`."""
    return Page(exporter_says(host, **more))


def exporter_says(
    host: str, replicas: int = 1, cores: float = 0.25, services: tuple[str, ...] = ("api",), ids: str = ""
) -> Callable[[float], str]:
    """A machine on which each service has so many replicas of so many cores; `ids`: the id of the only one."""

    def says(at: float) -> str:
        parts = [*machine(at, host)]
        for place, service in enumerate(services):
            for number in range(replicas):
                id = ids or f"{crc32(f'{host} {service} {number}'.encode()):064x}"
                memory = (100 + place) * MIB
                parts += replica(at, host, service, f"shop-{service}-{number + 1}", cores, memory, id)
        return "".join(parts)

    return says


_STATS_AGE_S = 0.5
"""So long ago cAdvisor looked at a container when its page is asked for: the time it writes behind each figure."""


def cadvisor(*containers: tuple[dict[str, str], float, int], cpus: int = 8) -> Page:
    """A cAdvisor 0.47 on cgroup v2 with Docker, after its source (metrics/prometheus.go): figures of a container have
    the time of its look, what its specification says and the machine's have none; slices have no name.

    `containers`: labels, cores, and memory limit (0: none).
    """

    def says(at: float) -> str:
        parts = [
            line("cadvisor_version_info", 1, cadvisorVersion="v0.47.2"),
            line("machine_cpu_cores", cpus, boot_id="b"),
        ]
        parts += [line("machine_memory_bytes", 16384 * MIB, boot_id="b")]
        slices = {"id": "/system.slice", "name": "", "image": ""}
        for labels, cores, limit in ((slices, 3.0, 0), *containers):
            parts += _container(at - _STATS_AGE_S, labels, cores, limit)
        return "".join(parts)

    return Page(says)


def _container(taken: float, labels: dict[str, str], cores: float, limit: int) -> Iterator[str]:
    stamp = f" {int(taken * 1000)}\n"
    taken = int(taken * 1000) / 1000
    figures = {
        "container_cpu_cfs_periods_total": int(1000 * taken),
        "container_cpu_cfs_throttled_periods_total": int(100 * taken),
        "container_memory_working_set_bytes": 200 * MIB, "container_memory_usage_bytes": 260 * MIB,
        "container_memory_rss": 150 * MIB, "container_memory_cache": 100 * MIB, "container_oom_events_total": 2,
    }  # fmt: skip
    for name, value in figures.items():
        yield line(name, value, **labels).replace("\n", stamp)
    yield line("container_cpu_usage_seconds_total", cores * taken, **labels, cpu="total").replace("\n", stamp)
    for name, value in (("receive", 1000 * taken), ("transmit", 3000 * taken)):
        for interface, share in (("eth0", 0.75), ("eth1", 0.25)):
            amount = int(value * share)
            yield line(f"container_network_{name}_bytes_total", amount, **labels, interface=interface).replace(
                "\n", stamp
            )
    for name in ("reads", "writes"):
        yield line(f"container_fs_{name}_bytes_total", int(500 * taken), **labels, device="/dev/sda").replace(
            "\n", stamp
        )
    yield line("container_last_seen", int(taken), **labels)
    yield line("container_start_time_seconds", 1.7e9, **labels)
    yield line("container_spec_memory_limit_bytes", limit, **labels)
    yield line("container_spec_cpu_period", 100_000, **labels)
    yield line("container_spec_cpu_quota", 150_000, **labels)


def docker(name: str, id: str, **more: str) -> dict[str, str]:
    """Labels of a container of Docker; `more` are its own labels, by the names they have in Docker with underscores."""
    own = {f"container_label_{label}": value for label, value in more.items()}
    return {"id": f"/system.slice/docker-{id}.scope", "name": name, "image": "shop/y:2", **own}


def pod(namespace: str, name: str, container: str, id: str) -> dict[str, str]:
    """Labels of a container of a pod, as a kubelet gives them."""
    where = f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"
    return {"id": where, "name": id, "image": "shop/z:3", "namespace": namespace, "pod": name, "container": container}


def foreign(count: int) -> Page:
    """So many series that have nothing to do with mcptop."""
    text = "".join(
        line("http_requests_total", number, path=f"/{number}", instance_id=str(number)) for number in range(count)
    )
    return Page(lambda at: text)


def hostile(at: float) -> str:
    """An exporter that writes what it likes: controls, endless labels, figures that are none, states nobody knows."""
    bad = "\x1b[31mred\u202e[bold]\n" + "x" * 5000
    of = {"project": bad, "service": bad, "kind": "container", "replica": bad}
    parts = [*machine(at, "evil\x1b]0;title\x07")]
    parts += [line("mcptop_replica_info", 1, **of, id="x", image=bad, state=bad, health=bad)]
    for name in ("cpu_usage_seconds_total", "memory_working_set_bytes", "start_time_seconds", "exit_code", "pids"):
        parts += [f"{line(f'mcptop_replica_{name}', 0, **of).rpartition(' ')[0]} {value}\n" for value in ("1e300",)]
    of = {"project": "p", "service": "odd", "kind": "container", "replica": "one"}
    parts += [line("mcptop_replica_info", 1, **of, id="y", state="running", health="")]
    values = {
        "cpu_usage_seconds_total": "NaN", "memory_working_set_bytes": "-5", "memory_limit_bytes": "+Inf",
        "start_time_seconds": "-1e18", "exit_code": "1e30", "pids": "NaN", "open_fds": "-Inf", "threads": "1e25",
    }  # fmt: skip
    parts += [
        f"{line(f'mcptop_replica_{name}', 0, **of).rpartition(' ')[0]} {value}\n" for name, value in values.items()
    ]
    parts += [line("mcptop_replica_sockets", 3, **of, state="made up")]
    parts += [line("mcptop_replica_pids", 1, project="p", service="no kind", replica="z")]
    parts += [line("mcptop_pool_in_use", 1, **of, pool="p", pool_kind="", peer="", source="", confidence="sure")]
    return "".join(parts)
