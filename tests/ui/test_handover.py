"""The key that writes a handover."""

from __future__ import annotations

import frames
import pytest

from mcptop.model.closeup import Fact, InspectCloseup
from mcptop.playbook.case import verdict_of
from mcptop.playbook.diagnosis import Finished
from mcptop.ui.reach import Reach
from tests.playbook import examples

SIZE = (120, 36)
PATTERN = "mcptop-handover-*"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


async def said(app, pilot):
    """The notices, once the files are written."""
    await app.workers.wait_for_complete()
    await pilot.pause()
    return [note.message for note in app._notifications]


async def test_the_key_writes_both_files_and_says_where(dashboard, tmp_path):
    app, _ = dashboard(frames.frame())
    app.diagnoses.reports.append(Finished(examples.PROBLEM, verdict_of(examples.PROBLEM), ()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("H")
        (notice,) = await said(app, pilot)
    (page,) = tmp_path.glob(f"{PATTERN}.html")
    assert notice == f"saved {page.stem}.md and .html"
    text = page.with_suffix(".md").read_text()
    assert "mcp-worker-1 memory at 92%, limit in 17 min" in text
    assert "### ✖ PROBLEM: heap-leak" in text
    assert "\n ▾ mcp-stack " in text, "the screen as it was"
    assert '<svg class="screen dark"' in page.read_text()


async def test_it_is_the_frame_that_is_shown_also_while_paused(dashboard, tmp_path):
    app, monitor = dashboard(frames.frame(1000))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("Z")
        monitor.tick(frames.frame(1060))
        await pilot.press("H")
        await said(app, pilot)
    (text,) = tmp_path.glob(f"{PATTERN}.md")
    assert f"{frames.NOON.astimezone():%Y%m%d-%H%M%S}" in text.name
    assert " PAUSED 1m" in text.read_text()


async def test_a_folder_one_may_not_write_to_is_one_line(dashboard, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("H")
        (notice,) = await said(app, pilot)
        assert notice.endswith(".md: cannot be written: No such file or directory")
        assert app.is_running


async def test_before_the_first_sample_there_is_nothing_to_hand_over(dashboard, tmp_path):
    app, _ = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("H")
        assert await said(app, pilot) == ["nothing was seen yet: wait for the first sample"]
    assert not list(tmp_path.iterdir())


class Inspected:
    """Looks at nothing but one variable."""

    def __init__(self, tell) -> None:
        self._tell = tell
        self._asked: object = None

    def start(self) -> None:
        """Nothing runs."""

    def want(self, aspect, service, instances) -> None:
        """Answer at once, and once."""
        if self._asked == (aspect, service.key):
            return
        self._asked = aspect, service.key
        fact = Fact("environment", "POSTGRES_PASSWORD", "hunter2secret", variable=True, secret=True)
        names = tuple(each.name for each in instances)
        self._tell(InspectCloseup(at=frames.NOON, service=service.key, instances=names, lines=(fact,)))

    def want_nothing(self) -> None:
        """Never looked."""

    def threads_of(self, process) -> None:
        """It has none."""

    def stop(self) -> None:
        """Nothing runs."""


async def test_what_was_revealed_on_the_screen_is_not_handed_over(dashboard, screen, tmp_path):
    app, _ = dashboard(frames.frame(), reach=Reach(looks=Inspected))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("0")
        await pilot.pause()
        assert "hunter2secret" not in screen(app)
        await pilot.press("U", "U")
        await pilot.pause()
        assert "hunter2secret" in screen(app), "asked for twice it is shown"
        await pilot.press("H")
        await said(app, pilot)
    texts = [path.read_text() for path in tmp_path.iterdir()]
    assert len(texts) == 2
    assert not any("hunter2secret" in text for text in texts)
