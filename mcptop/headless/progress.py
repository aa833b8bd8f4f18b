"""How far a diagnosis is, on stderr while it is a terminal: one line a step, the time that is left."""

from __future__ import annotations

import contextlib
import sys
import threading
import time

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mcptop import units
from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.playbook.diagnosis import Diagnosis
from mcptop.playbook.runner import Progress

_SYMBOLS = {None: ("·", "cyan"), StepStatus.OK: ("✔", "green"), StepStatus.SKIPPED: ("—", "dim")}
_FAILED = ("▲", "yellow")
_REFRESH_PER_S = 4


class Shown:
    """Silent where nobody looks: in a pipe, or with `quiet`."""

    def __init__(self, quiet: bool) -> None:
        self._steps: dict[str, Progress] = {}
        self._lock = threading.Lock()
        self._title = Text("asking the engine", "bold")
        self._began, self._expected_s = time.monotonic(), 0.0
        self._diagnosis: Diagnosis | None = None
        console = Console(stderr=True, highlight=False)
        is_watched = not quiet and sys.stderr.isatty()
        self._live = Live(console=console, refresh_per_second=_REFRESH_PER_S, transient=True,
                          get_renderable=self._render) if is_watched else None  # fmt: skip

    def __enter__(self) -> Shown:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *about: object) -> None:
        """Take it all away: the report says it again."""
        # The terminal itself may be gone.
        with contextlib.suppress(OSError):
            if self._live:
                self._live.stop()

    def begin(self, diagnosis: Diagnosis) -> None:
        """The engine has answered, or there is none."""
        self._diagnosis = diagnosis
        self._title = Text.assemble((f"diagnose {diagnosis.playbook.name}", "bold"), " · looking for whom")

    def waiting(self, says: str, seconds: float) -> None:
        """Nothing but time passes."""
        self._title, self._began, self._expected_s = Text(says, "bold"), time.monotonic(), seconds

    def chosen(self, subject: Subject) -> None:
        """The target is known, and the steps begin."""
        assert self._diagnosis is not None
        who = f"{subject.service} ({units.plain(subject.name)}, pid {subject.pid or '-'})"
        why = f"  {subject.chosen}" if subject.chosen else ""
        self._title = Text.assemble(
            (f"diagnose {self._diagnosis.playbook.name}", "bold"), " · ", units.plain(who), (why, "dim")
        )
        self._began = time.monotonic()

    def hear(self, progress: Progress) -> None:
        """A step began or ended."""
        with self._lock:
            self._steps[progress.step] = progress
        if self._diagnosis is not None:
            self._expected_s = self._diagnosis.expected_s

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_row(Text("●", "cyan"), self._title, Text(self._left(), "dim"))
        with self._lock:
            steps = list(self._steps.values())
        for step in steps:
            symbol, style = _SYMBOLS.get(step.state, _FAILED)
            taken = step.duration_s if step.duration_s is not None else time.monotonic() - step.began
            table.add_row(
                Text(symbol, style),
                Text.assemble((f"{step.run:<15}", "bold"), units.plain(step.says)),
                Text(f"{taken:.1f} s", "dim"),
            )
        return table

    def _left(self) -> str:
        if not self._expected_s:
            return "Ctrl+C stops"
        left = self._expected_s - (time.monotonic() - self._began)
        return f"about {left:.0f} s left, Ctrl+C: with what is known" if left >= 0.5 else "almost done"
