"""What the exporter is asked to be: where it listens, who may ask, with which certificate. Mistakes are one line."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from mcptop.exporter.gate import Gate, is_loopback
from mcptop.units import plain

TOKEN_VARIABLE = "MCPTOP_EXPORTER_TOKEN"
_LONGEST_TOKEN = 4096


class PlanError(Exception):
    """It cannot be so; one line: what, and what to do."""


class Plan(Struct, frozen=True, eq=False):
    """Ready to listen."""

    address: str
    """An IP address."""
    port: int
    """0: a free one."""
    gate: Gate
    tls: ssl.SSLContext | None = None

    @property
    def warning(self) -> str | None:
        """What the reader should know of it."""
        if self.gate.is_loopback:
            return None
        if self.gate.token is None:
            return f"anybody who reaches {self.address} may read the metrics (--allow-unauthenticated)"
        if self.tls is None:
            return "the token crosses the network unencrypted; give --tls-cert and --tls-key"
        return None


def plan(
    listen: str,
    token_file: Path | None,
    tls: tuple[Path | None, Path | None],
    allow_unauthenticated: bool,
    environment: Mapping[str, str],
) -> Plan:
    """Of what the command line says; `tls` is certificate and key. Raises `PlanError`."""
    address, port = _address(listen)
    token = _token(token_file, environment)
    gate = Gate(is_loopback(address), token)
    if not gate.is_loopback and token is None and not allow_unauthenticated:
        raise PlanError(
            f"--listen {plain(listen)} can be reached from other machines: give --token-file FILE "
            f"(or {TOKEN_VARIABLE}), or --allow-unauthenticated if everybody there may read"
        )
    return Plan(address, port, gate, _tls(*tls))


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise PlanError(f"--listen {plain(listen)}: expected ADDRESS:PORT, such as 127.0.0.1:9477 or [::1]:9477")
    try:
        found = socket.getaddrinfo(host.removeprefix("[").removesuffix("]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise PlanError(f"--listen {plain(listen)}: no such address here; give an IP address of this machine") from None
    return str(found[0][4][0]), int(port)


def _token(file: Path | None, environment: Mapping[str, str]) -> bytes | None:
    """The file's goes before the variable's. What is read is never part of an error."""
    where, text = TOKEN_VARIABLE, environment.get(TOKEN_VARIABLE, "").encode("utf-8", "surrogateescape")
    if file is not None:
        where = f"--token-file {plain(str(file))}"
        try:
            with file.open("rb") as opened:
                text = opened.read(_LONGEST_TOKEN + 1)
        except OSError as error:
            raise PlanError(f"{where}: cannot be read ({error.strerror})") from None
    elif not text:
        return None
    token = text.strip()
    if not token or len(token) > _LONGEST_TOKEN or any(byte <= 0x20 or byte >= 0x7F for byte in token):
        raise PlanError(f"{where}: expected one line of printable ASCII without spaces, such as `openssl rand -hex 32`")
    return token


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        if key is not None:
            raise PlanError("--tls-key needs --tls-cert")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    files = plain(" and ".join(os.fspath(each) for each in (certificate, key) if each is not None))
    try:
        # Without a password of its own OpenSSL would ask at the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        why = (error.reason or "not a certificate with its key").lower().replace("_", " ")
        raise PlanError(f"TLS: {files}: {why}; expected PEM, the key unencrypted and that of the certificate") from None
    except OSError as error:
        raise PlanError(f"TLS: {files}: cannot be read ({error.strerror})") from None
    return context
