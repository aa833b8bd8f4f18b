"""mcptop: top for a stack of services."""

__version__ = "0.1.0"
