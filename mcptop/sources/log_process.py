"""Follows the log files of a host process, through its own descriptors: rotated, truncated and deleted ones too."""

from __future__ import annotations

import os
import threading
import time
from typing import NamedTuple

from mcptop.sources import process_tree
from mcptop.sources.kept import contents
from mcptop.sources.log_box import LogBox, LogError, Mark, Raw, Stream, Window
from mcptop.sources.log_files import log_files
from mcptop.sources.log_stamps import leading
from mcptop.sources.log_wire import Splitter
from mcptop.sources.open_files import OpenFile, open_files
from mcptop.sources.process_files import process_stat
from mcptop.sources.procfs import Roots

_PAUSE_S = 0.1
_LOOK_EVERY = 10
"""Pauses between two looks whether the files are still those the process writes."""
_TAIL = 256 << 10
"""Bytes that are read of what came in one pause; of the rest the lines are counted."""
_PAST = 4 << 20
_PIECE = 1 << 20
_COUNTED = 64 << 20
"""Bytes whose lines are counted in one pause: reading more would cost more than knowing is worth."""


class _Read(NamedTuple):
    lines: list[Raw]
    skipped: int = 0
    uncounted: bool = False


class _File:
    """One file, from where it was opened on."""

    def __init__(self, procfs: str, file: OpenFile) -> None:
        """Raises OSError."""
        self.path, self.inode = file.path, file.inode
        self.link = f"{procfs}/{file.pid}/fd/{file.fd}"
        # Opened anew: a position of our own, and it works for deleted files too.
        self._fd = os.open(self.link, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._splitter = Splitter(Stream.ERR if file.fd == Stream.ERR else Stream.OUT)
        self._at = 0

    def close(self) -> None:
        """Close it."""
        os.close(self._fd)

    def past(self, window: Window) -> list[Raw]:
        """The lines that are there already, as far back as wanted. Raises OSError."""
        status = os.fstat(self._fd)
        self._at = max(0, status.st_size - _PAST)
        data = os.pread(self._fd, status.st_size - self._at, self._at)
        if self._at:
            data = data.partition(b"\n")[2]
        self._at = status.st_size
        lines = self._splitter.feed(data, status.st_mtime)[-window.lines :]
        return lines if window.seconds is None else _since(lines, time.time() - window.seconds)

    def came(self) -> _Read | None:
        """What was written since the last look; None when the file became shorter. Raises OSError."""
        size = os.fstat(self._fd).st_size
        if size < self._at:
            self._at = 0
            self._splitter.end()
            return None
        if size == self._at:
            return _Read([])
        skipped = uncounted = 0
        if size - self._at > _TAIL:
            skipped, uncounted = self._skip(size - _TAIL)
        data = os.pread(self._fd, size - self._at, self._at)
        if skipped or uncounted:
            self._splitter.feed(b"\n")
            skipped, data = skipped + 1, data.partition(b"\n")[2]
        self._at = size
        return _Read(self._splitter.feed(data, time.time()), skipped, bool(uncounted))

    def rest(self) -> list[Raw]:
        """What was left unfinished at the end."""
        return self._splitter.end(time.time())

    def _skip(self, until: int) -> tuple[int, bool]:
        """Go on to there; the lines on the way, and whether there were more than were counted."""
        lines, far = 0, until - self._at > _COUNTED
        if far:
            self._at = until
            return 0, True
        while self._at < until and (part := os.pread(self._fd, min(_PIECE, until - self._at), self._at)):
            lines += part.count(b"\n")
            self._at += len(part)
        return lines, False


class ProcessLog:
    """A follower of up to three files."""

    def __init__(self, roots: Roots, pid: int, name: str, window: Window) -> None:
        self._roots, self._pid, self._name, self._window = roots, pid, name, window
        self._stop = threading.Event()
        self._files: list[_File] = []
        self._refused: list[str] = []
        """What may not be read."""
        self._told = 0
        """Of these so many were told."""

    def look_again(self) -> None:
        """See `Follower`; a process that ends is seen in any case."""

    def close(self) -> None:
        """See `Follower`."""
        self._stop.set()

    def follow(self, box: LogBox) -> None:
        """See `Follower`."""
        try:
            self._open(self._found())
            if not self._files:
                raise LogError(self._why_nothing())
            self._tell_refused(box)
            past = [line for file in self._files for line in file.past(self._window)]
            box.put_past(past)
            self._watch(box)
        except OSError as error:
            raise LogError(f"{self._name}: its log cannot be read: {error.strerror}") from None
        finally:
            for file in self._files:
                file.close()

    def _watch(self, box: LogBox) -> None:
        pauses = 0
        while not self._stop.wait(_PAUSE_S):
            pauses += 1
            ended = self._ended()
            for file in self._files:
                self._read(file, box)
            if ended:
                box.put([raw for file in self._files for raw in file.rest()])
                box.put([Mark(time.time(), "the process has ended")])
                return
            if pauses % _LOOK_EVERY == 0:
                self._renew(box)

    def _read(self, file: _File, box: LogBox) -> None:
        read = file.came()
        if read is None:
            box.put([Mark(time.time(), f"{file.path} was truncated")])
            read = file.came()
        if read is not None and (read.lines or read.skipped or read.uncounted):
            box.put(read.lines, read.skipped, read.uncounted)

    def _renew(self, box: LogBox) -> None:
        """Files that were rotated: the old ones to their end, the new ones from their beginning."""
        if self._files and all(_inode(file.link) == file.inode for file in self._files):
            return
        found = self._found()
        if not found:
            return
        kept, present = {file.inode for file in self._files}, {file.inode for file in found}
        new = self._open([file for file in found if file.inode not in kept])
        self._tell_refused(box)
        for gone in [file for file in self._files if file.inode not in present]:
            self._read(gone, box)
            self._files.remove(gone)
            gone.close()
        for file in new:
            box.put([Mark(time.time(), f"{file.path} is a new file")])
            self._read(file, box)

    def _found(self) -> list[OpenFile]:
        every: list[OpenFile] = []
        for pid in process_tree.members(self._roots, self._pid):
            try:
                every += open_files(self._roots.procfs, pid)
            except (FileNotFoundError, ProcessLookupError):
                continue
            except PermissionError:
                self._refuse(f"{self._roots.procfs}/{pid}/fd")
        return log_files(every)

    def _open(self, files: list[OpenFile]) -> list[_File]:
        """Those that may be read; they are closed at the end, whatever becomes of the others."""
        opened = []
        for file in files:
            try:
                opened.append(_File(self._roots.procfs, file))
            except (FileNotFoundError, ProcessLookupError):
                continue
            except PermissionError:
                self._refuse(file.path)
            else:
                self._files.append(opened[-1])
        return opened

    def _refuse(self, path: str) -> None:
        if path not in self._refused:
            self._refused.append(path)

    def _tell_refused(self, box: LogBox) -> None:
        box.put([Mark(time.time(), f"{path} may not be read: run as root") for path in self._refused[self._told :]])
        self._told = len(self._refused)

    def _why_nothing(self) -> str:
        if self._refused:
            return f"{self._name}: {self._refused[0]} may not be read: run as root"
        return f"{self._name}: its output goes to no file (a pipe, a terminal, the journal?): not readable"

    def _ended(self) -> bool:
        stat = process_stat(contents(f"{self._roots.procfs}/{self._pid}/stat"))
        return stat is None or stat.state in ("Z", "X")


def _inode(link: str) -> str | None:
    try:
        status = os.stat(link)
    except OSError:
        return None
    return f"{status.st_dev:x}:{status.st_ino}"


def _since(lines: list[Raw], since: float) -> list[Raw]:
    """From the first line on that is not older; lines without a time belong to the one before."""
    for index, (_, _, line) in enumerate(lines):
        at = leading(line)
        if at is not None and at >= since:
            return lines[index:]
    has_times = any(leading(line) is not None for _, _, line in lines)
    return lines if lines and not has_times and (lines[0][1] or 0.0) >= since else []
