"""A handover says what a colleague needs, and nothing that is secret, markup, or asked for elsewhere."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from mcptop import __version__
from mcptop.handover import files, gather, picture, redaction
from mcptop.handover.contents import Command
from mcptop.handover.markdown import markdown
from mcptop.handover.page import html
from mcptop.model.alert import Alert
from mcptop.model.diagnosis import Evidence, Provenance, Verdict
from mcptop.model.event import Event
from mcptop.model.frame import Frame, SourceReport, Status
from mcptop.model.host import Filesystem
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind
from mcptop.new_files import WritingError
from mcptop.playbook.case import verdict_of
from tests.playbook import examples
from tests.ui import frames

GOLDEN = Path(__file__).parent / "handover.md"
VERDICT = verdict_of(examples.PROBLEM)
COMMANDS = (Command(frames.NOON, "docker restart mcp-stack-mcp-worker-2", "done | in 1.2 s\nnothing else"),)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>|`**[a](http://e.vil)\x1b[31m\n# {{ 7 * 7 }}"
VOID = {"meta", "line", "circle", "polyline", "polygon", "rect"}


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are those of the host: let it be one that is everywhere the same."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def both(frame: Frame, verdicts: tuple[Verdict, ...] = (), commands: tuple[Command, ...] = (), screen: str = "") -> str:
    found = redaction.without_secrets(gather.contents(frame, verdicts, commands, screen), frame)
    return markdown(found) + html(found)


def screen_of(*lines: str) -> str:
    """A terminal with these lines, as Textual draws it."""
    rows = "".join(
        f'<rect fill="#10151b" x="0" y="{at * 24.4 + 1.5}" width="976" height="24.65"/>'
        f'<text class="a-r1" x="0" y="{at * 24.4 + 20}" textLength="{len(line) * 12.2}">{line}</text>'
        for at, line in enumerate(lines)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg"><style>@font-face { src: url("https://fonts.example/a.woff") }'
        f".a-r1 {{ fill: #c9d2dc;font-weight: bold }}</style><script>alert(1)</script><g/><g>{rows}</g></svg>"
    )


class Page(HTMLParser):
    """Tags, attributes and text of a document; its tags must be balanced."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str]] = {}
        self.text = ""
        self.open: list[str] = []
        self.feed(document)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def test_markdown_of_a_troubled_stack() -> None:
    contents = gather.contents(frames.frame(), (VERDICT,), COMMANDS, screen_of("the screen", "has two lines"))
    text = markdown(contents).replace(f"mcptop**: {__version__}", "mcptop**: VERSION")
    if os.environ.get("MCPTOP_UPDATE_SNAPSHOTS"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_a_machine_where_nothing_is_wrong() -> None:
    quiet = frames.frame(3, services=(frames.stack()[-1],), events=(), budgets=())
    text = markdown(gather.contents(quiet))
    assert "## Problems now\n\nNone." in text
    assert "Nothing was seen to change." in text
    assert "Services in trouble" not in text
    assert "last 3.0s, a look every 1 s" in text
    assert "None was run." in text


def test_problems_are_those_of_the_frame_with_their_time_and_playbook() -> None:
    alert = Alert("memory-near-limit", "mcp-worker", Severity.CRITICAL, frames.NOON, "memory full in 34m",
                  project="mcp-stack", kind=Kind.CONTAINER, playbook="memory-leak")  # fmt: skip
    text = markdown(gather.contents(frames.frame(alerts=(alert,))))
    assert "| ✖ | **mcp-stack/mcp-worker** | memory full in 34m |" in text
    assert "| `mcptop diagnose memory-leak --service mcp-stack/mcp-worker` |" in text
    assert "| **mcp-stack/mcp-api** | db pool" not in text


def test_a_broken_source_and_what_cannot_be_seen_are_said() -> None:
    broken = SourceReport("docker", Status.ERROR, "no answer for 5 s", 5.0)
    text = markdown(gather.contents(frames.frame(sources=(broken,), banner="the engine runs in a VM")))
    assert "| ✖ docker | error | no answer for 5 s |" in text
    assert "- **Not seen**: the engine runs in a VM" in text


def test_charts_end_with_the_frame_and_show_what_happened() -> None:
    troubled = gather.contents(frames.frame()).troubled
    worker = next(each for each in troubled if each.name == "mcp-stack/mcp-worker")
    whole, replica = worker.charts[0], next(c for c in worker.charts if c.curve.name == "memory mcp-worker-1")
    assert whole.curve.limit == 1024 * frames.MIB
    assert whole.began + whole.curve.seconds[-1] == frames.NOON.timestamp()
    assert [(round(mark.at), mark.word) for mark in whole.marks] == [
        (99, "deploy"), (279, "limit"), (469, "OOM kill"), (470, "restart"),
    ]  # fmt: skip
    assert [mark.word for mark in replica.marks] == ["deploy", "limit"]
    assert None in whole.curve.values, "a gap stays one"


def test_a_young_service_has_a_short_chart() -> None:
    levels = frames.levels(frames.stack())
    young = frames.frame(series=frames.Shapes(1000, levels, born=991))
    curve = gather.contents(young).troubled[0].charts[0].curve
    assert (curve.seconds[0], curve.seconds[-1], len(curve.values)) == (0, 9, 10)


def test_html_is_whole_loads_nothing_and_says_the_same() -> None:
    contents = gather.contents(frames.frame(), (VERDICT,), COMMANDS, screen_of("the screen"))
    document = html(contents)
    page = Page(document)
    assert not re.search(r"https?:|//|url\(|@import|@font-face", document)
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "object", "a", "form", "base"})
    assert any("default-src 'none'" in value for value in page.attributes["content"])
    for said in (
        "memory at 92%, limit in 17 min (512 MiB)",
        "killed for lack of memory",
        "heap-leak",
        "docker restart",
        "the\xa0screen",
    ):
        assert said in page.text
    assert "prefers-color-scheme: dark" in document
    assert "@media print" in document


