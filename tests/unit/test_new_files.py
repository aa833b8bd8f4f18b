"""Files the reader asked for: new ones only, their owner's, all or none."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from mcptop.new_files import WritingError, write_new


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_first_name_of_which_all_files_are_free(tmp_path: Path) -> None:
    Path("it.html").write_text("somebody else's")
    Path("it-2.md").symlink_to("elsewhere")
    assert write_new("it", {".md": b"one", ".html": b"two"}) == "it-3"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["it-2.md", "it-3.html", "it-3.md", "it.html"]
    assert Path("it.html").read_text() == "somebody else's"
    assert [Path(f"it-3{suffix}").read_bytes() for suffix in (".md", ".html")] == [b"one", b"two"]


def test_they_are_their_owners_whatever_the_mask() -> None:
    before = os.umask(0)
    try:
        write_new("it", {".txt": b"mine"})
    finally:
        os.umask(before)
    assert Path("it.txt").stat().st_mode & 0o777 == 0o600


def test_without_room_nothing_stays_but_one_line(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(WritingError, match=r"^it\.html: cannot be written: File too large$"):
            write_new("it", {".md": b"short", ".html": bytes(20)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
