"""Where playbooks are found, and which goes before which."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcptop.playbook import shelf
from mcptop.playbook.load import PlaybookError
from mcptop.playbook.shelf import Origin, UnknownPlaybook
from tests.playbook import examples

SMALL = "playbook: {}\ntitle: {}\nsteps: []\nhypotheses: [{{use: page-cache}}]\n"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The shipped folder and the user's."""
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    (shipped / "hypotheses").mkdir(parents=True)
    (shipped / "memory-leak.yaml").write_text(examples.PLAYBOOK)
    (shipped / "README.md").write_text("no playbook")
    (shipped / "hypotheses" / "memory.yaml").write_text(examples.SHARED)
    monkeypatch.setattr(shelf, "shipped", lambda: shipped)
    monkeypatch.setattr(shelf, "own", lambda: own)
    monkeypatch.chdir(tmp_path)
    return shipped, own


def test_the_checkout_has_its_own() -> None:
    assert (shelf.shipped() / "README.md").is_file()


def test_from_a_folder_that_was_deleted(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert shelf.find("memory-leak").file == str(folders[0] / "memory-leak.yaml")
    with pytest.raises(UnknownPlaybook, match="there is no such file"):
        shelf.find("./own.yaml")


def test_one_by_name(folders: tuple[Path, Path]) -> None:
    found = shelf.find("memory-leak")
    assert found.file == "shipped/memory-leak.yaml"
    assert (found.entry.name, found.entry.origin, found.entry.hides) == ("memory-leak", Origin.SHIPPED, None)
    assert [each.id for each in found.playbook().hypotheses][2] == "page-cache"
    assert found.library == {"shipped/hypotheses/memory.yaml": examples.SHARED}


def test_the_users_own_goes_before_a_shipped_one_and_says_so(folders: tuple[Path, Path]) -> None:
    shipped, own = folders
    own.mkdir()
    (own / "memory-leak.yaml").write_text(SMALL.format("memory-leak", "Mine"))
    (own / "other.yml").write_text(SMALL.format("other", "Other"))
    assert [(entry.name, entry.origin, entry.hides) for entry in shelf.entries()] == [
        ("memory-leak", Origin.USER, shipped / "memory-leak.yaml"),
        ("other", Origin.USER, None),
    ]
    assert shelf.find("memory-leak").playbook().title == "Mine"
    assert shelf.find("shipped/memory-leak.yaml").playbook().title == "Memory keeps growing"


def test_shared_hypotheses_of_the_user_replace_a_file_of_the_same_name(folders: tuple[Path, Path]) -> None:
    _, own = folders
    (own / "hypotheses").mkdir(parents=True)
    (own / "hypotheses" / "memory.yaml").write_text(examples.SHARED.replace("makes it look large", "is normal"))
    assert "is normal" not in shelf.find("memory-leak").playbook().hypotheses[2].says
    (own / "memory-leak.yaml").write_text(examples.PLAYBOOK)
    assert "is normal" in shelf.find("memory-leak").playbook().hypotheses[2].says
    (own / "hypotheses" / "memory2.yaml").write_text(examples.SHARED)
    with pytest.raises(PlaybookError, match=r"own/hypotheses/memory2\.yaml:1: `page-cache` stands in .*memory\.yaml"):
        shelf.find("memory-leak").playbook()


def test_one_by_path_with_what_stands_beside_it(folders: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "hypotheses"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("- {id: mine, says: x}\n")
    (folder.parent / "small.yaml").write_text(SMALL.format("small", "Small") + "  # nothing\n")
    found = shelf.find("elsewhere/small.yaml")
    assert (found.entry.origin, found.file) == (Origin.FILE, "elsewhere/small.yaml")
    assert set(found.library) == {"shipped/hypotheses/memory.yaml", "elsewhere/hypotheses/mine.yaml"}
    assert shelf.find("./shipped/memory-leak.yaml").entry.origin == Origin.SHIPPED


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("memory-leaks", "no playbook `memory-leaks`; nearest: memory-leak"),
        ("x\x1b[2J", r"no playbook `x \[2J`; `mcptop playbooks list` shows all"),
        ("nowhere.yaml", "no playbook `nowhere.yaml`: there is no such file"),
        ("shipped/", "there is no such file"),
        ("binary.yaml", "not a text in UTF-8"),
    ],
)
def test_what_is_not_there(folders: tuple[Path, Path], tmp_path: Path, wanted: str, says: str) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(UnknownPlaybook, match=says) as error:
        shelf.find(wanted)
    assert "\n" not in str(error.value)


def test_an_empty_shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shelf, "shipped", lambda: tmp_path)
    monkeypatch.setattr(shelf, "own", lambda: tmp_path / "none")
    with pytest.raises(UnknownPlaybook, match="there are none"):
        shelf.find("x")