def hostile() -> tuple[Frame, Verdict]:
    event = replace(frames.EVENTS[0], says=HOSTILE, name=HOSTILE)
    one = frames.instance(HOSTILE, 0.5, 511, 512, image=HOSTILE, state=HOSTILE)
    bad = frames.service(
        HOSTILE, one, project=HOSTILE, pools=(frames.pool(HOSTILE, 5, 5, waiting=9, peer=HOSTILE, instance=HOSTILE),),
        queues=(frames.queue(HOSTILE, 412, growth_per_s=3.0, source=HOSTILE),),
    )  # fmt: skip
    host = replace(frames.HOST, name=HOSTILE, disks=(Filesystem(HOSTILE, HOSTILE, 1, 1, 0.5),))
    broken = SourceReport(HOSTILE, Status.ERROR, HOSTILE, 0.1)
    frame = frames.frame(services=(bad,), events=(event,), sources=(broken,), host=host, engine=HOSTILE, banner=HOSTILE)
    return frame, replace(VERDICT, says=HOSTILE, title=HOSTILE, playbook=HOSTILE, mechanism=HOSTILE)


def test_hostile_text_is_text_in_html() -> None:
    frame, verdict = hostile()
    commands = (Command(frames.NOON, HOSTILE, HOSTILE),)
    screen = screen_of("&lt;script&gt;alert(2)&lt;/script&gt;")
    page = Page(html(gather.contents(frame, (verdict,), commands, screen)))
    assert page.tags.isdisjoint({"script", "img", "a"})
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href")}
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "<script>alert(2)</script>" in page.text
    assert not set(page.text) & {"\x1b", "\x9b", "\r"}


def test_hostile_text_is_text_in_markdown() -> None:
    frame, verdict = hostile()
    commands = (Command(frames.NOON, HOSTILE, HOSTILE),)
    text = markdown(gather.contents(frame, (verdict,), commands, screen_of("```", "# out of the fence")))
    tokens = [each for token in MarkdownIt("commonmark").enable("table").parse(text)
              for each in (token, *(token.children or ()))]  # fmt: skip
    assert not [each for each in tokens if each.type in ("html_block", "image", "link_open")]
    assert {each.content for each in tokens if each.type == "html_inline"} <= {"<br>"}
    headings = [tokens[at + 1].content for at, each in enumerate(tokens) if each.type == "heading_open"]
    assert "out of the fence" not in headings
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    bars = [len(re.findall(r"(?<!\\)\|", line)) for line in rows]
    assert set(bars) <= {3, 4, 5, 6, 7, 8, 19}, "a pipe in a name adds no column"


SECRET = "hunter2-4711-xyz"
SAYS = f"password={SECRET}"
TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"


def _service(**more: Any) -> Frame:
    return frames.frame(services=(replace(frames.stack()[1], **more),))


def _instance(**more: Any) -> Frame:
    first = frames.stack()[1]
    return _service(instances=(replace(first.instances[0], **more),))


def _event(**more: Any) -> Frame:
    event: Event = replace(frames.EVENTS[0], **more)
    return frames.frame(events=(event,))


