"""A small real MCP stack with faults on a switch: something to look at, and the ground truth of diagnosis.

`systems/` are the guide's in-process parts in their corrected form, `services/` the programs made of them, `faults/`
what can be switched on, and the rest starts and stops the programs. Nothing of mcptop imports this but `cli`.
"""

PROJECT = "mcp-demo"
"""The project every service of the demo announces itself under."""


class DemoError(Exception):
    """The demo cannot do what was asked; one line: what, where, what to do."""
