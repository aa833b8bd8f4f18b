"""Saved views: written whole and privately, read with care, and never over what is no view."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.presentation.tabs import TABS
from mcptop.views import saved
from mcptop.views.saved import SavedView, ViewError

VIEW = SavedView("pools", 'waiting>0 "a\\b"', "wait", False, ("service", "wait"), False, 300)


def test_what_was_saved_is_found_again(tmp_path: Path) -> None:
    path = saved.save(tmp_path / "new" / "views", "my pools", VIEW)
    assert saved.find(path.parent, "my pools") == VIEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["my pools.toml"]


WORDS = st.text(st.characters(codec="utf-8"))


@given(st.builds(
    SavedView, WORDS, WORDS, st.none() | WORDS, st.booleans(), st.none() | st.lists(WORDS).map(tuple), st.booleans(),
    st.none() | st.integers(0, 900),
))  # fmt: skip
def test_any_view_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, view: SavedView) -> None:
    folder = tmp_path_factory.mktemp("views")
    saved.save(folder, "x", view)
    assert saved.find(folder, "x") == view


def test_a_view_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    saved.save(tmp_path, "x", VIEW)
    saved.save(tmp_path, "x", SavedView(filter="api"))
    assert saved.find(tmp_path, "x") == SavedView(filter="api")


def test_a_view_of_ones_own_goes_before_the_shipped_one(tmp_path: Path) -> None:
    assert saved.find(tmp_path, "memory").sort == "memory"
    saved.save(tmp_path, "memory", SavedView(filter="mine"))
    assert saved.find(tmp_path, "memory").filter == "mine"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"tab = 7", "no view: Expected `str`, got `int`"),
        (b"tabb = 'x'", "unknown field `tabb`"),
        (b"[[", "no view:"),
        (b"\xff\xfe", "no view:"),
        (b"# x\n" * 20_000, "too large for a view"),
    ],
)
def test_a_file_that_is_no_view_is_reported_and_left_alone(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "x.toml").write_bytes(content)
    known = saved.known(tmp_path)
    assert "x" not in known.views
    assert "memory" in known.views
    (problem,) = known.problems
    assert problem.startswith(f"{tmp_path}/x.toml: ")
    assert says in problem
    assert "\n" not in problem
    for attempt in (lambda: saved.find(tmp_path, "x"), lambda: saved.save(tmp_path, "x", VIEW)):
        with pytest.raises(ViewError, match=r"x\.toml: "):
            attempt()
    assert (tmp_path / "x.toml").read_bytes() == content


def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "nowhere.toml").symlink_to(tmp_path / "gone")
    assert len(saved.known(tmp_path).problems) == 3
    for name in ("pipe", "folder", "nowhere"):
        with pytest.raises(ViewError, match="no file"):
            saved.save(tmp_path, name, VIEW)


def test_a_place_one_may_not_write_to_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ViewError, match="cannot be written"):
        saved.save(tmp_path / "file", "x", VIEW)
    with pytest.raises(ViewError, match=r"cannot be written \(No such file"):
        saved.save(Path("/proc/none"), "x", VIEW)


def test_half_a_letter_cannot_be_written_and_leaves_the_old_view(tmp_path: Path) -> None:
    saved.save(tmp_path, "x", VIEW)
    with pytest.raises(ViewError, match="cannot be written"):
        saved.save(tmp_path, "x", SavedView(filter="\ud800"))
    assert saved.find(tmp_path, "x") == VIEW
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["", " x", "x ", "../x", "a/b", ".x", "a\nb", "\x1b[2J", "x" * 41, "a\x00b"])
def test_what_cannot_be_a_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ViewError, match="cannot be a name"):
        saved.save(tmp_path / "views", name, VIEW)
    assert not (tmp_path / "views").exists()


def test_a_name_that_is_not_known_lists_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ViewError) as caught:
        saved.find(tmp_path, "memry")
    assert str(caught.value) == (
        "no view `memry` (did you mean memory?); there are: connections, cpu, memory, problems"
    )


def test_what_is_shipped_names_tabs_and_columns_that_there_are() -> None:
    tabs = {tab.id: {column.id for column in tab.sheet.columns} for tab in TABS}
    for name, view in saved.shipped().items():
        assert {*(view.columns or ()), view.sort} <= tabs[view.tab] | {None}, name
