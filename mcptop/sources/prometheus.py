"""A Prometheus server: one question at a time over HTTP, within bounds of time and size, each failure one line.

Whoever answers is judged like any other server: it may hang, lie, send too much, or be somebody else.
"""

from __future__ import annotations

import math
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, unquote, urlsplit

from mcptop.server_settings import PrometheusServer
from mcptop.sources.http_page import HttpError, body_of, check_url, shown
from mcptop.sources.prometheus_answer import Answer, NotPrometheus, Refusal, answer_of, complaint_of, joined, names_of
from mcptop.units import plain

if TYPE_CHECKING:
    import httpx

_Read = TypeVar("_Read")

MOST_POINTS = 10_000
"""Of one series in one question: Prometheus refuses more than 11 000."""
_MOST_QUESTIONS = 200
_SIZE = 64 << 20
_ERROR_SIZE = 1 << 16
_TOKEN_SIZE = 1 << 16
_REDIRECTS = (301, 302, 303, 307, 308)
_SET = "set token_file, or username and password_env, under [prometheus] in config.toml"
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
"""Of the system; what it says behind it is enough."""
_HEADERS = {"user-agent": "mcptop", "accept": "application/json", "accept-encoding": "gzip"}


class PrometheusError(HttpError):
    """The server does not answer as it should; one line: where, what, what to do. No password is in it."""


