"""Settings: the TOML file, then the environment, then the flags; each error names file, key and what was expected."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mcptop.alert_settings import Notify, OwnAlert
from mcptop.keymaps import grammar, shipped
from mcptop.server_settings import PostgresServer, PrometheusServer, RedisServer, decode
from mcptop.units import plain

ENVIRONMENT = {
    "MCPTOP_INTERVAL": "interval",
    "MCPTOP_API_ONLY": "api_only",
    "MCPTOP_PATH_PROCFS": "path_procfs",
    "MCPTOP_PATH_SYSFS": "path_sysfs",
    "MCPTOP_THEME": "theme",
    "MCPTOP_SCRAPE": "scrape",
    "MCPTOP_SCRAPE_INTERVAL": "scrape_interval",
    "MCPTOP_PROBE": "probe",
    "MCPTOP_PROMETHEUS": "prometheus",
}
"""Environment variable -> setting. `MCPTOP_CONFIG` names the file itself."""


FLEET_INTERVAL_S = 5.0
"""The interval where a Prometheus server is asked and nobody says otherwise: scrapes come every 15 s or so."""


class ConfigError(Exception):
    """A setting is wrong; the message is one line: where, which key, what was expected."""


class ServiceRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A `[[service]]` table: host processes that match all its patterns are this service."""

    name: str
    project: str | None = None
    process: str | None = None
    """The program's name; `*` and `?` as in the shell."""
    command: str | None = None
    """A regular expression found anywhere in the command line."""
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    """A TCP port the process listens on."""
    unit: str | None = None
    """The systemd unit, without `.service`; `*` and `?` as in the shell."""
    metrics: str | None = None
    """Where the service's metrics are: a URL."""

    def matches(self, program: str, command: str, unit: str | None, ports: frozenset[int]) -> bool:
        """Whether a process is this service's."""
        return (
            (self.process is None or fnmatch.fnmatchcase(program, self.process))
            and (self.command is None or re.search(self.command, command) is not None)
            and (self.port is None or self.port in ports)
            and (self.unit is None or fnmatch.fnmatchcase(unit or "", self.unit))
        )


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    interval: Annotated[float, Meta(ge=0.2, le=60)] = 1.0
    """Seconds between two samples."""
    docker_host: str | tuple[str, ...] | None = None
    """The engine's address, or several; without any DOCKER_HOST, then the current context, then the local socket."""
    api_only: bool = False
    """Do not read the kernel's files for containers; ask the engine only."""
    path_procfs: str = "/proc"
    path_sysfs: str = "/sys"
    scrape: bool = True
    """Read the metrics that services name."""
    scrape_interval: Annotated[float, Meta(ge=1, le=300)] = 5.0
    """Seconds between two reads of one endpoint."""
    probe: bool = False
    """Look for metrics on the ports that the other services listen on."""
    theme: str | None = None
    """dark or light."""
    mouse: bool = True
    """The dashboard listens to the mouse; without, the terminal's own selection works."""
    view: str | None = None
    """A saved view the dashboard opens with."""
    keymap: str | None = None
    """A table of keys that comes with mcptop: htop, k9s, lazydocker."""
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    """Id of an action -> its keys; goes before the keymap."""
    service: tuple[ServiceRule, ...] = ()
    postgres: tuple[PostgresServer, ...] = ()
    """Servers to ask for their clients."""
    redis: tuple[RedisServer, ...] = ()
    """Servers to ask for their clients and their queues."""
    prometheus: PrometheusServer = PrometheusServer()
    """Whose figures to show instead of this machine's."""
    alerts: dict[str, Any] = msgspec.field(default_factory=dict)
    """Id of a shipped rule -> what is different of it; checked by `mcptop.alerts.in_force`."""
    alert: tuple[OwnAlert, ...] = ()
    """Rules of one's own."""
    notify: Notify = Notify()

    @property
    def engines(self) -> tuple[str | None, ...]:
        """The addresses of all engines, one at least; what is alone there (a manager, a banner) is the first's."""
        return self.docker_host if isinstance(self.docker_host, tuple) else (self.docker_host,)

    @property
    def engine(self) -> str | None:
        """The first engine's address; None: where `DockerEngine` finds one by itself."""
        return self.engines[0]


_ENGINE = re.compile(r"(?:unix|tcp|ssh|https?|npipe|fd)://\S+|[^/\s:]+:\d+")
"""What the engine's own package takes as an address."""
_TABLES: dict[str, type[Struct]] = {
    "service": ServiceRule,
    "postgres": PostgresServer,
    "redis": RedisServer,
    "prometheus": PrometheusServer,
    "alert": OwnAlert,
    "notify": Notify,
}


def default_path() -> Path:
    """Where the configuration file is when nobody says otherwise."""
    import platformdirs

    return Path(platformdirs.user_config_dir("mcptop")) / "config.toml"


def user_tables() -> Path | None:
    """Where the user's own adapters are; None without such a folder."""
    folder = default_path().with_name("adapters")
    return folder if folder.is_dir() else None


def views_folder() -> Path:
    """Where saved views are; it may be absent."""
    return default_path().with_name("views")


def file_in_force(path: Path | None, environment: Mapping[str, str]) -> tuple[Path, bool]:
    """The configuration file, and whether somebody named it: then it must exist. `path` is what the flag says."""
    named = path or (Path(environment["MCPTOP_CONFIG"]) if environment.get("MCPTOP_CONFIG") else None)
    return named or default_path(), named is not None


