"""What is answered to a request: the page, whether samples come, and where these are. Knows no sockets."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from mcptop.exporter.gate import Gate
from mcptop.exporter.pages import Pages
from mcptop.exposition.text import form_for
from mcptop.units import duration

_PLAIN = "text/plain; charset=utf-8"
_WORTH_COMPRESSING = 1024
_INDEX = (
    b"mcptop exporter\n\n/metrics  the figures of the newest sample, for Prometheus\n/healthz  200 while samples come\n"
)
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Answer(NamedTuple):
    """A status, headers without those of the connection, and a body."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: bytes


class Answers:
    """Of one exporter."""

    def __init__(self, pages: Pages, gate: Gate) -> None:
        self._pages, self._gate = pages, gate

    def answer(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        """To one request. Header names may be of any case."""
        given = {name.lower(): value for name, value in headers.items()}
        path = target.partition("?")[0]
        refused = self._gate.refusal(given.get("host"), given.get("authorization"), needs_token=path != "/healthz")
        if refused is not None:
            challenge = {"WWW-Authenticate": "Bearer"} if refused.status is HTTPStatus.UNAUTHORIZED else {}
            return said(refused.status, refused.says, challenge)
        if method not in ("GET", "HEAD"):
            return said(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD", {"Allow": "GET, HEAD"})
        match path:
            case "/metrics":
                return self._metrics(given)
            case "/healthz":
                return self._health()
            case "/":
                return Answer(HTTPStatus.OK, {"Content-Type": _PLAIN, **_HEADERS}, _INDEX)
        return said(HTTPStatus.NOT_FOUND, "there are /metrics and /healthz")

    def _metrics(self, headers: Mapping[str, str]) -> Answer:
        form = form_for(headers.get("accept", ""))
        try:
            body = self._pages.page(form)
            if body is None:
                return said(HTTPStatus.SERVICE_UNAVAILABLE, "no sample yet; ask again in a second")
            packed = _accepts_gzip(headers.get("accept-encoding", "")) and len(body) >= _WORTH_COMPRESSING
            body = self._pages.page(form, compressed=True) if packed else body
        except Exception:  # a defect here must not look like a target that is gone
            print(f"mcptop: the page cannot be written, a defect in mcptop:\n{traceback.format_exc()}", file=sys.stderr)
            return said(HTTPStatus.INTERNAL_SERVER_ERROR, "a defect in mcptop; its stderr has the traceback")
        encoding = {"Content-Encoding": "gzip"} if packed else {}
        return Answer(
            HTTPStatus.OK,
            {"Content-Type": form.value, "Vary": "Accept, Accept-Encoding", **encoding, **_HEADERS},
            body or b"",
        )

    def _health(self) -> Answer:
        if self._pages.is_fresh:
            return said(HTTPStatus.OK, "ok")
        age_s = self._pages.age_s
        late = "no sample yet" if age_s is None else f"the newest sample is {duration(age_s)} old"
        return said(HTTPStatus.SERVICE_UNAVAILABLE, late)


def said(status: HTTPStatus, line: str, headers: Mapping[str, str] | None = None) -> Answer:
    """One line."""
    return Answer(status, {"Content-Type": _PLAIN, **_HEADERS, **(headers or {})}, f"{line}\n".encode())


def _accepts_gzip(header: str) -> bool:
    for item in header.lower().split(","):
        coding, _, weight = item.replace(" ", "").partition(";")
        if coding in ("gzip", "*"):
            return weight.partition("=")[2] not in ("0", "0.0", "0.00", "0.000")
    return False
