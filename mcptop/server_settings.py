"""The `[[postgres]]`, `[[redis]]` and `[prometheus]` tables: which servers to ask, named without their passwords."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from msgspec import Meta, Struct

_POSTGRES_SCHEMES = ("postgresql", "postgres")
_REDIS_SCHEMES = ("redis", "rediss", "unix")
_HTTP_SCHEMES = ("http", "https")
_KEYWORD = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?=\s|$)")
_SECRETS = ("password", "sslpassword")
_ENCODE = "is a `/`, `?`, `#` or `@` in the password written as %2F, %3F, %23 or %40?"


class Secret:
    """Text that may hold a password. It does not show itself, and msgspec refuses to encode it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for whoever opens the connection."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"


class Address(NamedTuple):
    """Where a server is, and what of its setting must never be shown."""

    host: str | None
    """None: the socket of this machine, or wherever the client library's own defaults point."""
    port: int
    passwords: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Address({self})"

    def __str__(self) -> str:
        if self.host is None or self.host.startswith("/"):
            return self.host or "its default address"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def without_passwords(self, text: str) -> str:
        """`text`, for instance of a library's error, with every password replaced."""
        for password in self.passwords:
            text = text.replace(password, "***")
        return text


class _Server(Struct, frozen=True, forbid_unknown_fields=True):
    container: str | None = None
    """The container, or the service of containers, inside which to ask."""
    service: str | None = None
    """The service that the server is, where its address does not tell."""
    timeout: Annotated[float, Meta(ge=0.1, le=60)] = 3.0
    """Seconds one look may take."""


class PostgresServer(_Server, frozen=True, forbid_unknown_fields=True):
    """A `[[postgres]]` table."""

    dsn: Secret | None = None
    """A URL or `key=value` pairs, as libpq takes them."""

    @property
    def address(self) -> Address | None:
        """Where it is; None for one that is asked inside its container. Raises ValueError, without the text."""
        return None if self.dsn is None else _postgres_address(self.dsn.reveal())

    def mistake(self) -> str | None:
        """What is wrong with the table, with the key; never a value."""
        return _mistake(self, "dsn", self.dsn)


class RedisServer(_Server, frozen=True, forbid_unknown_fields=True):
    """A `[[redis]]` table."""

    url: Secret | None = None
    """As redis-py takes it: redis://, rediss:// or unix://."""
    queues: tuple[str, ...] = ()
    """Keys whose depth to tell: lists, streams and sorted sets."""

    @property
    def address(self) -> Address | None:
        """Where it is; None for one that is asked inside its container. Raises ValueError, without the text."""
        return None if self.url is None else _redis_address(self.url.reveal())

    def mistake(self) -> str | None:
        """What is wrong with the table, with the key; never a value."""
        return _mistake(self, "url", self.url)


class PrometheusServer(Struct, frozen=True, forbid_unknown_fields=True):
    """The `[prometheus]` table: where the figures of many machines are, and who asks for them."""

    url: Secret | None = None
    """http:// or https://, with the path prefix it may have; None: this machine is looked at instead."""
    token_file: str | None = None
    """A file with a bearer token; read again for each question, as tokens change."""
    username: str | None = None
    password_env: str | None = None
    """The environment variable that holds the password of `username`."""
    ca: str | None = None
    """A file with the certificates to trust instead of the system's."""
    insecure: bool = False
    """Ask an https server whoever it is."""
    match: str | None = None
    """Label matchers that every series must meet, as in PromQL: `env="prod"`."""
    timeout: Annotated[float, Meta(ge=0.5, le=300)] = 10.0
    """Seconds one question may take."""

    @property
    def address(self) -> Address | None:
        """Where it is; None without one. Raises ValueError, without the text."""
        return None if self.url is None else _of_url(self.url.reveal(), _HTTP_SCHEMES, 0)

    def mistake(self) -> str | None:
        """What is wrong with the table, with the key; never a value."""
        try:
            address = self.address
        except ValueError as error:
            return f".url: {error}"
        if address is not None and not address.host:
            return ".url: names no host"
        if self.token_file is not None and (self.username is not None or (address and address.passwords)):
            return ": give it either token_file or a user with a password"
        if self.password_env is not None and self.username is None:
            return ".password_env: whose password? give it username too"
        return None


def decode(kind: type, value: object) -> Any:
    """For msgspec: how a `Secret` is made of what a file holds."""
    if kind is not Secret:
        raise NotImplementedError
    if not isinstance(value, str):
        raise TypeError("Expected `str`")
    return Secret(value)


def _mistake(server: PostgresServer | RedisServer, key: str, secret: Secret | None) -> str | None:
    if (secret is None) == (server.container is None):
        return f": give it either {key} or container"
    try:
        assert server.address is not None or secret is None
    except ValueError as error:
        return f".{key}: {error}"
    return None


def _postgres_address(dsn: str) -> Address:
    if "://" in dsn:
        address = _of_url(dsn, _POSTGRES_SCHEMES, 5432)
        return address._replace(host=address.host or None)
    values, position = {}, 0
    for match in _KEYWORD.finditer(dsn.rstrip()):
        if match.start() != position:
            break
        quoted = match[2].startswith("'")
        values[match[1]] = re.sub(r"\\(.)", r"\1", match[2][1:-1] if quoted else match[2])
        position = match.end()
    if position != len(dsn.rstrip()) or not values:
        raise ValueError("expected a URL (postgresql://...) or `key=value` pairs")
    # Several hosts are tried in their order; the first one names the server.
    host = (values.get("host") or values.get("hostaddr") or "").split(",")[0]
    port = (values.get("port") or "5432").split(",")[0]
    if not port.isdigit():
        raise ValueError("its port is not a number")
    return Address(host or None, int(port), tuple(values[key] for key in _SECRETS if values.get(key)))


def _redis_address(url: str) -> Address:
    address = _of_url(url, _REDIS_SCHEMES, 6379)
    if url.lower().startswith("unix:"):
        return address._replace(host=unquote(urlsplit(url).path) or None)
    return address._replace(host=address.host or "localhost")


def _of_url(url: str, schemes: tuple[str, ...], default_port: int) -> Address:
    try:
        parts = urlsplit(url)
        # urlsplit puts a part of an unencoded password where the port or the path should be.
        if parts.scheme not in schemes or "@" in parts.path + parts.query + parts.fragment or parts.fragment:
            raise ValueError
        host, port, name = (parts.netloc.rpartition("@")[2].split(",")[0], default_port, parts.hostname)
        if "," not in parts.netloc:
            port = parts.port or default_port
        else:
            name, _, digits = host.partition(":")
            port = int(digits or default_port)
    except ValueError:
        hint = f"; {_ENCODE}" if "@" in url else ""
        raise ValueError(f"expected a URL that begins with {schemes[0]}://{hint}") from None
    return Address(unquote(name or ""), port, tuple(_passwords(parts.password, parts.query)))


def _passwords(password: str | None, query: str) -> list[str]:
    """As they are written and as they are meant."""
    written = [password or ""]
    written += [value for key, _, value in (pair.partition("=") for pair in query.split("&")) if key in _SECRETS]
    return sorted({form for text in written for form in (text, unquote(text)) if form}, key=len, reverse=True)