class Prometheus:
    """Asks one server; safe to use from several threads. Loads httpx when it is made. Raises `PrometheusError`."""

    def __init__(
        self, server: PrometheusServer, environment: Mapping[str, str] = os.environ, size: int = _SIZE
    ) -> None:
        """`size`: most bytes of one answer, after decoding."""
        if server.url is None:
            raise PrometheusError("no Prometheus server is named: give --prometheus URL")
        import httpcore
        import httpx

        from mcptop.sources.http_deadline import DeadlineTransport

        url = server.url.reveal().strip().rstrip("/")
        parts = urlsplit(url)
        self.address = shown(url)
        """As it may be printed."""
        try:
            check_url(parts)
        except HttpError as error:
            raise PrometheusError(f"{self.address}: {error}") from None
        self.place = parts.netloc.rpartition("@")[2]
        """Host and port alone."""
        self._base = f"{parts.scheme}://{self.place}{quote(parts.path, safe='/%:@!$&,;=~+')}"
        self._server, self._environment, self._size = server, environment, size
        self._login = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
        self._late = httpcore.TimeoutException
        self._refused = httpcore.ConnectError
        self._broken = (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, httpx.InvalidURL)
        # A transport of our own asks no proxy of the environment, and follows nobody elsewhere with our password.
        self._client = httpx.Client(transport=DeadlineTransport(self._trust()), headers=_HEADERS)

    def query(self, expr: str, at: float | None = None) -> Answer:
        """The figures at a moment (Unix seconds; None: now, by the server's clock)."""
        return self._asked("/api/v1/query", {"query": expr} if at is None else {"query": expr, "time": f"{at:.3f}"})

    def range(self, expr: str, start: float, end: float, step: float) -> Answer:
        """The figures from `start` to `end` (Unix seconds), every `step` seconds; as many questions as it takes."""
        if not (step > 0 and math.isfinite(start) and math.isfinite(end) and end >= start):
            raise PrometheusError(f"{self.address}: a range needs a step above 0 and an end after its start")
        if (end - start) / step > MOST_POINTS * _MOST_QUESTIONS:
            raise PrometheusError(f"{self.address}: too many points for one range: take a longer step")
        parts = _parts(start, end, step)
        return joined(
            self._asked(
                "/api/v1/query_range",
                {"query": expr, "start": f"{first:.3f}", "end": f"{last:.3f}", "step": f"{step:g}"},
            )
            for first, last in parts
        )

    def label_values(self, label: str, match: str | None = None) -> tuple[str, ...]:
        """All values of a label, of the series that `match` selects; `__name__` gives the names of metrics."""
        query = "" if match is None else f"?match[]={quote(match)}"
        return self._read(names_of, self._exchange("GET", f"/api/v1/label/{quote(label)}/values{query}", None))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _asked(self, path: str, form: dict[str, str]) -> Answer:
        # Told how long we wait, the server gives up when we do.
        return self._read(answer_of, self._exchange("POST", path, form | {"timeout": f"{self._server.timeout:g}s"}))

    def _read(self, read: Callable[[bytes], _Read], body: bytes) -> _Read:
        try:
            return read(body)
        except (NotPrometheus, Refusal) as error:
            raise self._error(str(error)) from None

    def _exchange(self, method: str, path: str, form: dict[str, str] | None) -> bytes:
        headers, secrets = self._credentials()
        try:
            with self._client.stream(
                method, self._base + path, data=form, headers=headers, timeout=self._server.timeout
            ) as answer:
                if answer.status_code >= 300:
                    raise HttpError(self._refusal(answer))
                return body_of(answer, self._size)
        except self._late:
            raise self._error(f"no complete answer in {self._server.timeout:g} s", secrets) from None
        except self._refused as error:
            raise self._error(_unreached(str(error)), secrets) from None
        except (*self._broken, HttpError, ValueError, OSError) as error:
            raise self._error(str(error) or type(error).__name__, secrets) from None

    def _error(self, says: str, secrets: tuple[str, ...] = ()) -> PrometheusError:
        for secret in secrets:
            says = says.replace(secret, "***")
        return PrometheusError(f"{self.address}: {plain(says, 400)}")

    def _refusal(self, answer: httpx.Response) -> str:
        """What a status of 300 or more means, and what to do."""
        code = answer.status_code
        if code in _REDIRECTS:
            return f"redirects to {shown(answer.headers.get('location', 'elsewhere'))}: name that one"
        if code in (401, 403):
            given = self._login or self._server.token_file or self._server.username
            return f"answers {code}: " + (f"it does not take what it was given; {_SET}" if given else _SET)
        says = complaint_of(body_of(answer, _ERROR_SIZE))
        if says is not None:
            return says
        if code in (404, 405):  # an exporter given instead of the server that scrapes it knows no POST
            return f"answers {code}: is it a Prometheus, and does its address have a path prefix (http://HOST/PREFIX)?"
        return f"answers {code} {plain(answer.reason_phrase, 40)}"

    def _credentials(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Headers, and what of them nobody may see. A token's file is read each time: tokens are renewed."""
        if self._server.token_file is not None:
            token = self._token(self._server.token_file)
            return {"authorization": f"Bearer {token}"}, (token,)
        login = self._login
        if self._server.username is not None:
            variable = self._server.password_env
            if variable is not None and variable not in self._environment:
                raise self._error(f"password_env: there is no environment variable {plain(variable, 60)}")
            login = self._server.username, self._environment[variable] if variable is not None else ""
        if login is None:
            return {}, ()
        import base64

        coded = base64.b64encode(":".join(login).encode()).decode()
        return {"authorization": f"Basic {coded}"}, tuple(each for each in (coded, login[1]) if each)

    def _token(self, path: str) -> str:
        try:
            with open(path, "rb") as file:
                token = file.read(_TOKEN_SIZE).decode("ascii").strip()
        except OSError as error:
            raise self._error(f"token_file {path}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise self._error(f"token_file {path}: holds no token") from None
        if not token or not token.isprintable():
            raise self._error(f"token_file {path}: holds no token")
        return token

    def _trust(self) -> ssl.SSLContext | None:
        if not self._base.startswith("https:"):
            return None
        try:
            trust = ssl.create_default_context(cafile=self._server.ca)
        except OSError as error:
            raise self._error(f"ca {self._server.ca}: cannot be read ({error.strerror or error})") from None
        if self._server.insecure:
            trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        return trust


def _unreached(says: str) -> str:
    """Why there is no connection, and what to do."""
    if "CERTIFICATE_VERIFY_FAILED" in says:
        why = says.partition("verify failed: ")[2].partition(" (_ssl")[0]
        return f"its certificate is not trusted ({why or says}): set ca under [prometheus] in config.toml"
    return f"{_ERRNO.sub('', says)}: is it running, and is this its port?"


def _parts(start: float, end: float, step: float) -> Iterator[tuple[float, float]]:
    """The range in pieces of at most `MOST_POINTS`, on one grid."""
    steps = int((end - start) / step + 1e-9)
    for first in range(0, steps + 1, MOST_POINTS):
        last = min(first + MOST_POINTS - 1, steps)
        yield start + first * step, start + last * step
