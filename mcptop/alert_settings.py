"""The `[[alert]]` tables and `[notify]`: the user's own rules as they are written, and whom to tell of alerts."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field

from mcptop.server_settings import Secret
from mcptop.units import plain

Threshold = float | str
"""A number, or one with its unit: `90%`, `2 MiB/min`, `5m`."""
Seconds = float | str
_NO_ADDRESS = "no address"
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class Levels(Struct, frozen=True, forbid_unknown_fields=True):
    """Two thresholds."""

    warning: Threshold | None = None
    critical: Threshold | None = None


class OwnAlert(Struct, frozen=True, forbid_unknown_fields=True):
    """An `[[alert]]` table."""

    id: str
    figure: str
    """A dotted name of the snapshot, such as `cpu.limit_ratio`."""
    of: str = "instance"
    """What has it: instance, pool, queue, disk, host."""
    above: Threshold | Levels | None = None
    """A warning from there on; or `{warning = ..., critical = ...}`."""
    below: Threshold | Levels | None = None
    """Likewise, where little is bad."""
    wait: Seconds = field(default=0.0, name="for")
    """So long it has to hold before it fires."""
    critical_for: Seconds | None = None
    """A critical one; None: as long."""
    ease: Annotated[float, Meta(ge=0.5, le=1)] = 0.97
    """What stands ends only below this part of its threshold."""
    keep: Seconds | None = None
    """What does not hold for so long only stays as it was."""
    service: str | None = None
    """Only of services with this name, or PROJECT/NAME; `*` and `?` as in the shell."""
    says: str = ""
    """Goes before the figure in the alert's sentence."""
    do: str = ""
    playbook: str | None = None
    enabled: bool = True


class Notify(Struct, frozen=True, forbid_unknown_fields=True):
    """The `[notify]` table: nothing is told to anybody unless it says so."""

    bell: bool = False
    """The terminal's bell."""
    osc9: bool = False
    """A notice of the desktop, by the terminal."""
    command: tuple[str, ...] = ()
    """A program with its arguments; it gets the alert as JSON on stdin and in MCPTOP_* variables."""
    webhook: Secret | None = None
    """A URL that gets the alert as JSON, by POST. It may hold a token."""
    webhook_headers: dict[str, Secret] = field(default_factory=dict)
    webhook_token_env: str | None = None
    """Name of the environment variable with the token, sent as `Authorization: Bearer`."""
    severity: str = "critical"
    """The least that is told: warning or critical."""
    resolved: bool = False
    """Tell ends as well."""
    timeout: Annotated[float, Meta(gt=0, le=300)] = 10.0
    """Seconds that a command may take, or all attempts at the webhook together."""
    pause: Annotated[float, Meta(ge=0, le=86400)] = 300.0
    """Seconds between two notices of the same alert."""

    def mistake(self) -> str | None:
        """What is wrong, beginning with the key; None: nothing. Shows no secret."""
        if self.severity not in ("warning", "critical"):
            return f".severity: expected warning or critical, got `{plain(self.severity, 40)}`"
        if self.command and not self.command[0]:
            return ".command: expected a program and its arguments"
        if any("\0" in part for part in self.command):
            return ".command: expected texts without NUL"
        if self.webhook is not None and shown_address(self.webhook) == _NO_ADDRESS:
            return ".webhook: expected a URL that begins with https:// or http://"
        for name, value in self.webhook_headers.items():
            if not _HEADER.fullmatch(name) or not value.reveal().isascii() or not value.reveal().isprintable():
                return f".webhook_headers: `{plain(name, 40)}` is no header with a printable ASCII value"
        return None


def shown_address(address: Secret) -> str:
    """Scheme and host of a URL, and nothing else of it."""
    try:
        parts = urlsplit(address.reveal())
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and _is_clean(address):
            return f"{parts.scheme}://{plain(parts.hostname, 100)}"
    except ValueError:
        pass
    return _NO_ADDRESS


def _is_clean(address: Secret) -> bool:
    return address.reveal().isprintable() and " " not in address.reveal()