FRAMES: dict[str, Callable[[str], Frame]] = {
    "service": lambda text: _service(name=text),
    "project": lambda text: _service(project=text),
    "instance": lambda text: _service(instances=(frames.instance(text, 0.5, 511, 512), frames.instance("b", 0.5, 9))),
    "image": lambda text: _instance(image=text),
    "state": lambda text: _instance(state=text),
    "pool": lambda text: _service(pools=(frames.pool(text, 5, 5, waiting=9, wait_s=1.0),)),
    "peer": lambda text: _service(pools=(frames.seen(text, 5, close_wait=90),)),
    "max_source": lambda text: _service(pools=(frames.pool("db", 5, 5, waiting=9, max_source=text),)),
    "queue": lambda text: _service(queues=(frames.queue(text, 500, growth_per_s=9.0),)),
    "event": lambda text: _event(says=text),
    "event's name": lambda text: _event(name=text, service=""),
    "event's service": lambda text: _event(service=f"container:x/{text}", bad=True),
    "alert": lambda text: frames.frame(alerts=(Alert("rule", text, Severity.WARNING, frames.NOON, text),)),
    "source": lambda text: frames.frame(sources=(SourceReport(text, Status.ERROR, text, 0.1),)),
    "engine": lambda text: frames.frame(engine=text),
    "banner": lambda text: frames.frame(banner=text),
    "budget": lambda text: frames.frame(budgets=(replace(frames.BUDGET, says=text),)),
    "disk": lambda text: frames.frame(host=replace(frames.HOST, disks=(Filesystem(text, "sda", 1, 1, 0.5),))),
}


@pytest.mark.parametrize("field", FRAMES)
@pytest.mark.parametrize("text", [SAYS, TOKEN], ids=["named", "token"])
def test_a_secret_in_a_frame_does_not_come_out(field: str, text: str) -> None:
    shown = FRAMES[field]("harmless")
    assert field == "max_source" or "harmless" in both(shown), "the field is shown"
    assert not re.search(f"{SECRET}|{TOKEN[:8]}", both(FRAMES[field](text)))


def test_a_secret_in_a_verdict_or_a_command_does_not_come_out() -> None:
    step = Evidence(
        "logs", "logs", examples.FILES.status, SAYS, {"lines": [f"error: {SAYS}", TOKEN], "password": SECRET},
        (Provenance("docker", ("docker", "login", "--password", SECRET)),),
    )  # fmt: skip
    verdict = replace(VERDICT, says=SAYS, title=TOKEN, evidence=(step,), do=replace(VERDICT.do, now=SAYS))
    command = Command(frames.NOON, f"docker login --password {SECRET}", f"failed: {TOKEN}")
    text = both(frames.frame(), (verdict,), (command,))
    assert not re.search(f"{SECRET}|{TOKEN[:8]}", text)
    assert "&lt;secret-1&gt;" in text


def test_a_secret_on_the_screen_does_not_come_out_even_where_a_column_cuts_it() -> None:
    frame = _service(name=TOKEN)
    screen = screen_of(f" {TOKEN[:15]}…", f"filter {SAYS}", "mcp-worker  harmless")
    text = both(frame, screen=screen)
    assert not re.search(f"{SECRET}|{TOKEN[:8]}", text)
    assert "mcp-worker  harmless" in text


def test_hosts_and_addresses_stay() -> None:
    text = both(_service(pools=(frames.seen("10.1.2.3:5432", 5, close_wait=90),)))
    assert "10.1.2.3:5432" in text
    assert "build-7" in text


@pytest.mark.parametrize(
    "svg", ["", "<svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", screen_of("a").replace("#c9d2dc", "url(x)")]
)
def test_what_is_no_picture_of_a_terminal_is_none(svg: str) -> None:
    assert picture.read(svg) is None


def test_files_are_the_owners_and_lie_over_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    contents = gather.contents(frames.frame())
    (tmp_path / "mcptop-handover-20260131-120000.html").write_text("somebody else's")
    assert files.write(contents) == "mcptop-handover-20260131-120000-2"
    assert files.write(contents) == "mcptop-handover-20260131-120000-3"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "mcptop-handover-20260131-120000-2.html", "mcptop-handover-20260131-120000-2.md",
        "mcptop-handover-20260131-120000-3.html", "mcptop-handover-20260131-120000-3.md",
        "mcptop-handover-20260131-120000.html",
    ]  # fmt: skip
    assert (tmp_path / names[-1]).read_text() == "somebody else's"
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in names[:-1]} == {0o600}


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(WritingError, match=r"^mcptop-handover-\S+\.md: cannot be written: No such file"):
        files.write(gather.contents(frames.frame()))


def test_an_event_of_long_ago_is_not_on_the_charts() -> None:
    old = replace(frames.EVENTS[0], at=frames.NOON - timedelta(hours=1))
    document = html(gather.contents(frames.frame(events=(old,))))
    assert 'class="mark"' in document
    assert '<line class="mark"' not in document


def test_of_hundreds_of_events_what_matters_is_told() -> None:
    many = tuple(replace(frames.EVENTS[0], service="container:x/other", at=frames.NOON + timedelta(seconds=n))
                 for n in range(400))  # fmt: skip
    contents = gather.contents(frames.frame(events=(*frames.EVENTS, *many)))
    assert (len(contents.events), contents.other_events) == (8, 400)
    assert "400 other events, older or of services without a problem." in markdown(contents)
    assert "400 other events" in Page(html(contents)).text
    worker = tuple(replace(each, service=frames.WORKER) for each in many)
    assert len(gather.contents(frames.frame(events=worker)).events) == 60
