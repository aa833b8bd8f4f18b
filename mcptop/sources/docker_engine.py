"""A Docker Engine, through the `docker` package: which containers there are, what state they are in, what happens.

The package's business: DOCKER_HOST, contexts, TLS, ssh, API negotiation. Ours: turning its answers and its
many kinds of failure into plain values and one exception with one clear line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources import pool_settings
from mcptop.sources.address_book import addresses_of
from mcptop.units import plain

# The health-check execs of a busy stack are most of an unfiltered event stream.
_EVENTS = ("create", "start", "die", "oom", "kill", "restart", "health_status", "pause", "unpause", "destroy",
           "rename", "update")  # fmt: skip
_MIN_API = (1, 41)
DEFAULT_SOCKET = "/var/run/docker.sock"

Answer = Mapping[str, Any]
"""A JSON object of the Engine API."""


class EngineError(Exception):
    """The engine cannot be asked; the message is one line: what, where, what to do."""


class Event(NamedTuple):
    """Something that happened to a container."""

    action: str
    container: str
    at: int
    """Unix seconds."""
    exit_code: int | None


class DockerEngine:
    """A connection to one engine. Every call may raise `EngineError`."""

    def __init__(self, host: str | None = None, timeout_s: int = 5) -> None:
        # Here and not above: the package takes longer to load than everything else of a headless look.
        import docker
        from docker.errors import DockerException

        environment = dict(os.environ) | ({"DOCKER_HOST": host} if host else {})
        self.endpoint = environment.get("DOCKER_HOST") or _context_endpoint(environment.get("DOCKER_CONTEXT"))
        try:
            client = docker.DockerClient.from_env(
                version="auto", timeout=timeout_s, environment=environment, use_ssh_client=True
            )
        except (DockerException, OSError, ValueError) as error:
            raise EngineError(explain(error, self.endpoint)) from error
        self._api = client.api
        self.api_version: str = self._api.api_version
        if tuple(int(part) for part in self.api_version.split(".")[:2]) < _MIN_API:
            raise EngineError(
                f"docker at {self.endpoint} speaks API {self.api_version}; mcptop needs 1.41 (Docker 20.10) or newer"
            )
        info = self._ask("info")
        self.version = str(info.get("ServerVersion", "?"))
        self.kernel = str(info.get("KernelVersion", ""))
        self.cgroup_version = str(info.get("CgroupVersion", ""))
        self.operating_system = str(info.get("OperatingSystem", ""))

    @property
    def is_unix_socket(self) -> bool:
        """Whether the engine is asked through a socket of this machine (it may still be a proxy into a VM)."""
        return self._api.base_url == "http+docker://localhost"

    def _ask(self, call: str, *args: Any, **options: Any) -> Any:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            return getattr(self._api, call)(*args, **options)
        except (DockerException, RequestException, OSError, ValueError) as error:
            raise EngineError(explain(error, self.endpoint)) from error

    def containers(self) -> list[Answer]:
        """One answer for all containers, stopped ones too: names, labels, state, networks."""
        return cast("list[Answer]", self._ask("containers", all=True))

    def inspect(self, container: str) -> Answer | None:
        """Everything about one container; None when it is gone."""
        from docker.errors import NotFound
        from requests.exceptions import RequestException

        try:
            return cast(Answer, self._api.inspect_container(container))
        except NotFound:
            return None
        except (RequestException, OSError, ValueError) as error:
            raise EngineError(explain(error, self.endpoint)) from error

    def ping(self) -> None:
        """Whether the engine still answers."""
        self._ask("ping")

    def events(self, since: int) -> EventStream:
        """The filtered event stream from `since` (Unix seconds) on; it ends when the engine goes away."""
        filters = {"type": "container", "event": list(_EVENTS)}
        return EventStream(self._ask("events", since=since, filters=filters, decode=True))

    def stats(self, container: str) -> StatsStream:
        """About one answer a second with the engine's own figures of one container."""
        return StatsStream(self._ask("stats", container, stream=True, decode=True))

    def exec_create(self, container: str, argv: Sequence[str], environment: Mapping[str, str]) -> str:
        """Prepare a program in a running container; its id."""
        answer = self._ask("exec_create", container, list(argv), environment=dict(environment), stdin=True)
        return str(answer["Id"])

    def exec_start(self, identity: str) -> Any:
        """Start it; the raw connection to its streams, which honours the timeout of this engine's connections."""
        return self._ask("exec_start", identity, socket=True)

    def exec_state(self, identity: str) -> Answer:
        """Whether it runs, and its exit code."""
        return cast(Answer, self._ask("exec_inspect", identity))

    def close(self) -> None:
        """Close all connections."""
        self._api.close()


def _context_endpoint(name: str | None) -> str:
    """The address of the named or current context.

    For one that does not exist the package itself would silently take the local engine.
    """
    from docker.context import ContextAPI
    from docker.errors import DockerException

    try:
        context = ContextAPI.get_context(name)
    except (DockerException, OSError, ValueError, KeyError) as error:
        raise EngineError(f"docker context `{plain(name or 'current')}`: {_last_line(error)}") from error
    if context is None:
        from docker.context.config import get_current_context_name

        missing = plain(name or get_current_context_name())
        raise EngineError(f"docker context `{missing}` does not exist: see `docker context ls`, or set DOCKER_HOST")
    return context.Host or f"unix://{DEFAULT_SOCKET}"


class EventStream:
    """Events as they happen. `close` from another thread ends the iteration."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Event]:
        try:
            for raw in self._stream:
                if event := parse_event(raw):
                    yield event
        except Exception as error:
            # Whatever a cut connection raises in the layers below means the same thing here.
            raise EngineError(f"the event stream broke off: {_last_line(error)}") from error

    def close(self) -> None:
        """End the stream."""
        try:
            self._stream.close()
        except (OSError, AttributeError, ValueError):
            return


class StatsStream:
    """The stats of one container as they come. `close` from another thread ends the iteration at its next answer."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Answer]:
        try:
            yield from self._stream
        except Exception as error:
            raise EngineError(f"the stats stream broke off: {_last_line(error)}") from error


