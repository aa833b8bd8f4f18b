"""Memory sizes as Docker writes them in limits: `2g`, `512m`, `1.5GiB`. Powers of 1024, always."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(?:([kmgt])(?:i?b)?|b)?", re.IGNORECASE)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_bytes(text: str) -> int:
    """Bytes of a size such as `2g`. Raises ValueError, which names the text, for anything else."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"`{text}` is not a size: expected a number and k, m, g or t, such as 512m")
    return int(float(match[1]) * 1024 ** _POWER[(match[2] or "").lower()])
