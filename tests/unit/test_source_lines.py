"""Lines of a running program's source: read where they are plain files, and nothing else is ever opened."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from mcptop.sources import source_lines
from mcptop.sources.procfs import Roots

IN_OPEN = 0x20
LIBC = ctypes.CDLL(None, use_errno=True)


def roots(folder: Path) -> Roots:
    """Process 7, whose root and working folder are here."""
    base = folder / "proc" / "7"
    base.mkdir(parents=True)
    for name in ("root", "cwd"):
        (base / name).symlink_to(folder)
    return Roots(str(folder / "proc"), "/sys")


def test_a_line_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("one\ntwo\n")
    (tmp_path / "link.py").symlink_to("app.py")
    (tmp_path / "long.py").write_bytes(bytes((4 << 20) + 1))
    seen = roots(tmp_path)
    assert [source_lines.line(seen, 7, "/app.py", number) for number in (0, 1, 2, 3)] == [None, "one\n", "two\n", None]
    assert source_lines.line(seen, 7, "link.py", 2) == "two\n"
    for name in ("/long.py", "/none.py", "/", "<string>", "a\0b"):
        assert source_lines.line(seen, 7, name, 1) is None


def test_what_is_no_plain_file_is_not_even_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "device")
    (tmp_path / "app.py").symlink_to("device")
    seen = roots(tmp_path)
    watch = LIBC.inotify_init1(os.O_NONBLOCK)
    if watch < 0 or LIBC.inotify_add_watch(watch, os.fsencode(tmp_path / "device"), IN_OPEN) < 0:
        pytest.skip("this kernel tells of no files that are opened")
    try:
        assert source_lines.line(seen, 7, "/app.py", 1) is None
        with pytest.raises(BlockingIOError):
            os.read(watch, 4096)
    finally:
        os.close(watch)
