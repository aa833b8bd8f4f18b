"""A notice by the terminal: its bell, and a notice of the desktop (OSC 9), which is text without control characters."""

from __future__ import annotations

from collections.abc import Callable

from mcptop.alert_settings import Notify
from mcptop.notices.notice import Notice
from mcptop.units import plain

BELL = "\a"
_MOST = 200


def desktop(text: str) -> str:
    """The sequence that iTerm2, WezTerm, kitty, foot, ghostty and others show as a notice; others swallow it."""
    return f"\x1b]9;{plain(text, _MOST)}\x1b\\"


class Spoken:
    """Says it by `write`, or by the terminal's own `bell`."""

    def __init__(
        self, notify: Notify, write: Callable[[str], object], bell: Callable[[], object] | None = None
    ) -> None:
        self._notify = notify
        self._write = write
        self._bell = bell

    def tell(self, notice: Notice) -> None:
        """At once."""
        if self._notify.osc9:
            self._write(desktop(f"mcptop: {notice.text}"))
        if self._notify.bell:
            if self._bell is not None:
                self._bell()
            else:
                self._write(BELL)
