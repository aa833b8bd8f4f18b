"""Why something cannot be done."""

from __future__ import annotations


class ActionError(Exception):
    """An action cannot be carried out; the message is one line, safe to print."""
