"""What a service is told by its environment, under the guide's names and with the guide's defaults."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec

from mcptop.demo.systems.sizes import parse_bytes

Count = Annotated[int, msgspec.Meta(ge=1)]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(gt=0)]


class SettingsError(Exception):
    """A variable that cannot be read, or names what cannot be had: an address in use, a server that is not there."""


class Settings(msgspec.Struct, frozen=True, rename="upper", kw_only=True):
    """One service's settings: each field is the environment variable of that name in capitals."""

    mcptop_service: str = "mcp-api"
    mcptop_project: str = "mcp-demo"

    listen_host: str = "127.0.0.1"
    listen_port: int = 0
    api_url: str = "http://127.0.0.1:4000"
    worker_url: str = "http://127.0.0.1:4001"
    model_runner_url: str = "http://127.0.0.1:4002"
    ui_url: str = "http://127.0.0.1:4003"

    demo_dir: str = "."
    """This service's own folder: switches, data, scratch."""
    demo_keeper: int = 0
    """Process id of who started us, and whose end is ours; 0 in a container."""
    demo_open_files: int = 0
    """Soft limit of open files; 0 leaves it as it is."""
    database_url: str = ""
    """Empty: a SQLite file in the service's folder."""
    redis_url: str = ""
    """Empty: the queue lives in the worker's process."""

    http_pool_connections: Count = 100
    http_pool_maxsize: Count = 100
    http_max_retries: Natural = 3
    http_timeout: Amount = 30.0
    rate_limit_requests: Count = 1000
    rate_limit_window: Amount = 3600.0
    max_tokens_per_request: Count = 4096
    max_concurrent_requests: Count = 10
    db_pool_size: Count = 20
    db_max_overflow: Natural = 30
    db_pool_recycle: int = 300
    api_replicas: Count = 1
    web_concurrency: Count = 1
    """Processes of each replica; with the replicas it says how many such pools the database has to bear."""
    cache_ttl: Amount = 300.0
    cache_bytes: str = "8m"

    memory_limit: str = ""
    """This service's own limit (the profile's); a container's is read from its cgroup instead."""
    cpu_limit: Amount = 1.0
    model_memory_limit: str = "8g"
    """The model runner's limit, which bounds what the worker's model manager may load there."""
    model_scale: Count = 32
    """The demo's models are this much smaller than the ones they are named after, so that a laptop can hold them."""

    worker_queue_capacity: Count = 500
    worker_concurrency: Count = 16
    batch_size: Count = 4
    batch_max_wait: float = 0.05

    load_per_minute: Annotated[float, msgspec.Meta(ge=0)] = 600.0
    load_mix: str = "smollm2-360m=7,tinyllama-1.1b=3"
    """Models and their shares of the requests."""
    load_users: Count = 200
    """Requests come from so many callers: the guide's rate limit is per caller and hour."""

    @property
    def directory(self) -> Path:
        """The service's own folder."""
        return Path(self.demo_dir)

    @property
    def limit_bytes(self) -> int | None:
        """The profile's memory limit of this service."""
        return parse_bytes(self.memory_limit) if self.memory_limit else None

    @property
    def model_budget_bytes(self) -> int:
        """What the models may take together, on the demo's scale."""
        return parse_bytes(self.model_memory_limit) // self.model_scale


@contextmanager
def given_by(variable: str) -> Iterator[None]:
    """What is made of a variable's value, or looked for at its address: a failure is a `SettingsError` naming it."""
    try:
        yield
    except ValueError as problem:
        raise SettingsError(f"{variable}: {problem}") from None
    except ConnectionError as problem:
        raise SettingsError(f"{problem}; start it, or change {variable}") from problem


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process. Raises `SettingsError` naming variable and expectation."""
    known = {name.upper() for name in Settings.__struct_fields__}
    given = {name: value for name, value in environment.items() if name in known and value != ""}
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        # msgspec says "Expected `int` >= 1 - at `$.BATCH_SIZE`".
        expected, _, where = str(error).partition(" - at `$.")
        name = where.strip("`")
        raise SettingsError(f"{name}={given.get(name, '')}: {expected[0].lower()}{expected[1:]}") from None
    for name in ("MEMORY_LIMIT", "MODEL_MEMORY_LIMIT", "CACHE_BYTES"):
        with given_by(name):
            if text := getattr(settings, name.lower()):
                parse_bytes(text)
    return settings
