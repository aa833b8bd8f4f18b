"""One diagnosis: its steps while they run, then its report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from mcptop.model.frame import Frame
from mcptop.playbook import symptoms
from mcptop.presentation import rows, running, runs
from mcptop.presentation.running import StepView
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.verdict import lines as report
from mcptop.ui import saving
from mcptop.ui.keys.bindings import DIAGNOSIS_FOOTER, DIAGNOSIS_KEYS, LAST_KEYS
from mcptop.ui.messages import Stage
from mcptop.ui.widgets.lines import Lines
from mcptop.ui.widgets.pages import Page, Scroll
from mcptop.ui.widgets.panels import Detail, Footer, Key
from mcptop.verdicts import words

if TYPE_CHECKING:
    from mcptop.playbook.diagnosis import Finished
    from mcptop.playbook.runner import Progress
    from mcptop.ui.app import McptopApp
    from mcptop.ui.diagnosis.running import Asked, Job

_REFRESH_S = 0.25
_COPIED = 120
_LEAST_CHARTS = 7
"""Below so many lines charts say nothing."""


class DiagnosisScreen(Screen[None]):
    """Leaving it ends the diagnosis it shows."""

    BINDINGS = DIAGNOSIS_KEYS

    def __init__(self, job: Job | None = None, finished: Finished | None = None) -> None:
        """Either a diagnosis that was just begun, or one that has come to its end before."""
        super().__init__()
        self.job = job
        self._finished = finished
        self._problem = ""
        self._stage = Stage()
        self._title = Page(self._title_lines)
        self._page = Page(self._page_lines)
        self._scroll = Scroll(self._page)
        self._detail, self._footer = Detail(), Footer()

    @property
    def mcptop(self) -> McptopApp:
        """The app, by its type."""
        return cast("McptopApp", self.app)

    @property
    def in_progress(self) -> bool:
        """Whether nothing has come of it yet."""
        return self._finished is None and not self._problem

    def compose(self) -> ComposeResult:
        """Title, steps or report, the target's charts while there is room, keys."""
        yield self._title
        yield self._scroll
        yield self._detail
        yield self._footer

    def on_mount(self) -> None:
        """The clock moves while it runs."""
        self._scroll.focus()
        self._clock = self.set_interval(_REFRESH_S, self._tick, pause=not self.in_progress)
        self._draw()

    def on_unmount(self) -> None:
        """However it is left."""
        if self.job is not None:
            self.job.cancel()

    def on_resize(self, event: events.Resize) -> None:
        """Charts come and go with the size."""
        self._divide()

    def on_screen_suspend(self) -> None:
        """Nobody looks."""
        self._clock.pause()

    def on_screen_resume(self) -> None:
        """Somebody looks again."""
        if self.in_progress:
            self._clock.resume()

    def progressed(self, stage: Stage) -> None:
        """A step began or ended."""
        self._stage = stage
        if self.in_progress:
            self._draw()

    def ended(self, finished: Finished | None, problem: str) -> None:
        """The report, or why there is none."""
        self._finished, self._problem = finished, problem
        self._clock.pause()
        self._draw()

    def show(self, frame: Frame) -> None:
        """While it runs, how the target is meanwhile."""
        if not self._detail.display or self.job is None:
            return
        subject = self._stage.subject
        services = rows.of_services(frame)
        chosen = rows.find(services, symptoms.identity(subject, frame)) if subject is not None else None
        self._detail.row = chosen or rows.find(services, self.job.asked.row) or self._detail.row
        self._detail.lens = self.mcptop.picture.lens
        self._detail.show(frame)

    def show_pause(self) -> None:
        """A diagnosis does not stand still."""

    def restyle(self) -> None:
        """The theme changed."""
        for panel in self.query(Lines):
            panel.restyle()

    def action_back(self) -> None:
        """The first time a diagnosis that runs comes back with what it knows; then to where it was asked for."""
        if self.in_progress and self.job is not None and not self.job.cancelled:
            self.job.cancel()
            self._draw()
        else:
            self.dismiss()

    def action_report(self) -> None:
        """Save the report."""
        if (finished := self._finished) is not None:
            self._save(lambda: saving.save_report(finished.verdict))

    def action_bundle(self) -> None:
        """Save the bundle."""
        if (finished := self._finished) is not None:
            self._save(lambda: saving.save_bundle(finished))

    def action_evidence(self) -> None:
        """All values."""
        if self._finished is not None:
            from mcptop.ui.screens.evidence import EvidenceScreen

            self.app.push_screen(EvidenceScreen(self._finished.verdict))

    def action_copy(self) -> None:
        """The report as text, through the terminal's clipboard."""
        if self._finished is not None:
            told = report(self._finished.verdict, _COPIED)
            self.mcptop.copy("\n".join(runs.text_of(line).rstrip() for line in told), "the report")

    def _save(self, save: Callable[[], str]) -> None:
        if self.mcptop.may_write():
            self.mcptop.errand(save)

    def _tick(self) -> None:
        self._title.rebuild()
        self._page.rebuild()

    def _draw(self) -> None:
        self._title.rebuild()
        self._page.rebuild()
        self._divide()
        self._footer.show(DIAGNOSIS_FOOTER if self._finished is not None else self._keys())

    def _keys(self) -> tuple[Key, ...]:
        stop = self.in_progress and self.job is not None and not self.job.cancelled
        return (("Esc", "stop, with what is known so far" if stop else "back", "screen.back"), *LAST_KEYS)

    def _divide(self) -> None:
        """The page has all the height, unless there are charts to show beneath it."""
        taken = len(self._page_lines(max(1, self.app.size.width - 1)))  # beside the scrollbar
        room = self.app.size.height - taken - 2
        charts = self.in_progress and room >= _LEAST_CHARTS
        self._scroll.styles.height = taken if charts else "1fr"
        self._detail.display = charts
        self._detail.styles.height = room if charts else 0
        self.show(self.mcptop.frame)

    def _title_lines(self, width: int) -> list[Runs]:
        if self._finished is not None:
            return report(self._finished.verdict, width)[:1]
        return [running.title(self._asked.entry.name, self._who, self._end(), width)]

    @property
    def _who(self) -> str:
        subject = self._stage.subject
        return words.who(subject) if subject is not None else self._asked.service

    def _end(self) -> Run:
        if self._problem:
            return ("no verdict", "head.critical")
        if self.job is not None and self.job.cancelled:
            return ("stopping…", "head.warning")
        if self._stage.subject is None:
            return ("looking for whom", "head.muted")
        return running.left(self._stage.expected_s, self.mcptop.clock() - self._stage.began)

    def _page_lines(self, width: int) -> list[Runs]:
        if self._finished is not None:
            return report(self._finished.verdict, width)[1:]
        about, subject = self._asked.outline.title, self._stage.subject
        facts = words.facts(about, subject) if subject is not None else [words.safe(about)]
        heading = running.below_title(self._asked.entry.name, self._who, self._end(), facts, width)
        steps = running.steps(self._views(), width, self.mcptop.clock())
        told = running.failure(self._problem, width) if self._problem else []
        return [*heading, (), *steps, *told, ()]

    def _views(self) -> list[StepView]:
        known = {each.step: _view(each) for each in self._stage.steps}
        return [known.get(step, StepView(step, run)) for step, run in self._asked.outline.steps]

    @property
    def _asked(self) -> Asked:
        assert self.job is not None, "a report needs no job, but what runs does"
        return self.job.asked


def _view(step: Progress) -> StepView:
    return StepView(step.step, step.run, step.state, step.says, step.began, step.expected_s, step.duration_s)
