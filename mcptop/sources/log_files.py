"""Which of a process's open files are its log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mcptop.sources.open_files import FileKind, OpenFile

_LOG = re.compile(r"(^|[/._-])(logs?|stdout|stderr)([/._-]|$)|\.(log|out|err)(\.\d+)?$", re.IGNORECASE)
# Kafka and RocksDB (numbers; a date is none), ZooKeeper, MongoDB.
_OF_A_DATABASE = re.compile(
    r"/(?!(19|20)\d{6}\.)\d+\.(log|index|timeindex|snapshot)$|/log\.[0-9a-f]+$|/journal/[^/]+$|/journal/[0-9a-f]{32}/"
)
_STANDARD = (2, 1)
_MOST_FILES = 3


def looks_like_log(path: str) -> bool:
    """Whether a file is called as logs are that people read; those of databases are data."""
    return _LOG.search(path) is not None and _OF_A_DATABASE.search(path) is None


def log_files(every: Sequence[OpenFile]) -> list[OpenFile]:
    """The files that standard output and error go to, then those called like logs; each once, three at most."""
    written = [file for file in every if file.kind is FileKind.REGULAR and file.writes]
    standard = [file for number in _STANDARD for file in written if file.fd == number]
    called_so = [file for file in written if looks_like_log(file.path)]
    return _each_once([*standard, *called_so])[:_MOST_FILES]


def _each_once(files: Iterable[OpenFile]) -> list[OpenFile]:
    found: dict[str | None, OpenFile] = {}
    for file in files:
        found.setdefault(file.inode, file)
    return list(found.values())
