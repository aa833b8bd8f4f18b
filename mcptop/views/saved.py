"""Saved views: one TOML file each, in the folder `views` beside the configuration, and some that come with mcptop.

A file that is no view is reported and left as it is.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import msgspec
from msgspec import Struct

_SHIPPED = Path(__file__).parent / "shipped"
_NAME = re.compile(r"[\w][\w .+-]{0,39}")
_LARGEST = 65536
"""Bytes a view may have; a larger file is something else."""


class ViewError(Exception):
    """A view that cannot be read or written; one line: the file, what is wrong, what to do."""


class SavedView(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the dashboard looked at things."""

    tab: str = "overview"
    filter: str = ""
    sort: str | None = None
    """Id of a column; None: the tab's own order."""
    descending: bool = True
    columns: tuple[str, ...] | None = None
    """Ids, in order; None: the usual ones, by the width of the terminal."""
    tree: bool = True
    """Groups, or one flat list."""
    zoom_s: int | None = None
    """How far back charts look; None: all there is."""


class Known(Struct, frozen=True):
    """All views there are, and what could not be read."""

    views: Mapping[str, SavedView]
    problems: tuple[str, ...] = ()


def shipped() -> dict[str, SavedView]:
    """The views that come with mcptop."""
    return {path.stem: _read(path) for path in sorted(_SHIPPED.glob("*.toml"))}


def known(folder: Path) -> Known:
    """The shipped ones and those in a folder, which may be absent; of one name the folder's."""
    views, problems = shipped(), []
    try:
        paths = sorted(folder.glob("*.toml"))
    except OSError as error:
        return Known(views, (f"{folder}: cannot be read ({error.strerror})",))
    for path in paths:
        try:
            views[path.stem] = _read(path)
        except ViewError as error:
            problems.append(str(error))
    return Known(views, tuple(problems))


def find(folder: Path, name: str) -> SavedView:
    """The view of this name. Raises `ViewError`."""
    found = known(folder)
    if name in found.views:
        return found.views[name]
    broken = [problem for problem in found.problems if problem.startswith(f"{folder / name}.toml:")]
    if broken:
        raise ViewError(broken[0])
    near = get_close_matches(name, found.views, 1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    raise ViewError(f"no view `{name}`{meant}; there are: {', '.join(sorted(found.views))}")


def save(folder: Path, name: str, view: SavedView) -> Path:
    """Write a view whole or not at all, readable by its owner only; one of this name is replaced if it is a view.

    Raises `ViewError`.
    """
    import tomli_w

    if mistake := mistake_in(name):
        raise ViewError(mistake)
    path = folder / f"{name}.toml"
    if path.exists() or path.is_symlink():
        _read(path)  # what is no view is somebody else's
    values = {key: value for key, value in msgspec.to_builtins(view).items() if value is not None}
    try:
        text = tomli_w.dumps(values).encode()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(path, text)
    except (OSError, UnicodeEncodeError) as error:
        raise ViewError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})") from None
    return path


def mistake_in(name: str) -> str | None:
    """Why this cannot be the name of a view; None if it can."""
    if _NAME.fullmatch(name) is None or name != name.strip():
        return f"`{name[:40]}` cannot be a name: at most 40 letters, digits, and . + - _ or space between them"
    return None


def _read(path: Path) -> SavedView:
    try:
        if not path.is_file():
            raise ViewError(f"{path}: no file; remove it, or choose another name")
        if path.stat().st_size > _LARGEST:
            raise ViewError(f"{path}: too large for a view; it is left alone")
        return msgspec.toml.decode(path.read_bytes(), type=SavedView)
    except OSError as error:
        raise ViewError(f"{path}: cannot be read ({error.strerror})") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ViewError(f"{path}: no view: {' '.join(str(error).split())}; mend or remove it") from None


def _replace(path: Path, text: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
