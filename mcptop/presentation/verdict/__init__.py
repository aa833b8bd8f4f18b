"""A verdict as lines of styled text for a width: the report of the terminal and of the dashboard. Pure."""

from mcptop.presentation.verdict.report import lines

__all__ = ["lines"]
