"""Who may come in: pages of this very server, asked for by their loopback name, with the token. Pure.

Any page a browser has open can send requests to 127.0.0.1, and a name whose address changes (DNS rebinding) makes such
a page look like ours. So the name in the request must be a loopback one, its origin must be this server, and it must
know what was only printed on the terminal.
"""

from __future__ import annotations

import hmac

NAMES = ("127.0.0.1", "localhost")
"""The port is not looked at: through a tunnel it is another one."""


def refusal(host: str, origin: str | None, needs_origin: bool = False) -> str:
    """Why a request with these headers is not answered; empty where it is."""
    name, _, port = host.partition(":")
    if name.lower() not in NAMES or not ((port.isascii() and port.isdigit()) or not port):
        return f"ask for {' or '.join(NAMES)}, not for another name"
    if origin is None:
        return "no origin: not a browser" if needs_origin else ""
    return "" if origin.lower() == f"http://{host.lower()}" else "asked for by a page of another origin"


def is_token(given: str, expected: str) -> bool:
    """Whether it is the token, in a time that does not tell how much of it."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
