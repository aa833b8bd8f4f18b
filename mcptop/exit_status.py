"""The exit codes of every command, so that a script can branch on them."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the exit code of `mcptop` means."""

    OK = 0
    """Healthy, or done."""

    INTERNAL_ERROR = 1
    """A defect in mcptop itself."""

    USAGE = 2
    """Wrong usage, a bad file, or a service that does not exist."""

    PROBLEM = 3
    """A problem was found."""

    WARNING = 4
    """A warning was found."""

    INCONCLUSIVE = 5
    """Evidence is missing: a tool, a permission, the target, or time."""
