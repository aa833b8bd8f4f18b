"""Kept files: parsing only on change, and what happens when the process behind one is gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcptop.sources import kept
from mcptop.sources.kept import Gone, KeptFile, ParsedFile


def test_the_parser_runs_only_when_the_bytes_changed(tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text("1")
    parsed: list[bytes] = []

    def parse(data: bytes) -> int:
        parsed.append(data)
        return int(data)

    value = ParsedFile(str(file), parse)
    assert (value.get(), value.changed) == (1, True)
    assert (value.get(), value.changed) == (1, False)
    file.write_text("2")
    assert (value.get(), value.changed) == (2, True)
    assert parsed == [b"1", b"2"]


def test_a_file_this_kernel_does_not_have_is_unknown_for_good(tmp_path: Path) -> None:
    value = ParsedFile(str(tmp_path / "cpu.pressure"), int)
    assert value.get() is None
    (tmp_path / "cpu.pressure").write_text("1")
    assert value.get() is None


def test_a_process_that_ended_is_gone_even_if_its_path_exists_again() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    stat = KeptFile(f"/proc/{child.pid}/stat")
    assert stat.read().startswith(str(child.pid).encode())
    child.communicate(b"\n")
    with pytest.raises(Gone):
        stat.read()


def test_long_files_are_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "long"
    file.write_bytes(b"x" * 300_000)
    assert len(KeptFile(str(file)).read()) == 300_000


def test_without_descriptors_left_a_file_is_opened_for_each_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "value"
    file.write_text("1")

    def no_more(*_: object) -> int:
        raise OSError(24, os.strerror(24))

    monkeypatch.setattr(kept.os, "open", no_more)
    value = KeptFile(str(file))
    assert value.read() == b"1"
    assert value.read() == b"1"
