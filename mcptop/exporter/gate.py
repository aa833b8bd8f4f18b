"""Who is answered: by what name the server was asked for, and with which token. Pure.

A page in a browser can send requests to 127.0.0.1, and a name whose address changes (DNS rebinding) makes such a page
look like ours. So whoever asks a loopback listener must name a loopback address.
"""

from __future__ import annotations

import hmac
import ipaddress
from http import HTTPStatus
from typing import NamedTuple


class Refusal(NamedTuple):
    """An answer that is none."""

    status: HTTPStatus
    says: str


class Gate(NamedTuple):
    """What a request must have."""

    is_loopback: bool
    token: bytes | None = None

    def __repr__(self) -> str:
        return f"Gate(is_loopback={self.is_loopback}, token={'***' if self.token else None})"

    def refusal(self, host: str | None, authorization: str | None, needs_token: bool = True) -> Refusal | None:
        """Why it is not answered, by its headers `Host` and `Authorization`."""
        if self.is_loopback and not is_loopback_name(host or ""):
            return Refusal(HTTPStatus.FORBIDDEN, "ask for 127.0.0.1 or localhost, not for another name")
        if self.token is None or not needs_token:
            return None
        scheme, _, given = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            given.strip().encode("latin-1", "replace"), self.token
        ):
            return Refusal(HTTPStatus.UNAUTHORIZED, "give the token: Authorization: Bearer TOKEN")
        return None


def is_loopback_name(host: str) -> bool:
    """Whether a `Host` header names this machine's loopback, with any port: through a tunnel it is another one."""
    name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not colon:
        name = host
    elif not (port.isascii() and port.isdigit()):
        return False
    return name.lower() == "localhost" or is_loopback(name.removeprefix("[").removesuffix("]"))


def is_loopback(address: str) -> bool:
    """Of an IP address; False for what is none."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
