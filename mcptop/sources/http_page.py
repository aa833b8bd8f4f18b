"""One page over HTTP, within bounds: of time from the connection to the last byte, of bytes after decoding.

An endpoint of a service is hostile: it may hang, drip, redirect, send a bomb, or break off. Each is one clear line.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

from mcptop.units import long_size, plain

if TYPE_CHECKING:
    import httpx

_GZIP = ("gzip", "x-gzip")
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {
    "user-agent": "mcptop",
    # The older text form: OpenMetrics renames what has a colon in its name, and vLLM's metrics have.
    "accept": "text/plain;version=0.0.4, */*;q=0.5",
    "accept-encoding": "gzip",
}


class HttpError(Exception):
    """The page cannot be had; one line: what, where, what to do."""


class Limits(NamedTuple):
    """What one page may take."""

    deadline_s: float = 2.0
    """From the connection to the last byte; looking up a name is not part of it."""
    size: int = 8 << 20
    """Bytes after decoding."""


class HttpPage(NamedTuple):
    """An answer with a status below 300."""

    content_type: str
    body: bytes


class Pages:
    """Fetches pages over kept connections; safe to use from several threads. Loads httpx when it is made."""

    def __init__(self) -> None:
        import httpcore
        import httpx

        from mcptop.sources.http_deadline import DeadlineTransport

        self._late = httpcore.TimeoutException
        self._broken = (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, httpx.InvalidURL)
        # A transport of our own asks no proxy of the environment: none must see what services of this machine say.
        self._client = httpx.Client(transport=DeadlineTransport(), follow_redirects=False, headers=_HEADERS)

    def fetch(self, url: str, limits: Limits = Limits()) -> HttpPage:  # noqa: B008 - immutable
        """The page. Raises `HttpError`."""
        where = shown(url)
        try:
            check_url(urlsplit(url))
            with self._client.stream("GET", url, timeout=limits.deadline_s) as answer:
                _check(answer)
                return HttpPage(answer.headers.get("content-type", ""), body_of(answer, limits.size))
        except self._late:
            raise HttpError(f"{where}: no complete answer in time") from None
        except (*self._broken, HttpError, ValueError, OSError) as error:
            raise HttpError(f"{where}: {plain(str(error)) or type(error).__name__}") from None

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def shown(url: str) -> str:
    """The URL as it may be printed: without user and password, without control characters."""
    scheme, mark, rest = url.partition("://")
    # All up to the last @: a password may hold a / by mistake, and then nobody can say where it ends.
    return plain(scheme + mark + rest.rpartition("@")[2])


def check_url(parts: SplitResult) -> None:
    """Raises `HttpError` for what cannot be asked over HTTP."""
    if parts.scheme not in ("http", "https"):
        raise HttpError("not an http or https URL")
    if not parts.hostname:
        raise HttpError("names no host")
    try:
        parts.port  # noqa: B018 - the check is in the reading
    except ValueError:
        raise HttpError("no such port; a /, ? or # in a password is written %2F, %3F or %23") from None


def _check(answer: httpx.Response) -> None:
    if answer.status_code in _REDIRECTS and (place := answer.headers.get("location")):
        raise HttpError(f"redirects to {shown(place)}: name that one")
    if answer.status_code >= 300:
        raise HttpError(f"answers {answer.status_code} {plain(answer.reason_phrase, 40)}")


def body_of(answer: httpx.Response, size: int) -> bytes:
    """The body of an answer that is being received. Raises `HttpError` where it is longer than `size` or damaged."""
    return b"".join(_bounded(_decoded(answer), size))


def _decoded(answer: httpx.Response) -> Iterator[bytes]:
    """The body in pieces as they come, none larger than what was received at once or than `_PIECE`."""
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding in _GZIP:
        return _unzipped(answer.iter_raw())
    if encoding in ("identity", ""):
        return answer.iter_raw()
    raise HttpError(f"its encoding `{plain(encoding, 20)}` was not asked for")


_PIECE = 1 << 16


def _unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A gzip body, of several members maybe, a bounded piece at a time."""
    inflate = zlib.decompressobj(31)
    for piece in pieces:
        data = piece
        while data:
            if inflate.eof:
                inflate = zlib.decompressobj(31)
            try:
                yield inflate.decompress(data, _PIECE)
            except zlib.error:
                raise HttpError("its gzip body is damaged") from None
            data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
    if not inflate.eof:
        raise HttpError("its gzip body breaks off")


def _bounded(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The pieces; raises when they are more than `size` bytes together."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > size:
            raise HttpError(f"more than {long_size(size)}; is this the right page?")
        yield piece
