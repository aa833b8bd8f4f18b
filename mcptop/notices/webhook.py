"""A notice as a POST of JSON. The address may hold a token: of it nothing but scheme and host is ever shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from mcptop.alert_settings import shown_address
from mcptop.notices.notice import Notice
from mcptop.server_settings import Secret

_FIRST_PAUSE_S = 0.5
_TOO_MANY = 429


class Webhook:
    """Posts each notice, again where the server could not take it, until its time is over."""

    def __init__(self, address: Secret, headers: Mapping[str, Secret], timeout_s: float) -> None:
        """`timeout_s` is for all attempts together."""
        self._address = address
        self._headers = headers
        self._timeout_s = timeout_s
        self.name = f"webhook {shown_address(address)}"

    def deliver(self, notice: Notice, over: threading.Event) -> str | None:
        """What went wrong, in one line; None: nothing."""
        ends, pause_s = time.monotonic() + self._timeout_s, _FIRST_PAUSE_S
        while True:
            trouble, asked_s, may_retry = self._attempt(notice.json, max(0.1, ends - time.monotonic()), over)
            if trouble is None or not may_retry:
                return trouble and f"{self.name}: {trouble}"
            wait_s = pause_s if asked_s is None else asked_s
            if time.monotonic() + wait_s >= ends:
                asks = f", and asks to wait {wait_s:.0f}s" if asked_s is not None else ""
                return f"{self.name}: {trouble}{asks}; given up after {self._timeout_s:g}s at most"
            if over.wait(wait_s):
                return f"{self.name}: {trouble}"
            pause_s *= 2

    def _attempt(self, body: bytes, seconds: float, over: threading.Event) -> tuple[str | None, float | None, bool]:
        """What went wrong, how long the server asks to wait, and whether another attempt may help."""
        import httpcore
        import httpx

        from mcptop.sources.http_deadline import DeadlineTransport

        headers = {"Content-Type": "application/json"} | {name: each.reveal() for name, each in self._headers.items()}
        try:
            with (
                httpx.Client(transport=DeadlineTransport(over=over), timeout=seconds, trust_env=False) as client,
                client.stream("POST", self._address.reveal(), content=body, headers=headers) as answer,
            ):
                status, asked_s = answer.status_code, _seconds(answer.headers.get("Retry-After"))
        except (httpcore.ConnectError, httpx.ConnectError):
            return "no connection", None, True
        except (httpcore.TimeoutException, httpx.TimeoutException):
            until = "before mcptop ended" if over.is_set() else f"within {self._timeout_s:g}s"
            return f"no answer {until}", None, False
        except Exception as error:  # whatever it is: its words may hold the address
            return f"cannot be sent ({type(error).__name__})", None, False
        if status < 300:
            return None, None, False
        return f"answers {status}", asked_s, status >= 500 or status == _TOO_MANY


def _seconds(text: str | None) -> float | None:
    """Of `Retry-After`: seconds, or a date."""
    if text is None:
        return None
    try:
        if text.strip().isdigit():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
