"""Reports as files: what comes from a target is text in them, and nothing in them is loaded from elsewhere."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from mcptop.headless.report import ReportError, check_writable, write
from mcptop.model.playbook import Remedy
from mcptop.playbook import shelf
from mcptop.playbook.drawing import HEIGHT, WIDTH, drawing
from mcptop.playbook.report_html import html
from mcptop.playbook.report_markdown import code, escaped, markdown
from mcptop.playbook.shelf import UnknownPlaybook
from mcptop.verdicts.figures import figures
from tests.playbook.test_report import HOSTILE, VERDICTS, curve, hostile

MARKUP = [
    *HOSTILE, "<script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", '" onload="alert(1)', "{{ 7 * 7 }}",
    "{% x %}", "javascript:alert(1)", "[a](http://x)", "![a](http://x)", "http://x.example www.x.example",
    "# a", "1. a", "- a", "> a", "a | b", "`` ` ``", "$x$", "@all", "a<br>b", "&lt;", "--- ", "===", "* * *",
    "\\", "```", "x`y",
]  # fmt: skip
ROOT = Path(__file__).parents[2]
PARSER = MarkdownIt("commonmark").enable("table")


class Seen(HTMLParser):
    """The tags, attributes and text of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "line", "circle", "polyline", "polygon"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "circle", "polyline", "polygon"):
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def html_of(document: str) -> Seen:
    seen = Seen(document)
    assert seen.open == []
    return seen


TAGS = html_of(html(VERDICTS["problem"])).tags | html_of(html(VERDICTS["inconclusive"])).tags | {"circle"}


@pytest.mark.parametrize("name", VERDICTS)
def test_html_says_what_the_terminal_says(name: str) -> None:
    verdict = VERDICTS[name]
    text = " ".join(html_of(html(verdict)).text.split())
    assert verdict.says.replace("`", "") in text
    for each in verdict.hypotheses:
        assert each.mechanism in text
        assert all(argument.because in text for argument in (*each.supports, *each.contradicts))
    for each in verdict.evidence:
        assert each.message.replace("`", "") in text
    for remedy in (verdict.do.now, verdict.do.fix, verdict.do.verify):
        assert remedy.replace("`", "") in text


@pytest.mark.parametrize("name", VERDICTS)
def test_html_loads_nothing(name: str) -> None:
    document = html(VERDICTS[name])
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<img|<iframe", document)
    assert "default-src 'none'" in document
    assert "prefers-color-scheme: dark" in document


@pytest.mark.parametrize("text", MARKUP, ids=range(len(MARKUP)))
def test_hostile_text_is_text_in_html(text: str) -> None:
    seen = html_of(html(hostile(text)))
    assert seen.tags <= TAGS
    assert not {name for name in seen.attributes if name.startswith("on") or name in ("src", "href")}
    assert not set(seen.text) & {"\x1b", "\x9b", "\x07", "\r", "\u202e"}


def test_the_text_itself_is_still_there() -> None:
    assert "<script>alert(1)</script>" in html_of(html(hostile("<script>alert(1)</script>"))).text
    assert "{{ 7 * 7 }}" in html_of(html(hostile("{{ 7 * 7 }}"))).text


def tokens(document: str) -> list[str]:
    """The kinds of all parts of a Markdown document, and the HTML in it."""
    found = []
    for token in PARSER.parse(document):
        for each in (token, *(token.children or ())):
            found.append(each.content if each.type.startswith("html") else each.type)
    return found


KINDS = {kind for name in VERDICTS for kind in tokens(markdown(VERDICTS[name]))} | {"<br>"}


def text_of(document: str) -> str:
    inline = (child for token in PARSER.parse(document) for child in token.children or ())
    return "".join(child.content for child in inline if child.type in ("text", "code_inline", "text_special"))


@pytest.mark.parametrize("text", MARKUP, ids=range(len(MARKUP)))
def test_hostile_text_is_text_in_markdown(text: str) -> None:
    document = markdown(hostile(text))
    assert set(tokens(document)) <= KINDS
    assert not re.search(r"(?<!\\):(?=//)|www\.", re.sub(r"`+[^`]*`+", "", document))
    assert document.isprintable() or set(document) & {"\n"}


@given(st.text(alphabet=st.sampled_from("ab 1.)(-+=#>*_`~[]!<&|\\:/@$^{}\"'\n\t\0é\u202e"), max_size=24))
@settings(max_examples=150, deadline=None)
def test_any_text_reads_as_it_is(text: str) -> None:
    clean = " ".join(text.replace("\0", " ").replace("\u202e", " ").split())
    assert " ".join(text_of(f"x {escaped(text)} x").split()) == f"x {clean} x".replace("  ", " ")
    if clean:
        assert " ".join(text_of(f"| {code(text, in_table=True)} |\n|---|").split()) == clean
    assert set(tokens(markdown(hostile(text)))) <= KINDS


def test_markdown_says_what_the_terminal_says() -> None:
    verdict = VERDICTS["problem"]
    text = text_of(markdown(verdict))
    assert verdict.says in text
    assert "docker restart worker-1" in text
    assert "Next best: slow-consumer, <0.01: memory did not fall" in text
    assert "`docker restart worker-1`" in markdown(verdict)


