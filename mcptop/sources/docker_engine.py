"""A Docker Engine, through the `docker` package: which containers there are, what state they are in, what happens.

The package's business: DOCKER_HOST, contexts, TLS, ssh, API negotiation. Ours: turning its answers and its
many kinds of failure into plain values and one exception with one clear line.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from mcptop.sources.docker_target import Answer
from mcptop.units import plain

# The health-check execs of a busy stack are most of an unfiltered event stream.
_EVENTS = ("create", "start", "die", "oom", "kill", "restart", "health_status", "pause", "unpause", "destroy",
           "rename", "update")  # fmt: skip
_MIN_API = (1, 41)
DEFAULT_SOCKET = "/var/run/docker.sock"


class EngineError(Exception):
    """The engine cannot be asked; the message is one line: what, where, what to do."""


class Event(NamedTuple):
    """Something that happened to a container."""

    action: str
    container: str
    at: int
    """Unix seconds."""
    exit_code: int | None
    signal: int | None = None
    """Which one somebody had sent to it."""


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
        self.machine = plain(str(info.get("Name") or ""), 64)
        """The name of the machine the engine is on, as it says itself."""

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

    def top(self, container: str, columns: str) -> Answer:
        """The processes of a running container as the engine's own `ps -eo` prints these columns: Titles, Processes."""
        return cast(Answer, self._ask("top", container, ps_args=f"-eo {columns}"))

    def ping(self) -> None:
        """Whether the engine still answers."""
        self._ask("ping")

    def events(self, since: int) -> EventStream:
        """The filtered event stream from `since` (Unix seconds) on; it ends when the engine goes away."""
        filters = {"type": "container", "event": list(_EVENTS)}
        return EventStream(self._ask("events", since=since, filters=filters, decode=True))

    def swarm_events(self, since: int) -> Any:
        """What happens to Swarm's services and nodes from `since` on, undecoded; of its tasks there are no events."""
        return self._ask("events", since=since, filters={"type": ["service", "node"]}, decode=True)

    def swarm(self) -> Answer:
        """What this node is in a swarm: LocalNodeState, ControlAvailable, Error."""
        return cast(Answer, self._ask("info").get("Swarm") or {})

    def services(self) -> list[Answer]:
        """Swarm's services, with how many of their tasks run. Only managers know."""
        return cast("list[Answer]", self._ask("services", status=True))

    def tasks(self) -> list[Answer]:
        """Swarm's tasks, the last few ended ones of each slot too."""
        return cast("list[Answer]", self._ask("tasks"))

    def nodes(self) -> list[Answer]:
        """The machines of the swarm."""
        return cast("list[Answer]", self._ask("nodes"))

    def past_events(self, since: float, until: float, timeout_s: float) -> list[Answer]:
        """What happened to anything between two moments (Unix seconds), as far as the engine remembers (256 events)."""
        stream = self._ask("events", since=f"{since:.9f}", until=f"{until:.9f}", decode=True)
        # An engine whose clock is behind ours would wait for the end.
        timer = threading.Timer(timeout_s, stream.close)
        timer.start()
        found: list[Answer] = []
        try:
            found += stream
        except Exception as error:
            # Whatever a cut connection raises in the layers below means the same thing here.
            raise EngineError(f"the event stream broke off: {_last_line(error)}") from error
        finally:
            timer.cancel()
            stream.close()
        return found

    def logs(self, container: str, lines: int, since: float) -> bytes:
        """The last lines a container wrote since a moment (Unix seconds), each with the time in front of it."""
        return cast(bytes, self._ask("logs", container, timestamps=True, tail=lines, since=since))

    def log_stream(self, container: str, tail: int, since: str | None) -> Any:
        """The answer whose body is a container's log from `since` (Unix seconds) on, as it is written; not read yet."""
        options = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": 1, "tail": tail}
        url = self._ask("_url", "/containers/{0}/logs", container)
        response = self._ask("_get", url, params=options | ({"since": since} if since else {}), stream=True)
        self._ask("_raise_for_status", response)
        return response

    def stats_now(self, container: str) -> Answer:
        """One answer with the engine's own figures; it takes the engine up to two seconds."""
        return cast(Answer, self._ask("stats", container, stream=False))

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
    about = actor.get("Attributes") or {}
    code, signal = (
        int(text) if (text := str(about.get(name, ""))).isdigit() else None for name in ("exitCode", "signal")
    )
    return Event(action, identity, int(raw.get("time") or 0), code, signal)


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
