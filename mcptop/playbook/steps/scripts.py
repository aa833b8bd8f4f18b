"""What the profilers share that run a script of the user's own: a process of its own, stopped after a while.

The profiled program is a small one of ours that runs the script and ends it in time as if it had ended by itself, so
that the profiler still writes what it has.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import Context, Output, Raw, Seconds, StepFailure
from mcptop.units import plain

_RUN_SCRIPT = """\
import os, runpy, signal, sys

def stop(number, frame):
    raise SystemExit(0)

seconds, script = float(sys.argv[1]), sys.argv[2]
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, seconds)
sys.argv = sys.argv[2:]
sys.path[0] = os.path.dirname(os.path.abspath(script))
runpy.run_path(script, run_name="__main__")
"""
IS_OWN = """\
import re, sys

def is_own(file, folder=sys.argv[2].rstrip("/") + "/"):
    below = file.removeprefix(folder)
    return below != file and not re.search("(^|/)(site|dist)-packages/", below)
"""
"""For what reads a profile: whether a file is the script's own. Packages installed in a folder beside it are not."""
RUNNER = "mcptop_runs.py"
"""The file of the small program; its own frames are nobody's finding."""
_SLACK_S = 10.0
_READING_S = 30.0
_EXTRA = "pip install 'mcptop[profilers]'"
_COMPLAINT = "script.err"
_LONGEST = 64 << 10

ENDED = {
    "exit_code": "of the script; one that was ended for time has ended well",
    "error": "its last words where it failed: then the profile is of what came before",
}
"""What every such step tells of the script's end."""


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Which script, with what, for how long at most, and by which Python."""

    script: str = ""
    args: tuple[str, ...] = ()
    watch_for: Seconds = msgspec.field(name="for", default=Seconds(30))
    python: str = ""
    """Its own where it needs packages of its own; the profiler has to be there too. Without one, mcptop's."""


class Profiled:
    """How long such a step takes."""

    def expected_s(self, options: Options) -> float:
        """As long as the script may run, and a little for reading the profile."""
        return options.watch_for + 2.0


class Folder:
    """A scratch folder with the small program in it."""

    def __init__(self, context: Context, options: Options, path: str) -> None:
        self._context = context
        self._options = options
        self.path = path
        self.python = options.python or sys.executable
        with open(f"{path}/{RUNNER}", "w", encoding="utf-8") as file:
            file.write(_RUN_SCRIPT)

    @property
    def script(self) -> list[str]:
        """The words that run the script, behind a Python."""
        seconds = min(float(self._options.watch_for), max(1.0, self._context.left_s - _SLACK_S))
        return [f"{self.path}/{RUNNER}", f"{seconds:g}", os.path.abspath(self._options.script), *self._options.args]

    def run(self, module: str, words: Sequence[str]) -> Output:
        """Run the script under a profiler; what it complained of. Raises `StepFailure`."""
        complaint, output = self._context.run("", [self.python, *words], self._options.watch_for + _SLACK_S)
        says = complaint.decode("utf-8", "replace")
        if output.provenance.exit_code and re.search(rf"No module named '?{module}'?(?![\w.])", says):
            raise StepFailure(StepStatus.TOOL_MISSING, f"there is no {module} in {self.python}: {_EXTRA}")
        words_of_it = complaint[-_LONGEST:]
        source = msgspec.structs.replace(output.provenance, raw_sha256=sha256(words_of_it).hexdigest())
        return Output(_COMPLAINT, words_of_it, source)

    def reading(self, name: str, reader: str, file: str, ran: Output) -> Output:
        """What a few lines of Python tell of the profile, which is of that Python's own form. Raises `StepFailure`."""
        if not os.path.exists(f"{self.path}/{file}"):
            raise StepFailure(StepStatus.NO_DATA, f"the script left no profile: {_last_line(ran.data)}")
        folder = os.path.dirname(os.path.abspath(self._options.script))
        argv = [self.python, "-c", reader, f"{self.path}/{file}", folder]
        complaint, output = self._context.run(name, argv, _READING_S)
        if output.provenance.exit_code:
            raise StepFailure(StepStatus.PARSE_ERROR, f"its profile: {_last_line(complaint)}")
        # What counts is how the script was run, and not what read the profile.
        digest = output.provenance.raw_sha256
        return Output(name, output.data, msgspec.structs.replace(ran.provenance, raw_sha256=digest))


@contextlib.contextmanager
def folder(context: Context, options: Options) -> Iterator[Folder]:
    """A folder for one run. Raises `StepFailure` where no script is named."""
    if not options.script:
        raise StepFailure(StepStatus.NO_DATA, "no script is named to be profiled (--script)")
    if options.script != context.script and not context.allow_commands:
        raise StepFailure(StepStatus.SKIPPED, "scripts that a playbook names are off (--allow-commands)")
    if not os.path.isfile(options.script):
        raise StepFailure(StepStatus.NO_DATA, f"{options.script}: no such file")
    with tempfile.TemporaryDirectory(prefix="mcptop-profile-") as path:
        yield Folder(context, options, path)


def ended(raw: Raw) -> dict[str, Any]:
    """How the script ended, by its complaint among the outputs."""
    ran = next((output for output in raw if output.name == _COMPLAINT), None)
    code = ran.provenance.exit_code if ran is not None else None
    return {"exit_code": code, "error": plain(_last_line(ran.data)) if ran is not None and code else None}


def _last_line(complaint: bytes) -> str:
    lines = [line for line in complaint.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
