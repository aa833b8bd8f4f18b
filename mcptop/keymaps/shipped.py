"""The tables that come with mcptop: for hands that know htop, k9s or lazydocker. They hold what differs, no more."""

from __future__ import annotations

from pathlib import Path

import msgspec

_FOLDER = Path(__file__).parent / "shipped"


def names() -> tuple[str, ...]:
    """Of all tables."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def table(name: str) -> dict[str, str]:
    """Id of an action -> its keys. `name` is one of `names`."""
    return msgspec.toml.decode((_FOLDER / f"{name}.toml").read_bytes(), type=dict[str, str])
