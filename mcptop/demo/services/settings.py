"""What a service is told by its environment, under the guide's names and with the guide's defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from mcptop.demo.systems.sizes import parse_bytes


class SettingsError(Exception):
    """A variable that cannot be read; one line."""


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

    http_pool_connections: int = 100
    http_pool_maxsize: int = 100
    http_max_retries: int = 3
    http_timeout: float = 30.0
    rate_limit_requests: int = 1000
    rate_limit_window: float = 3600.0
    max_tokens_per_request: int = 4096
    max_concurrent_requests: int = 10
    db_pool_size: int = 20
    db_max_overflow: int = 30
    db_pool_recycle: int = 300
    api_replicas: int = 1
    web_concurrency: int = 1
    """Processes of each replica; with the replicas it says how many such pools the database has to bear."""
    cache_ttl: float = 300.0
    cache_bytes: str = "8m"

    memory_limit: str = ""
    """This service's own limit (the profile's); a container's is read from its cgroup instead."""
    cpu_limit: float = 1.0
    model_memory_limit: str = "8g"
    """The model runner's limit, which bounds what the worker's model manager may load there."""
    model_scale: int = 32
    """The demo's models are this much smaller than the ones they are named after, so that a laptop can hold them."""

    worker_queue_capacity: int = 500
    worker_concurrency: int = 16
    batch_size: int = 4
    batch_max_wait: float = 0.05

    load_per_minute: float = 600.0
    load_users: int = 200
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


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process. Raises `SettingsError` naming variable and expectation."""
    known = {name.upper() for name in Settings.__struct_fields__}
    given = {name: value for name, value in environment.items() if name in known and value != ""}
    try:
        settings = msgspec.convert(given, Settings, strict=False)
        for name in ("memory_limit", "model_memory_limit", "cache_bytes"):
            if text := getattr(settings, name):
                parse_bytes(text)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(f"the environment: {error}") from None
    return settings
