"""Bundles: whole or not there, the same verdict again, and nothing a stranger's file could do."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcptop.model.diagnosis import Provenance
from mcptop.playbook import bundle
from mcptop.playbook.bundle import BundleError, reading
from mcptop.playbook.case import encode, verdict_of
from mcptop.playbook.steps.base import Output
from tests.playbook import examples

SEEN = Provenance("lsof", ("lsof", "-p", "1"), "4.95.0", raw_sha256="ab" * 32)
OUTPUTS = (
    ("files", Output("lsof.txt", b"COMMAND PID\n", SEEN)),
    ("files", Output("lsof.txt", b"again", SEEN)),
    ("stacks", Output("../../etc/pass wd", b"\x00\xff", SEEN)),
    ("stacks", Output(".", b"", SEEN)),
)


def written(folder: Path) -> Path:
    path = folder / "case.tar.gz"
    bundle.write(path, examples.PROBLEM, OUTPUTS)
    return path


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {info.name: content.read() for info in archive if (content := archive.extractfile(info))}


def packed(path: Path, entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, data in entries:
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    return path


def changed(path: Path, change: Callable[[dict[str, bytes]], None], seal: bool = True) -> Path:
    """The bundle with other members; with `seal` the manifest names what is in it now."""
    found = members(path)
    change(found)
    if seal and "manifest.json" in found:
        manifest = json.loads(found["manifest.json"])
        manifest["members"] = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in found.items()
            if name != "manifest.json"
        }
        found["manifest.json"] = json.dumps(manifest).encode()
    return packed(path, [(tarfile.TarInfo(name), data) for name, data in found.items()])


def test_the_same_verdict_from_a_bundle_byte_for_byte(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert (
        encode(verdict_of(bundle.read(path))) == members(path)["verdict.json"] == encode(verdict_of(examples.PROBLEM))
    )


def test_what_is_in_it(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = members(path)
    assert list(found) == [
        "manifest.json", "case.json", "verdict.json", "playbook/memory-leak.yaml", "playbook/hypotheses/memory.yaml",
        "raw/files/lsof.txt", "raw/files/lsof.txt-2", "raw/stacks/_.._etc_pass_wd", "raw/stacks/_",
    ]  # fmt: skip
    assert found["playbook/memory-leak.yaml"].decode() == examples.PLAYBOOK
    assert found["raw/files/lsof.txt-2"] == b"again"
    manifest = json.loads(found["manifest.json"])
    assert manifest["version"] == "0.1.0"
    assert manifest["tools"] == {"docker": "", "lsof": "4.95.0", "py-spy": "0.4.1"}
    assert [(step["step"], step["status"]) for step in manifest["steps"]][-1] == ("heap", "skipped")
    assert manifest["cost"]["cpu_s"] == 1.31
    assert manifest["members"]["raw/files/lsof.txt"]["raw_sha256"] == "ab" * 32


def test_the_same_content_is_the_same_file(tmp_path: Path) -> None:
    first = written(tmp_path).read_bytes()
    assert written(tmp_path).read_bytes() == first


def test_it_may_be_packed_again_by_hand(tmp_path: Path) -> None:
    path = written(tmp_path)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    subprocess.run(["tar", "xzf", path], check=True, cwd=folder)
    subprocess.run(["tar", "czf", path, "."], check=True, cwd=folder)
    assert encode(verdict_of(bundle.read(path))) == encode(verdict_of(examples.PROBLEM))


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: writing fails half-way in the same manner."""
    path = tmp_path / "case.tar.gz"
    path.write_bytes(b"before")
    code = (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))\n"
        "from pathlib import Path; from mcptop.playbook import bundle\n"
        "from tests.playbook import examples, test_bundle\n"
        "large = bundle.writing.Output('large', os.urandom(1 << 18), test_bundle.SEEN)\n"
        "try: bundle.write(Path(sys.argv[1]), examples.PROBLEM, [('files', large)])\n"
        "except bundle.BundleError as error: print(error)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code, path], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == f"{path}: cannot be written: File too large\n"
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["case.tar.gz"]