def parse_event(raw: Answer) -> Event | None:
    """An event of the stream; None for one that is not a container's. `health_status: unhealthy` is `health_status`."""
    actor = raw.get("Actor") or {}
    action = str(raw.get("Action") or raw.get("status") or "").partition(":")[0]
    identity = str(actor.get("ID") or raw.get("id") or "")
    if not action or not identity:
        return None
    code = str((actor.get("Attributes") or {}).get("exitCode", ""))
    return Event(action, identity, int(raw.get("time") or 0), int(code) if code.isdigit() else None)


def explain(error: Exception, endpoint: str) -> str:
    """A failure of the engine or the package as one line: what, where, what to do."""
    text = f"{error} {error.__cause__ or ''} {error.__context__ or ''}"
    if "PermissionError" in text or "Permission denied" in text:
        return f"no permission on {endpoint}: run as root or as a member of the socket's group"
    if "FileNotFoundError" in text or "No such file" in text:
        return f"no docker engine at {endpoint}: start it, or set DOCKER_HOST"
    if "ConnectionRefused" in text or "Connection refused" in text:
        return f"the docker engine at {endpoint} refuses connections: is it running?"
    if "timed out" in text.lower() or "timeout" in text.lower():
        return f"the docker engine at {endpoint} does not answer in time"
    if "paramiko" in text:
        return f"{endpoint} needs ssh support: pip install 'mcptop[ssh]'"
    return f"docker at {endpoint}: {_last_line(error)}"


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1][:200] if lines else type(error).__name__


def target_of(listed: Answer, inspected: Answer | None) -> Target:
    """One container as a target, from its entry in the list and, where there is one already, its inspect answer.

    Names, labels and images are whatever somebody wrote: they are made harmless here, once for all readers.
    """
    labels: Mapping[str, str] = listed.get("Labels") or {}
    name = next((str(n).lstrip("/") for n in listed.get("Names") or ()), str(listed["Id"])[:12])
    project, service = service_of(labels, name)
    state = (inspected or {}).get("State") or {}
    settings = (inspected or {}).get("HostConfig") or {}
    networks = (inspected or listed).get("NetworkSettings") or {}
    addresses, gateways = addresses_of((networks.get("Networks") or {}).values())
    ended = state.get("Status", listed.get("State")) in ("exited", "dead", "restarting")
    return Target(
        id=str(listed["Id"]),
        name=plain(name),
        kind=Kind.CONTAINER,
        project=plain(project) if project else None,
        service=plain(service),
        pid=state.get("Pid") or None,
        state=str(state.get("Status") or listed.get("State") or "unknown"),
        health=_health(state, str(listed.get("Status") or "")),
        image=plain(str(listed.get("Image") or "")) or None,
        started_at=_timestamp(state.get("StartedAt")),
        restarts=(inspected or {}).get("RestartCount"),
        oom_killed=bool(state.get("OOMKilled")),
        exit_code=state.get("ExitCode") if ended else None,
        memory_limit_bytes=settings.get("Memory") or None,
        cpu_limit_cores=_cpu_limit(settings),
        metrics_url=labels.get("mcptop.metrics") or _prometheus_url(labels),
        addresses=addresses,
        gateways=gateways,
        published=_published(listed),
        environment=pool_settings.read((inspected or {}).get("Config", {}).get("Env") or ()),
    )


def service_of(labels: Mapping[str, str], name: str) -> tuple[str | None, str]:
    """Project and service by the labels of Compose or Swarm; a container without them is a service of its own."""
    if service := labels.get("com.docker.compose.service"):
        return labels.get("com.docker.compose.project") or None, service
    if service := labels.get("com.docker.swarm.service.name"):
        stack = labels.get("com.docker.stack.namespace") or None
        return stack, service.removeprefix(f"{stack}_") if stack else service
    return labels.get("com.docker.compose.project") or None, name


def _prometheus_url(labels: Mapping[str, str]) -> str | None:
    """The annotations of Prometheus as labels; the host is left out where it is the container's own address."""
    port = labels.get("prometheus.io/port", "")
    if labels.get("prometheus.io/scrape") != "true" or not port.isdigit():
        return None
    path = labels.get("prometheus.io/path", "/metrics")
    return f"{labels.get('prometheus.io/scheme', 'http')}://:{port}/{path.lstrip('/')}"


def _published(listed: Answer) -> tuple[tuple[int, int], ...]:
    ports = listed.get("Ports") or ()
    return tuple(sorted({(int(p["PublicPort"]), int(p["PrivatePort"])) for p in ports if p.get("PublicPort")}))


def _health(state: Answer, status: str) -> str | None:
    found = str((state.get("Health") or {}).get("Status") or "")
    if not found:
        # The list has it in brackets only: "Up 3 minutes (healthy)", "Up 2 seconds (health: starting)".
        found = status.rpartition("(")[2].rstrip(")").removeprefix("health: ") if status.startswith("Up") else ""
    return found if found in ("healthy", "unhealthy", "starting") else None


def _cpu_limit(settings: Answer) -> float | None:
    if nano := settings.get("NanoCpus"):
        return float(nano) / 1e9
    quota, period = settings.get("CpuQuota") or 0, settings.get("CpuPeriod") or 100_000
    return float(quota) / float(period) if quota > 0 else None


def _timestamp(text: str | None) -> datetime | None:
    if not text or text.startswith("0001-"):
        return None
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:
        return None
