"""The base of all values of a frame, and what a service runs as."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Value(Struct, frozen=True, eq=False, gc=False):
    """Base of all values of a frame: immutable, compared by identity, no part of a reference cycle."""


class Kind(StrEnum):
    """What a service runs as."""

    CONTAINER = "container"
    PROCESS = "process"
    SERVER = "server"
    """Seen by asking it only: a database elsewhere, or one that is no service here."""
