"""Snapshots to records and back: a key record by itself, then changes, compressed as one stream until the next key.

A record can be read only after all since its key; so one that is lost costs at most a minute of what follows.
"""

from __future__ import annotations

import contextlib
import zlib
from typing import Any

import msgspec

from mcptop.model.snapshot import Snapshot
from mcptop.recording.delta import NO_CHANGE, Change, Differ
from mcptop.recording.errors import Damage
from mcptop.recording.framing import Flag
from mcptop.recording.layout import Fields, Layout, each_text
from mcptop.recording.patch import Patcher, joined
from mcptop.units import plain

KEY_TICKS = 60
MOST_RAW = 8 << 20
"""Bytes of one record before it is compressed: room for forty thousand targets that all change."""
_LEVEL, _RAW_STREAM = 1, -15
_MOST_TEXT = 1000
_NOW = Layout(Change)
_NONSENSE = (ValueError, OverflowError, msgspec.ValidationError)
"""What packing raises for figures and texts that no record takes."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One tick as bytes."""

    at: float
    """Wall-clock seconds."""
    is_key: bool
    is_event: bool
    """Something happened at this tick."""
    data: bytes

    @property
    def flags(self) -> Flag:
        """As they stand in a file."""
        return (Flag.KEY if self.is_key else Flag.CHANGE) | (Flag.EVENT if self.is_event else Flag.CHANGE)


def fields_now() -> Fields:
    """The fields of the records that `Encoder` makes, for the header."""
    return _NOW.fields


class Encoder:
    """One snapshot after the other to records."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Let the next record be a key."""
        self._differ = Differ()
        self._stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW_STREAM)
        self._until_key = 0

    def record(self, snapshot: Snapshot, is_event: bool = False) -> Record | None:
        """None for one that nobody could read again."""
        raw = self._packed(snapshot)
        is_key = self._until_key == 0
        if raw is None or len(raw) > MOST_RAW:
            self._until_key = 0
            return None
        data = self._stream.compress(raw) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        self._until_key = KEY_TICKS - 1 if is_key else self._until_key - 1
        return Record(snapshot.at.timestamp(), is_key, is_event, data)

    def _packed(self, snapshot: Snapshot) -> bytes | None:
        if self._until_key == 0:
            self.restart()
        with contextlib.suppress(*_NONSENSE):
            return _NOW.packed(self._differ.change(snapshot))
        # What follows must not refer to what is left out now.
        self.restart()
        with contextlib.suppress(*_NONSENSE):
            return _NOW.packed(self._differ.change(_without_nonsense(snapshot)))
        return None


class Decoder:
    """One record after the other back to snapshots, from a key on."""

    def __init__(self) -> None:
        self._layout = _NOW
        self._patcher: Patcher | None = None
        self._stream: Any = None
        self._now: Snapshot | None = None

    def use(self, layout: Layout) -> None:
        """From the next key on the fields are these."""
        self._layout = layout

    def snapshot(self, data: bytes, is_key: bool) -> Snapshot:
        """Raises `Damage`."""
        if is_key:
            self._patcher, self._stream = Patcher(), zlib.decompressobj(_RAW_STREAM)
        if self._patcher is None:
            raise Damage("no key record before it")
        change = each_text(self._layout.read(self._unpacked(data)), _harmless)
        found = self._patcher.snapshot(change)
        if is_key and self._now is not None:
            found = joined(self._now, found)
            self._patcher.continue_from(found)
        self._now = found
        return found

    def _unpacked(self, data: bytes) -> bytes:
        try:
            raw = self._stream.decompress(data, MOST_RAW)
        except zlib.error as error:
            raise Damage(str(error)) from None
        if self._stream.unconsumed_tail or self._stream.eof:
            raise Damage("more in it than a tick can be")
        return bytes(raw)


def layout_of(fields: Fields) -> Layout:
    """Of a header. Raises `Damage`."""
    return _NOW if fields == _NOW.fields else Layout(Change, fields)


def _harmless(text: str) -> str:
    """Nobody knows who wrote a file: its texts are no better than those of a container."""
    return text if text.isprintable() and len(text) <= _MOST_TEXT else plain(text, _MOST_TEXT)


def _without_nonsense(snapshot: Snapshot) -> Snapshot:
    """Without the entries that hold a figure nobody means; the rest can be told."""
    kept = {
        name: {key: value for key, value in getattr(snapshot, name).items() if _is_sane(name, value)}
        for name in ("readings", "sockets", "files", "flows")
    }
    return msgspec.structs.replace(snapshot, **kept)


def _is_sane(name: str, value: Any) -> bool:
    try:
        _NOW.packed(msgspec.structs.replace(NO_CHANGE, **{name: {0: value}}))
    except _NONSENSE:
        return False
    return True