@pytest.mark.parametrize(
    ("place", "says"), [("nowhere/case.tar.gz", "No such file or directory"), (".", "not a file one could replace")]
)
def test_where_nothing_can_be_written(tmp_path: Path, place: str, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        bundle.write(tmp_path / place, examples.PROBLEM, ())
    assert not list(tmp_path.iterdir())


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    many = [("files", Output("x", b"", SEEN))] * 2000
    with pytest.raises(BundleError, match="more than a bundle may hold"):
        bundle.write(tmp_path / "case.tar.gz", examples.PROBLEM, many)
    assert not list(tmp_path.iterdir())


def set_schema(schema: str, document: str) -> Callable[[dict[str, bytes]], None]:
    def change(found: dict[str, bytes]) -> None:
        found[document] = json.dumps(json.loads(found[document]) | {"schema": schema}).encode()

    return change


@pytest.mark.parametrize(
    ("change", "seal", "says"),
    [
        (lambda found: found.pop("manifest.json"), True, "not a bundle of mcptop: it has no manifest.json"),
        (lambda found: found.pop("case.json"), True, "it has no case.json"),
        (lambda found: found.pop("case.json"), False, "`case.json` is missing; it is cut short or damaged"),
        (lambda found: found.update({"case.json": b"{}"}), False, "`case.json` is not what was written"),
        (lambda found: found.update({"case.json": b"{}"}), True, "case.json: not a case: it names no schema"),
        (lambda found: found.update({"x": b""}), False, "`x` is not in its manifest.json"),
        (lambda found: found.update({"manifest.json": b"["}), False, "manifest.json is no JSON"),
        (lambda found: found.update({"manifest.json": b"{}"}), False, "not a bundle of mcptop: it names no schema"),
        (set_schema("mcptop.bundle/2", "manifest.json"), True, "written by a newer mcptop"),
        (set_schema("mcptop.case/7", "case.json"), True, r"written by a newer mcptop \(mcptop.case/7\)"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, change: object, seal: bool, says: str) -> None:
    path = changed(written(tmp_path), change, seal)  # type: ignore[arg-type]
    refused(path, says)


def refused(path: Path, says: str) -> None:
    with pytest.raises(BundleError, match=says) as error:
        bundle.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def special(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("info", "says"),
    [
        (special("/etc/passwd"), "points outside"),
        (special("raw/../../x"), "points outside"),
        (special("..\\x"), "points outside"),
        (special("a\x1b[2Jb"), r"`a \[2Jb` points outside"),
        (special("link", tarfile.SYMTYPE, "/etc/passwd"), "not a plain file"),
        (special("link", tarfile.LNKTYPE, "case.json"), "not a plain file"),
        (special("null", tarfile.CHRTYPE), "not a plain file"),
        (special("disk", tarfile.BLKTYPE), "not a plain file"),
        (special("pipe", tarfile.FIFOTYPE), "not a plain file"),
        (special("case.json"), "`case.json` is in it twice"),
    ],
)
def test_what_is_no_plain_file_inside_is_refused(tmp_path: Path, info: tarfile.TarInfo, says: str) -> None:
    path = written(tmp_path)
    found = [(tarfile.TarInfo(name), data) for name, data in members(path).items()]
    refused(packed(path, [*found, (info, b"")]), says)


def test_huge_ones_are_refused_without_unpacking_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    monkeypatch.setattr(reading, "MOST_MEMBERS", 3)
    refused(path, "it has more than 3 members")
    monkeypatch.setattr(reading, "MOST_MEMBER_BYTES", 1000)
    refused(path, "is larger than 0 MiB")


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    header = tarfile.TarInfo("x")
    header.size = 60 << 20
    content = gzip.compress(bytes(header.size), 1)
    with open(path, "wb") as file:
        for at in range(6):
            header.name = f"raw/{at}"
            file.write(gzip.compress(header.tobuf()) + content)
    assert path.stat().st_size < 4 << 20
    refused(path, "it unpacks to more than 256 MiB")


def test_a_header_that_claims_any_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.tar.gz"
    for kind in (tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
        info = special("x", kind)
        info.size = 1 << 50
        path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 16)))
        with pytest.raises(BundleError):
            bundle.read(path)


@pytest.mark.parametrize(
    "headers",
    [
        {"GNU.sparse.map": "x,y"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
        {"GNU.sparse.size": "x", "GNU.sparse.map": "0,1"},
        {"GNU.sparse.realsize": "x"},
        {"size": "-1"},
    ],
)
def test_figures_in_headers_that_are_none(tmp_path: Path, headers: dict[str, str]) -> None:
    info = special("x", tarfile.REGTYPE)
    info.pax_headers = headers
    path = tmp_path / "odd.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.PAX_FORMAT) + b"x\n".ljust(1 << 14, b"\0")))
    refused(path, "not a bundle of mcptop|is not a plain file")


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"hello\n" * 200, gzip.compress(b"hello" * 300, mtime=0), gzip.compress(b"", mtime=0)]
)
def test_what_is_no_bundle(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    refused(path, "not a bundle of mcptop|cut short")


def test_no_file(tmp_path: Path) -> None:
    refused(tmp_path / "none", "No such file")
    refused(tmp_path, "Is a directory")


def test_cut_short_anywhere(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    for end in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:end])
        with pytest.raises(BundleError):
            bundle.read(path)


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_damaged_bundle_is_refused_or_the_same(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "case.tar.gz"
    if not path.exists():
        written(tmp_path)
    whole = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(whole)
    try:
        case = bundle.read(damaged)
    except BundleError:
        return
    assert encode(case) == encode(examples.PROBLEM)
