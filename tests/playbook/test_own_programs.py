"""What only the user can allow: commands of a playbook's author, and a script as the target."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from mcptop.model.diagnosis import Provenance, StepStatus
from mcptop.playbook.script import Script, profilers
from mcptop.playbook.steps.base import Output, StepFailure, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.playbook.subjects import NoSubject
from tests.playbook.step_world import context, process

COMMAND = KINDS["command"]
ME = process(os.getpid())


def collected(allowed: bool, **options: object) -> dict[str, object]:
    typed = options_of(COMMAND, options)
    about = context(ME)
    about.allow_commands = allowed
    return COMMAND.read(COMMAND.collect(about, typed), typed, ME)


def test_a_command_is_not_run_unless_that_is_allowed(tmp_path: Path) -> None:
    made = tmp_path / "made"
    with pytest.raises(StepFailure, match="--allow-commands") as failure:
        collected(False, argv=["touch", str(made)])
    assert failure.value.status is StepStatus.SKIPPED
    assert not made.exists()


def test_its_values_are_what_the_patterns_find() -> None:
    values = collected(
        True,
        argv=[sys.executable, "-c", "print('used_memory:42\\nrole:master $(id)')"],
        values={"used_bytes": r"used_memory:(\d+)", "role": r"role:(\w+)", "none": r"nothing:(\d+)"},
    )
    assert values["value"] == {"used_bytes": 42.0, "role": "master", "none": None}
    assert values["lines"] == 2


def test_arguments_may_name_the_target_and_are_never_a_shells() -> None:
    values = collected(True, argv=["echo", "{{ target.pid }}", "; touch x", "$HOME"])
    assert values["first"] == f"{os.getpid()} ; touch x $HOME"


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["/nonexistent/program"], StepStatus.TOOL_MISSING),
        (["no-such-program-at-all"], StepStatus.TOOL_MISSING),
        ([sys.executable, "-c", "import sys; sys.exit('no such table')"], StepStatus.NO_DATA),
    ],
)
def test_what_goes_wrong_has_a_status(argv: list[str], status: StepStatus) -> None:
    with pytest.raises(StepFailure) as failure:
        collected(True, argv=argv)
    assert failure.value.status is status


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(StepFailure) as failure:
        collected(True, argv=["sleep", "60"], timeout="300ms")
    assert failure.value.status is StepStatus.TIMEOUT


def test_a_pattern_that_is_none_is_told_before_anything_runs() -> None:
    with pytest.raises(ValueError, match=r"values\.x: not a regular expression"):
        options_of(COMMAND, {"argv": ["true"], "values": {"x": "("}})


def test_numbers_and_words_of_recorded_output() -> None:
    typed = options_of(COMMAND, {"argv": ["x"], "values": {"a": r"a (\S+)", "b": "red"}})
    raw = (Output("output.txt", b"a 1.5\n\xff\x1b[31mred\n", Provenance("recorded")),)
    values = COMMAND.read(raw, typed, ME)
    assert values["value"]["a"] == 1.5
    assert values["value"]["b"] == "red"


def test_a_script_is_started_and_ended_with_all_it_started(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        "import signal, subprocess, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    script = Script(str(path))
    deadline = time.monotonic() + 20
    while not (text := (tmp_path / "child").read_text() if (tmp_path / "child").exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    script.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(script.pid, 0)
    while _runs(int(text)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_script_that_ends_at_once_is_no_target(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text("raise SystemExit(7)\n")
    with pytest.raises(NoSubject, match="exit code 7"):
        Script(str(path))


def test_profilers_are_for_memory_and_cpu_only() -> None:
    assert [step.run for step in profilers("memory", "x.py")] == ["memory-profiler", "memray"]
    assert [step.run for step in profilers("cpu", "x.py")] == ["cprofile"]
    with pytest.raises(NoSubject, match="no profiler looks at disk"):
        profilers("disk", "x.py")