def test_a_chart_has_its_axes_its_limit_and_its_gaps() -> None:
    found = drawing(curve(10.0, None, 20.0, 30.0, limit=40.0))
    assert [tick.text for tick in found.y_ticks] == ["0 B", "20 B", "40 B"]
    assert [tick.text for tick in found.x_ticks] == ["0 s", "1.5 s", "3 s"]
    assert found.limit is not None
    assert (found.limit.text, found.limit.at) == ("limit 40 B", found.y_ticks[2].at)
    assert len(found.lines) == 2
    assert found.lines[0].count(" ") == 0
    points = [tuple(map(float, point.split(","))) for line in found.lines for point in line.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert found.above == ""


def test_a_limit_far_above_is_named() -> None:
    found = drawing(curve(350.0, 360.0, limit=512.0))
    assert (found.limit, found.above) == (None, "↑ limit 512 B")


def test_files_are_written_or_told(tmp_path: Path) -> None:
    assert write(VERDICTS["problem"], tmp_path / "a.md", tmp_path / "a.html") == []
    assert (tmp_path / "a.md").read_text() == markdown(VERDICTS["problem"])
    assert (tmp_path / "a.html").read_text() == html(VERDICTS["problem"])
    path = tmp_path / "none" / "a.md"
    assert write(VERDICTS["problem"], path, None) == [f"{path}: cannot be written: No such file or directory"]


@pytest.mark.parametrize(
    ("place", "says"),
    [("none/x", "there is no folder"), (".", "it is a folder"), ("pipe", "not a file one could replace")],
)
def test_places_are_checked_before_anything_is_done(tmp_path: Path, place: str, says: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ReportError, match=says):
        check_writable(None, None, tmp_path / place)
    check_writable(tmp_path / "a", tmp_path / "pipe", tmp_path / "b")
    assert os.listdir(tmp_path) == ["pipe"]


def test_no_two_of_the_files_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.symlink("a", "b")
    Path("x").write_text("a bundle")
    a, b, x = Path("a"), Path("b"), Path("x")
    for files in ((a, tmp_path / "a", None), (a, None, b), (None, b, a), (None, x, None), (x, None, None)):
        with pytest.raises(ReportError, match="named twice"):
            check_writable(*files, judged=x)
    check_writable(a, Path("c"), Path("d"), judged=x)
    check_writable(Path("/dev/null"), Path("/dev/null"), None)


def test_a_place_that_cannot_be_looked_at_or_named_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, gone = tmp_path / "closed", tmp_path / "gone"
    closed.mkdir(mode=0)
    gone.mkdir()
    with someone_else(), pytest.raises(ReportError, match="cannot be written: Permission denied"):
        check_writable(closed / "a", None, None)
    with pytest.raises(ReportError, match="cannot be written: File name too long"):
        check_writable(tmp_path / ("a" * 300), None, None)
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ReportError, match="a: No such file or directory"):
        check_writable(Path("a"), None, None)
    with someone_else(), pytest.raises(UnknownPlaybook, match="there is no such file"):
        shelf.entry_of(str(closed / "a.yaml"))
    with pytest.raises(UnknownPlaybook, match="there is no such file"):
        shelf.entry_of(str(tmp_path / ("a" * 300)))


@contextmanager
def someone_else() -> Iterator[None]:
    """Root may look everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_report_is_there_whole_or_what_was_there_stays(tmp_path: Path) -> None:
    verdict = VERDICTS["problem"]
    kept = tmp_path / "kept.md"
    kept.write_text("what was there")
    kept.chmod(0o600)
    link = tmp_path / "link.md"
    link.symlink_to(kept)
    most = len(markdown(verdict).encode()) // 2
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        assert write(verdict, link, None) == [f"{link}: cannot be written: File too large"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert kept.read_text() == "what was there"
    assert sorted(os.listdir(tmp_path)) == ["kept.md", "link.md"]
    assert write(verdict, link, None) == []
    assert kept.read_text() == markdown(verdict)
    assert (link.is_symlink(), kept.stat().st_mode & 0o777) == (True, 0o600)
    assert sorted(os.listdir(tmp_path)) == ["kept.md", "link.md"]


def test_what_others_have_open_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    script = "from pathlib import Path\nfrom tests.playbook.test_report import VERDICTS\n"
    script += "from mcptop.headless.report import write\nwrite(VERDICTS['problem'], Path('/dev/stdout'), None)"
    log = tmp_path / "log"
    with open(log, "ab") as file:
        inode = os.stat(log).st_ino
        subprocess.run([sys.executable, "-c", script], stdout=file, cwd=ROOT, check=True)
    assert os.stat(log).st_ino == inode
    assert log.read_text() == markdown(VERDICTS["problem"])


def test_nothing_to_do_leaves_no_heading() -> None:
    verdict = replace(VERDICTS["problem"], do=Remedy())
    assert "What to do" not in markdown(verdict)
    assert "What to do" not in html(verdict)


def test_all_values_of_a_step_stand_in_the_page() -> None:
    values = {"a": {"b": None, "c": {"d": 1.25}}, "e": [True, "x"], "f": {}, "series": {"x": 1}}
    assert figures(values) == [("a.b", "-"), ("a.c.d", "1.25"), ("e", "yes, x"), ("f", "{}")]
    assert figures({}) == []
    assert len(figures(dict.fromkeys(map(str, range(5000)), 1))) == 301
