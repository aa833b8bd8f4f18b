"""What every kind of step is: it collects raw output from the outside, and reads values out of that.

The two are apart so that reading is pure: tests and old outputs need no tool.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar, Protocol, runtime_checkable

import msgspec
from msgspec import Struct

from mcptop.config import Settings
from mcptop.model.diagnosis import Provenance, StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.frames import Frames
from mcptop.playbook.load import seconds
from mcptop.sources import command
from mcptop.sources.docker_engine import DockerEngine
from mcptop.sources.procfs import Roots
from mcptop.units import plain


class StepFailure(Exception):
    """A step has no evidence to give; one line says why."""

    def __init__(self, status: StepStatus, says: str, applies: bool = True) -> None:
        """`applies` False: such a target has nothing of the kind, so nothing is missing."""
        super().__init__(says)
        self.status = status
        self.applies = applies
        self.says = plain(says)


class Output(Value, frozen=True):
    """One raw output, before anybody read it."""

    name: str
    """Of the file it becomes in a bundle: `py-spy-dump-3.json`."""
    data: bytes
    provenance: Provenance


Raw = tuple[Output, ...]


class NoOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """A step without options."""


class Seconds(float):
    """A duration in options: `60s`, `2m`, or a number of seconds."""


def options_of(kind: StepKind, given: Mapping[str, Any]) -> Any:
    """The options of a step, typed. Raises `msgspec.ValidationError`."""
    return msgspec.convert(dict(given), kind.options, strict=False, dec_hook=_decode)


def _decode(kind: type[Any], given: Any) -> Any:
    if kind is Seconds:
        return Seconds(seconds(given))
    raise TypeError(f"no option is a {kind.__name__}")


class Context:
    """What a step may use while it collects."""

    def __init__(
        self,
        subject: Subject,
        frames: Frames,
        settings: Settings,
        engine: Callable[[], DockerEngine],
        safety: Safety,
        cancelled: threading.Event,
        deadline: float,
        allow_commands: bool = False,
        script: str | None = None,
    ) -> None:
        self.subject = subject
        self.frames = frames
        """What the monitor shows, frame after frame, since before the first step."""
        self.settings = settings
        self.roots = Roots(settings.path_procfs, settings.path_sysfs)
        self.engine = engine
        """A connection to the engine, for the caller to close. Raises `EngineError`."""
        self.safety = safety
        self.cancelled = cancelled
        """Set when the user has seen enough: come back with what there is."""
        self.deadline = deadline
        """Monotonic seconds at which the step has to be over."""
        self.allow_commands = allow_commands
        """Whether programs may run that only the playbook names."""
        self.script = script
        """The script the user named: it may be run."""
        self.cpu_s = 0.0
        """CPU time of the programs that were run."""

    @property
    def left_s(self) -> float:
        """Time that is left for the step."""
        return max(0.0, self.deadline - time.monotonic())

    def pause(self, seconds: float) -> bool:
        """Wait; False when it is time to come back."""
        return not self.cancelled.wait(min(seconds, self.left_s)) and self.left_s > 0

    @property
    def pid(self) -> int:
        """The process to look into, on this host. Raises `StepFailure` where it is not on this host."""
        if self.subject.pid is None:
            raise StepFailure(StepStatus.NO_DATA, "its processes are not on this machine's kernel")
        return self.subject.pid

    def run(self, name: str, argv: Sequence[str], timeout_s: float | None = None, **about: Any) -> tuple[bytes, Output]:
        """Run a program; its complaint (stderr), and its output with its provenance. Raises `StepFailure`.

        `about` goes into the provenance: version, namespace. The exit code is for the caller to judge.
        """
        started = now()
        allowed = min(self.left_s, timeout_s or self.left_s)
        try:
            done = command.run(argv, allowed, self.cancelled)
        except command.NotFound as missing:
            raise StepFailure(StepStatus.TOOL_MISSING, f"there is no program {missing}") from None
        except OSError as error:
            raise StepFailure(StepStatus.TOOL_MISSING, f"{argv[0]} cannot be run: {error.strerror}") from None
        self.cpu_s += done.cpu_s
        if done.truncated:
            raise StepFailure(StepStatus.PARSE_ERROR, f"{argv[0]}: its output is larger than anybody could use")
        if done.timed_out:
            why = "stopped by the user" if self.cancelled.is_set() else f"no end within {allowed:.0f} s"
            raise StepFailure(StepStatus.TIMEOUT, f"{argv[0]}: {why}")
        source = Provenance(
            source=argv[0].rpartition("/")[2],
            argv=done.argv,
            started_at=started,
            duration_s=round(done.duration_s, 3),
            exit_code=done.exit_code,
            raw_sha256=sha256(done.output).hexdigest(),
            **about,
        )
        return done.complaint, Output(name, done.output, source)


def now() -> str:
    """This moment as it is written in evidence."""
    return moment(datetime.now(UTC))


def moment(at: datetime) -> str:
    """A time in UTC as it is written in evidence."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def observed(name: str, source: str, data: bytes, started_at: str, duration_s: float, **about: Any) -> Output:
    """An output of our own looking: files of the kernel, frames of the monitor."""
    digest = sha256(data).hexdigest()
    return Output(name, data, Provenance(source=source, started_at=started_at, duration_s=round(duration_s, 3),
                                         raw_sha256=digest, **about))  # fmt: skip


@runtime_checkable
class StepKind(Protocol):
    """One kind of step; one file each."""

    name: ClassVar[str]
    """What a playbook calls it: `run: lsof`."""
    says: ClassVar[str]
    """What it does, for people."""
    safety: ClassVar[Safety]
    alongside: ClassVar[bool]
    """It watches for the whole time, beside the steps that run one after the other."""
    options: ClassVar[type[Struct]]
    emits: ClassVar[Mapping[str, str]]
    """Every value it gives, by its dotted name: what it is and its unit."""

    def expected_s(self, options: Any) -> float:
        """About how long it takes."""

    def collect(self, context: Context, options: Any) -> Raw:
        """Talk to the outside. Raises `StepFailure`."""

    def read(self, raw: Raw, options: Any, subject: Subject) -> dict[str, Any]:
        """The values. Pure. Raises `StepFailure` (parse_error, no_data)."""

    def summary(self, values: Mapping[str, Any]) -> str:
        """What was seen, in a few words."""


@runtime_checkable
class FrameStep(StepKind, Protocol):
    """A kind that reads nothing but frames, or can do with them: a recording answers it."""

    reads_frames: ClassVar[bool]
