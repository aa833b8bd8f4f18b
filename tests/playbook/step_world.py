"""What tests of steps need: a step run as the runner does it, on processes that this file starts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from mcptop.config import Settings
from mcptop.model.diagnosis import Provenance, Subject
from mcptop.model.frame import Frame
from mcptop.model.playbook import Safety
from mcptop.playbook.frames import Frames
from mcptop.playbook.steps.base import Context, Output, Raw, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.sources.docker_engine import DockerEngine

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
READY = 'print("ready", flush=True)\ninput()\n'
"""The last lines of a program that `running` runs."""


def process(pid: int, *others: int, **about: Any) -> Subject:
    """A host process as a subject."""
    return Subject("process", None, "under-test", "under-test", pid=pid, pids=(pid, *others), **about)


def context(
    subject: Subject, frames: Iterable[Frame] = (), seconds: float = 60.0, script: str | None = None, **settings: Any
) -> Context:
    """What the runner would give a step. `script` is the one the user named."""
    seen = Frames()
    for frame in frames:
        seen.add(frame)
    known = Settings(**settings)
    return Context(
        subject, seen, known, lambda: DockerEngine(known.docker_host), Safety.SAMPLING, threading.Event(),
        time.monotonic() + seconds, script=script,
    )  # fmt: skip


def looked(kind: str, subject: Subject, frames: Iterable[Frame] = (), **options: Any) -> tuple[dict[str, Any], Raw]:
    """The values and the raw outputs of a step that was run. It promises every name it gives."""
    step = KINDS[kind]
    typed = options_of(step, options)
    raw = step.collect(context(subject, frames, script=options.get("script")), typed)
    values = step.read(raw, typed, subject)
    check(kind, values)
    return values, raw


def read(kind: str, *outputs: tuple[str, bytes], subject: Subject | None = None, **options: Any) -> dict[str, Any]:
    """The values of recorded outputs: name and content."""
    step = KINDS[kind]
    raw = tuple(Output(name, data, Provenance("recorded")) for name, data in outputs)
    values = step.read(raw, options_of(step, options), subject or process(1))
    check(kind, values)
    return values


def check(kind: str, values: Mapping[str, Any]) -> None:
    """A step gives what it promises, no more and no less, and can say it in one line.

    A series of which too little was seen is None, and so is all that would be told of it.
    """
    promised = set(KINDS[kind].emits)
    given = {name for name in names(values) if not name.startswith("series")}
    heads = given - promised
    below = {head: {name for name in promised if name.startswith(f"{head}.")} for head in heads}
    assert [head for head in heads if _at(values, head) is not None or not below[head]] == []
    assert (given - heads).union(*below.values()) == promised
    says = KINDS[kind].summary(values)
    assert says
    assert "\n" not in says


def _at(values: Mapping[str, Any], name: str) -> Any:
    for part in name.split("."):
        values = values[part]
    return values


def names(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of nested values."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from names(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def as_nobody(kind: str, pid: int, **options: Any) -> str:
    """How a step ends that a user runs who sees the process but not into it: status and message."""
    # Everything is loaded first: that user may not even read where Python is installed.
    code = (
        "import os\n"
        "from mcptop.playbook.steps.base import StepFailure\n"
        "from tests.playbook.step_world import looked, process\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try:\n"
        f"    print('ok', looked({kind!r}, process({pid}), **{options!r})[0])\n"
        "except StepFailure as failure:\n"
        "    print(failure.status, failure.says)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout or done.stderr


@contextlib.contextmanager
def running(
    program: str, *argv: str, before: tuple[str, ...] = (), **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program that has said `ready`; a line on its input lets it go on."""
    words = [*before, sys.executable, "-c", program, *argv]
    output = options.pop("stdout", subprocess.PIPE)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=output, **options) as child:
        try:
            if output is subprocess.PIPE:
                assert child.stdout is not None
                assert child.stdout.readline() == b"ready\n"
            yield child
        finally:
            child.kill()