def load(path: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """The settings in force. `path` None: the default file, which may be absent; a named file must exist.

    `flags` holds only what was given on the command line. Raises `ConfigError`.
    """
    file, must_exist = file_in_force(path, environment)
    values = _read(file, must_exist)
    if isinstance(values.get("keys"), dict):
        values["keys"] = _flat(values["keys"])
    origin = {key: f"{file}" for key in values}
    for variable, key in ENVIRONMENT.items():
        if text := environment.get(variable):
            values[key], origin[key] = _set(values, key, text), variable
    values.update({key: _set(values, key, value) for key, value in flags.items()})
    origin.update({key: "--" + key.removeprefix("docker_").replace("_", "-") for key in flags})
    if "interval" not in values and _names_prometheus(values):
        values["interval"] = FLEET_INTERVAL_S
    try:
        settings = msgspec.convert(values, Settings, strict=not _from_environment(origin), dec_hook=decode)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), origin, str(file))) from error
    _check(settings, str(file))
    return settings


def _set(values: Mapping[str, Any], key: str, value: Any) -> Any:
    """A variable or flag names the address of the Prometheus server; what the file says of it stays."""
    if key != "prometheus":
        return value
    table = values.get(key)
    # Nothing is nobody: this machine is looked at, whatever the file says.
    return {**(table if isinstance(table, dict) else {}), "url": value or None}


def _names_prometheus(values: Mapping[str, Any]) -> bool:
    table = values.get("prometheus")
    return isinstance(table, dict) and bool(table.get("url"))


def _flat(table: dict[str, Any]) -> dict[str, Any]:
    """TOML reads `dashboard.sort = "s"` without quotes as a table in a table; the id is meant."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        inner = _flat(value) if isinstance(value, dict) else {"": value}
        found |= {f"{name}.{rest}" if rest else name: each for rest, each in inner.items()}
    return found


def _from_environment(origin: Mapping[str, str]) -> bool:
    return any(where in ENVIRONMENT for where in origin.values())


def _read(path: Path, must_exist: bool) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        if must_exist:
            raise ConfigError(f"{path}: no such file; give another with --config") from None
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        values = msgspec.toml.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    return dict(values)


def _explain(message: str, origin: Mapping[str, str], path: str) -> str:
    """msgspec says `Expected `int`, got `str` - at `$.service[0].port``; say it with the file and the key's name."""
    what, _, where = message.partition(" - at ")
    key = where.strip("`").removeprefix("$").lstrip(".") or "top level"
    place = origin.get(re.split(r"[.\[]", key)[0], path)
    if unknown := re.match(r"Object contains unknown field `(.+)`", what):
        fields = _TABLES.get(key.partition("[")[0], Settings).__struct_fields__
        return f"{path}: unknown key `{unknown[1]}` ({key}); known are: {', '.join(fields)}"
    if what == "Expected `array`, got `object`" and key in _TABLES:
        return f"{place}: {key}: expected a table in double brackets: [[{key}]]"
    if missing := re.fullmatch(r"Object missing required field `(.+)`", what):
        return f"{place}: {key}: `{missing[1]}` is missing"
    what = what.replace("Expected `array`, got `str`", 'expected a list such as ["one", "two"], got a text')
    return f"{place}: {key}: {what[0].lower()}{what[1:]}"


def _check(settings: Settings, path: str) -> None:
    if settings.theme not in (None, "dark", "light"):
        raise ConfigError(f"theme: expected `dark` or `light`, got `{settings.theme}`")
    if not settings.engines or len(set(settings.engines)) < len(settings.engines) or "" in settings.engines:
        raise ConfigError("docker_host (--host): give the address of each engine once")
    for address in settings.engines:
        if address is not None and not _ENGINE.fullmatch(address):
            shown = plain(address, 60)
            raise ConfigError(f"docker_host (--host): expected unix://, tcp:// or ssh:// and an address, got `{shown}`")
    _check_keys(settings, path)
    for position, rule in enumerate(settings.service):
        if not (rule.process or rule.command or rule.port or rule.unit):
            raise ConfigError(
                f"{path}: service[{position}] `{rule.name}` matches nothing: give it process, command, port or unit"
            )
        try:
            re.compile(rule.command or "")
        except re.error as error:
            raise ConfigError(f"{path}: service[{position}].command: not a regular expression: {error}") from error
    if mistake := settings.notify.mistake():
        raise ConfigError(f"{path}: notify{mistake}")
    servers: dict[str, tuple[PostgresServer | RedisServer, ...]] = {
        "postgres": settings.postgres,
        "redis": settings.redis,
    }
    for name, tables in servers.items():
        for position, server in enumerate(tables):
            if mistake := server.mistake():
                raise ConfigError(f"{path}: {name}[{position}]{mistake}")
    if mistake := settings.prometheus.mistake():
        raise ConfigError(f"prometheus{mistake}")


def _check_keys(settings: Settings, path: str) -> None:
    """Keys are read here; whether there are such actions only the dashboard knows."""
    if settings.keymap is not None and settings.keymap not in shipped.names():
        raise ConfigError(f"{path}: keymap: no `{settings.keymap}`; there are: {', '.join(shipped.names())}")
    for id, text in settings.keys.items():
        try:
            grammar.parse(text)
        except grammar.KeyNameError as error:
            raise ConfigError(f"{path}: keys.{id}: {error}") from None


def paths_exist(settings: Settings) -> None:
    """Raise `ConfigError` when a root that was named is not there."""
    for flag, root in (("--path-procfs", settings.path_procfs), ("--path-sysfs", settings.path_sysfs)):
        if not os.path.isdir(root):
            raise ConfigError(f"{flag} {root}: no such directory")
