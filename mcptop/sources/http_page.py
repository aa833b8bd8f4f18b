"""One page over HTTP, within bounds: of time by the clock on the wall, of bytes after decoding.

An endpoint of a service is hostile: it may hang, drip, redirect, send a bomb, or break off. Each is one clear line.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from mcptop.units import plain

if TYPE_CHECKING:
    import httpx

_ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""Content encoding -> zlib's window bits for it."""


class HttpError(Exception):
    """The page cannot be had; one line: what, where, what to do."""


class Limits(NamedTuple):
    """What one page may take."""

    deadline_s: float = 2.0
    """From the connection to the last byte."""
    size: int = 8 << 20
    """Bytes after decoding."""


class HttpPage(NamedTuple):
    """An answer with a status below 300."""

    status: int
    content_type: str
    body: bytes


class Pages:
    """Fetches pages over kept connections; safe to use from several threads. Loads httpx when it is made."""

    def __init__(self) -> None:
        import httpx

        self._httpx = httpx
        # A proxy of the environment must not see what services of this machine say.
        self._client = httpx.Client(trust_env=False, follow_redirects=False, headers={"user-agent": "mcptop"})

    def fetch(self, url: str, limits: Limits = Limits()) -> HttpPage:  # noqa: B008 - immutable
        """The page. Raises `HttpError`."""
        where = shown(url)
        if not url.startswith(("http://", "https://")):
            raise HttpError(f"{where}: not an http or https URL")
        ends = time.monotonic() + limits.deadline_s
        httpx = self._httpx
        try:
            with self._client.stream("GET", url, timeout=limits.deadline_s) as answer:
                _check(answer, where)
                body = b"".join(_decoded(answer, where, limits.size, ends))
                return HttpPage(answer.status_code, answer.headers.get("content-type", ""), body)
        except httpx.TimeoutException:
            raise _late(where) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise HttpError(f"{where}: {plain(str(error)) or type(error).__name__}") from None

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def shown(url: str) -> str:
    """The URL as it may be printed: without user and password, without control characters."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an unreadable URL"
    return plain(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())


def _check(answer: httpx.Response, where: str) -> None:
    if answer.is_redirect:
        raise HttpError(f"{where}: redirects to {shown(answer.headers.get('location', ''))}: name that one")
    if answer.status_code >= 300:
        raise HttpError(f"{where}: answers {answer.status_code} {plain(answer.reason_phrase, 40)}")


def _late(where: str) -> HttpError:
    return HttpError(f"{where}: no complete answer in time")


def _decoded(answer: httpx.Response, where: str, size: int, ends: float) -> Iterator[bytes]:
    """The body in pieces; never more than `size` bytes, however much they were squeezed."""
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "") and encoding not in _ENCODINGS:
        raise HttpError(f"{where}: its encoding `{plain(encoding, 20)}` was not asked for")
    inflate = zlib.decompressobj(_ENCODINGS[encoding]) if encoding in _ENCODINGS else None
    total = 0
    # Pieces as they come: gathered to a size, a drip would be waited for before the clock is looked at.
    for raw in answer.iter_raw():
        if time.monotonic() > ends:
            raise _late(where)
        try:
            piece = raw if inflate is None else inflate.decompress(raw, size - total + 1)
        except zlib.error:
            raise HttpError(f"{where}: its {encoding} body is damaged") from None
        total += len(piece)
        if total > size:
            raise HttpError(f"{where}: more than {size >> 20} MiB; is this the right page?")
        yield piece
    if inflate is not None and not inflate.eof:
        raise HttpError(f"{where}: its {encoding} body breaks off")
