"""Where playbooks are: shipped with mcptop, the user's own, or any file."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from mcptop.model.playbook import Playbook
from mcptop.model.value import Value
from mcptop.playbook import load
from mcptop.playbook.case import HYPOTHESES
from mcptop.playbook.load import Outline
from mcptop.units import plain


class UnknownPlaybook(Exception):
    """There is no playbook of that name, or no such file; one line, with the nearest names."""


class Origin(StrEnum):
    """Who brought a playbook."""

    SHIPPED = "shipped"
    USER = "user"
    FILE = "file"
    """Named by its path."""


class Entry(Value, frozen=True):
    """A playbook on the shelf; nobody has read it yet."""

    name: str
    path: Path
    origin: Origin
    hides: Path | None = None
    """The shipped one of the same name, which it goes before."""


class Texts(Value, frozen=True):
    """All that is needed to read a playbook."""

    entry: Entry
    file: str
    """How mistakes name it."""
    text: str
    library: Mapping[str, str]
    """The shared hypotheses it may use: file -> text."""

    def playbook(self) -> Playbook:
        """Read it. Raises `PlaybookError`."""
        return load.playbook(self.text, self.file, load.library(self.library))

    def outline(self) -> Outline:
        """What it is about, without its explanations. Raises `PlaybookError`."""
        return load.outline(self.text, self.file)


def shipped() -> Path:
    """The folder of those that come with mcptop: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "playbooks"
    return inside if inside.is_dir() else package.parent / "playbooks"


def own() -> Path:
    """The folder of the user's own playbooks; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir("mcptop")) / "playbooks"


def entries() -> list[Entry]:
    """Every playbook that goes by a name, in order of names; of two with one name the user's own."""
    theirs = dict(_named(shipped()))
    found = {name: Entry(name, path, Origin.SHIPPED) for name, path in theirs.items()}
    for name, path in _named(own()):
        found[name] = Entry(name, path, Origin.USER, theirs.get(name))
    return [found[name] for name in sorted(found)]


def find(wanted: str) -> Texts:
    """By its name, or by its path. Raises `UnknownPlaybook`."""
    return texts(entry_of(wanted))


def entry_of(wanted: str) -> Entry:
    """What goes by this name or path. Raises `UnknownPlaybook`."""
    if os.sep in wanted or wanted.endswith((".yaml", ".yml")):
        path = Path(wanted)
        if not os.path.isfile(path):
            raise UnknownPlaybook(f"no playbook `{plain(wanted)}`: there is no such file")
        return next((each for each in entries() if path.samefile(each.path)), Entry(path.stem, path, Origin.FILE))
    known = {entry.name: entry for entry in entries()}
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=3)
    hint = f"nearest: {', '.join(near)}" if near else "`mcptop playbooks list` shows all" if known else "there are none"
    raise UnknownPlaybook(f"no playbook `{plain(wanted)}`; {hint}")


def texts(entry: Entry) -> Texts:
    """Its text and those it may refer to. Raises `UnknownPlaybook` where they cannot be read."""
    # A shipped playbook is the same for everybody; any other one has what stands beside it, before what is shipped.
    library = {path.name: path for folder in (shipped(), entry.path.parent) for path in _files(folder / HYPOTHESES)}
    return Texts(entry, _shown(entry.path), _read(entry.path), {_shown(path): _read(path) for path in library.values()})


def _named(folder: Path) -> Iterator[tuple[str, Path]]:
    return ((path.stem, path) for path in _files(folder))


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UnknownPlaybook(f"{path}: not a text in UTF-8") from None
    except OSError as error:
        raise UnknownPlaybook(f"{path}: {error.strerror}") from None


def _shown(path: Path) -> str:
    """As short as an editor can still open it."""
    try:
        short = os.path.relpath(path)
    except OSError:  # the current folder may be gone
        return str(path)
    return str(path) if short.startswith(os.pardir) else short
