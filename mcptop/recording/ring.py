"""The last minutes in memory, as records: for whoever looks at the dashboard after it happened."""

from __future__ import annotations

import threading
from collections import deque

from mcptop import __version__
from mcptop.model.snapshot import Snapshot
from mcptop.recording.codec import Encoder, Record, fields_now, layout_of
from mcptop.recording.layout import Layout
from mcptop.recording.log import FORMAT, Header, Log

MOST_BYTES = 24 << 20
_OVERHEAD = 120
"""Bytes of a record in memory beside its data."""


class Ring:
    """Takes snapshots on the monitor's thread; `log` from any."""

    def __init__(self, interval_s: float, kept_s: float, most_bytes: int = MOST_BYTES) -> None:
        self._interval_s = interval_s
        self._kept_s = kept_s
        self._most_bytes = most_bytes
        self._encoder = Encoder()
        self._groups: deque[list[Record]] = deque()
        """Each begins with a key."""
        self._host = ""
        self._lock = threading.Lock()
        self.size = 0
        """In memory, about."""

    def add(self, snapshot: Snapshot, is_event: bool = False) -> None:
        """A tick, and whether something happened at it. What is too old, or too much, goes: whole groups of ticks."""
        record = self._encoder.record(snapshot, is_event)
        if record is None:
            return
        with self._lock:
            if record.is_key:
                self._groups.append([])
            self._groups[-1].append(record)
            self._host = snapshot.host.name if snapshot.host else self._host
            self.size += len(record.data) + _OVERHEAD
            while len(self._groups) > 1 and self._is_too_much(record.at):
                self.size -= sum(len(each.data) + _OVERHEAD for each in self._groups.popleft())

    def _is_too_much(self, now: float) -> bool:
        # The second group's key is where the ring would begin.
        return self.size > self._most_bytes or now - self._groups[1][0].at >= self._kept_s

    @property
    def reach_s(self) -> float:
        """How far back it goes."""
        with self._lock:
            return self._groups[-1][-1].at - self._groups[0][0].at if self._groups else 0.0

    def log(self) -> Log:
        """Everything in it, as it is now."""
        with self._lock:
            records = [record for group in self._groups for record in group]
            return _Kept(records, Header(FORMAT, __version__, self._host, self._interval_s, fields_now()))


class _Kept(Log):
    """A copy of the list; the bytes are the ring's own."""

    name = "the last minutes"

    def __init__(self, records: list[Record], header: Header) -> None:
        super().__init__()
        self._records = records
        self._header = header
        self._layout = layout_of(header.fields)
        for record in records:
            self.times.append(record.at)
            self.flags.append(record.flags)

    @property
    def header(self) -> Header:
        return self._header

    def data(self, index: int) -> bytes:
        return self._records[index].data

    def layout(self, index: int) -> Layout:
        return self._layout
