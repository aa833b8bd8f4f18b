"""Reading a bundle that anybody may have made: nothing is ever written to disk, and every limit is checked first."""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn, cast

import msgspec

from mcptop.playbook.bundle.manifest import (
    CASE,
    MANIFEST,
    MOST_BYTES,
    MOST_MEMBER_BYTES,
    MOST_MEMBERS,
    SCHEMA,
    BundleError,
    Manifest,
    Member,
)
from mcptop.playbook.case import Case, CaseError, decode, unread
from mcptop.units import plain

_BLOCK = 1 << 20


def read(path: Path) -> Case:
    """The case in a bundle, every member checked against the manifest. Raises `BundleError`."""
    try:
        with open(path, "rb") as file:
            return _case(path, _contents(path, file))
    except (EOFError, zlib.error):
        raise BundleError(f"{path}: it is cut short or damaged") from None
    except gzip.BadGzipFile as error:
        broken = "CRC" in str(error) or "length" in str(error)
        raise BundleError(f"{path}: {'it is damaged' if broken else 'not a bundle of mcptop: no tar.gz'}") from None
    except (tarfile.TarError, ValueError):
        # ValueError: a figure in a header that is none; tarfile lets it pass.
        raise BundleError(f"{path}: not a bundle of mcptop: no tar.gz, or it is damaged") from None
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror or error}") from None


class _Limited:
    """What comes out of the packed file, to its limit: a small file can unpack to any size."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._unpacked = gzip.GzipFile(fileobj=file)
        # Headers and padding of the members come on top of their contents.
        self._left = MOST_BYTES + 4096 * MOST_MEMBERS

    def read(self, size: int = _BLOCK) -> bytes:
        """The next bytes. Raises `BundleError` beyond the limit, and as gzip does."""
        data = self._unpacked.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BundleError(f"{self._path}: it unpacks to more than {MOST_BYTES >> 20} MiB")
        return data


class _Contents:
    """What was found: the two documents, and every member's size and hash."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.members: dict[str, Member] = {}


def _contents(path: Path, file: IO[bytes]) -> _Contents:
    unpacked = _Limited(path, file)
    found = _Contents()
    with tarfile.open(fileobj=cast("IO[bytes]", unpacked), mode="r|") as archive:
        for info in archive:
            name = _checked(path, info)
            if info.isdir():
                continue
            if name in found.members:
                raise BundleError(f"{path}: `{_shown(name)}` is in it twice")
            if len(found.members) >= MOST_MEMBERS:
                raise BundleError(f"{path}: it has more than {MOST_MEMBERS} members")
            content = archive.extractfile(info)
            assert content is not None
            kept = bytearray() if name in (MANIFEST, CASE) else None
            found.members[name] = _hashed(content, kept)
            if kept is not None:
                found.documents[name] = bytes(kept)
    while unpacked.read():
        # To the end: only there gzip can tell that nothing is missing.
        pass
    return found


def _checked(path: Path, info: tarfile.TarInfo) -> str:
    """The name of a member that may be read. Raises `BundleError` for any other one."""
    name = posixpath.normpath(info.name)
    if name.startswith("/") or ".." in name.split("/") or "\\" in name or not name.isprintable():
        raise BundleError(f"{path}: `{_shown(info.name)}` points outside of the bundle")
    if not info.isdir() and (info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.sparse is not None):
        raise BundleError(f"{path}: `{_shown(name)}` is not a plain file")
    if info.size > MOST_MEMBER_BYTES:
        raise BundleError(f"{path}: `{_shown(name)}` is larger than {MOST_MEMBER_BYTES >> 20} MiB")
    return name


def _hashed(content: IO[bytes], kept: bytearray | None) -> Member:
    digest, size = hashlib.sha256(), 0
    for block in _blocks(content):
        digest.update(block)
        size += len(block)
        if kept is not None:
            kept += block
    return Member(size, digest.hexdigest())


def _blocks(content: IO[bytes]) -> Iterator[bytes]:
    while block := content.read(_BLOCK):
        yield block


def _case(path: Path, found: _Contents) -> Case:
    if MANIFEST not in found.documents:
        raise BundleError(f"{path}: not a bundle of mcptop: it has no {MANIFEST}")
    manifest = _manifest(path, found.documents[MANIFEST])
    _check_members(path, manifest, found)
    if CASE not in found.documents:
        raise BundleError(f"{path}: it has no {CASE}")
    try:
        return decode(found.documents[CASE], Case)
    except CaseError as error:
        raise BundleError(f"{path}: {CASE}: {error}") from None


def _manifest(path: Path, data: bytes) -> Manifest:
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse_manifest(path, data, error)


def _refuse_manifest(path: Path, data: bytes, error: Exception) -> NoReturn:
    try:
        schema = msgspec.json.decode(data, type=dict).get("schema")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BundleError(f"{path}: not a bundle of mcptop: its {MANIFEST} is no JSON") from None
    says = str(error) if schema == SCHEMA else unread(str(schema or ""), SCHEMA, "a bundle of mcptop")
    raise BundleError(f"{path}: {MANIFEST}: {plain(says)}") from None


def _check_members(path: Path, manifest: Manifest, found: _Contents) -> None:
    for name, member in manifest.members.items():
        seen = found.members.get(name)
        if seen is None:
            raise BundleError(f"{path}: `{_shown(name)}` is missing; it is cut short or damaged")
        if seen.sha256 != member.sha256:
            raise BundleError(f"{path}: `{_shown(name)}` is not what was written: its hash is another one")
    for name in found.members:
        if name != MANIFEST and name not in manifest.members:
            raise BundleError(f"{path}: `{_shown(name)}` is not in its {MANIFEST}")


def _shown(name: str) -> str:
    return plain(name, 60)
