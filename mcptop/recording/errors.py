"""What can be wrong with a recording."""


class RecordingError(Exception):
    """A recording cannot be written or read; one line: what, where, what to do."""


class Damage(Exception):
    """A record makes no sense; whoever reads the file says which, or goes on behind it."""
