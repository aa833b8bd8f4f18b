"""What the dashboard is told, and what it needs from the one who tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from mcptop.model.closeup import Closeup
from mcptop.model.diagnosis import Subject
from mcptop.model.frame import Frame
from mcptop.model.value import Value
from mcptop.player import Position

if TYPE_CHECKING:
    from mcptop.logs.gather import Gathering
    from mcptop.model.action import Look
    from mcptop.model.log import Entry
    from mcptop.playbook.diagnosis import Finished
    from mcptop.playbook.runner import Progress
    from mcptop.ui.actions.running import ActionsAsked
    from mcptop.ui.diagnosis.running import Job


class FrameSource(Protocol):
    """Makes frames on a thread of its own."""

    def start(self, emit: Callable[[Frame], None]) -> None:
        """Begin; `emit` may be called from any thread, and must not be waited for."""

    def stop(self) -> None:
        """End, and return when no further frame will be emitted."""


class FrameReady(Message, bubble=False):
    """A tick is complete."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def can_replace(self, message: Message) -> bool:
        """A slow terminal drops pictures: only the newest waiting frame is drawn."""
        return isinstance(message, FrameReady)


class PastReady(Message, bubble=False):
    """A frame of the past was made again."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def can_replace(self, message: Message) -> bool:
        """Who walks fast sees the last one."""
        return isinstance(message, PastReady)


class PositionChanged(Message, bubble=False):
    """Whoever walks through the past stands elsewhere, or moves otherwise."""

    def __init__(self, position: Position) -> None:
        super().__init__()
        self.position = position

    def can_replace(self, message: Message) -> bool:
        """Only where it is now counts; a problem is heard before it is over."""
        known = self.position.problem
        return isinstance(message, PositionChanged) and known in ("", message.position.problem)


class CloseupReady(Message, bubble=False):
    """Somebody looked closely at the service that was chosen."""

    def __init__(self, closeup: Closeup) -> None:
        super().__init__()
        self.closeup = closeup

    def can_replace(self, message: Message) -> bool:
        """The newest waiting look is enough."""
        return isinstance(message, CloseupReady)


class Switch(Protocol):
    """Something outside the dashboard that its palette can turn on and off."""

    name: str
    says: str

    @property
    def is_on(self) -> bool:
        """Whether it is on."""

    def turn(self) -> str:
        """Turn it round and say what happened; may take seconds. Raises an exception whose text is one line."""


class News(Message, bubble=False):
    """A sentence for the reader from outside the dashboard."""

    def __init__(self, says: str, trouble: bool) -> None:
        super().__init__()
        self.says = says
        self.trouble = trouble


class Noticed(Message, bubble=False):
    """An alert that the terminal is to tell of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class LogsCame(Message, bubble=False):
    """Lines of logs, for the pane that follows them."""

    def __init__(self, gathering: Gathering, entries: list[Entry]) -> None:
        super().__init__()
        self.gathering = gathering
        self.entries = entries


class Stage(Value, frozen=True):
    """How far a diagnosis is."""

    subject: Subject | None = None
    """None while it is looking for whom."""
    began: float = 0.0
    """Monotonic seconds: when the first step began."""
    expected_s: float = 0.0
    steps: tuple[Progress, ...] = ()
    """Of each step that was begun the newest."""


class DiagnosisProgressed(Message, bubble=False):
    """A step began or ended, or it is known now whom it is about."""

    def __init__(self, job: Job, stage: Stage) -> None:
        super().__init__()
        self.job = job
        self.stage = stage

    def can_replace(self, message: Message) -> bool:
        """A stage has all that is known: the newest waiting one of a diagnosis is enough."""
        return isinstance(message, DiagnosisProgressed) and message.job is self.job


class DiagnosisEnded(Message, bubble=False):
    """A diagnosis came to its end, with a verdict or without."""

    def __init__(self, job: Job, finished: Finished | None, problem: str) -> None:
        super().__init__()
        self.job = job
        self.finished = finished
        self.problem = problem
        """Why there is no verdict; one line."""


class ActionsLooked(Message, bubble=False):
    """It is known what can be done to whom was asked for, or why that cannot be known."""

    def __init__(self, asked: ActionsAsked, look: Look | None, problem: str) -> None:
        super().__init__()
        self.asked = asked
        self.look = look
        self.problem = problem
