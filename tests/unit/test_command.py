"""Programs run as steps run them: within their time, with all they started, and nothing left afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mcptop.sources import command, process_files
from mcptop.sources.kept import contents

MINUTES = 300.0
ROOT = str(Path(__file__).parents[2])


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def is_running(pid: int) -> bool:
    stat = process_files.process_stat(contents(f"/proc/{pid}/stat"))
    return stat is not None and stat.state not in "ZX"


def ends(pid: int) -> bool:
    """Whether a killed process is gone soon: the kernel needs a moment for each."""
    deadline = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(pid)


def until(happens: Path) -> str:
    """What a program writes, once it is there."""
    while not (happens.exists() and happens.read_text().endswith("\n")):
        time.sleep(0.01)
    return happens.read_text()


@pytest.fixture
def cancelled_by(tmp_path: Path) -> tuple[threading.Event, Path]:
    """Set as soon as the program writes a line to the file."""
    event, path = threading.Event(), tmp_path / "begun"
    threading.Thread(target=lambda: (until(path), event.set()), daemon=True).start()
    return event, path


def test_output_complaint_exit_code_and_cost() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = command.run(python(code), MINUTES)
    assert (done.output, done.complaint, done.exit_code) == (b"out\n", b"err\n", 3)
    assert (done.timed_out, done.truncated, done.argv) == (False, False, tuple(python(code)))
    assert done.duration_s > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_a_signal_ends(number: signal.Signals) -> None:
    done = command.run(python(f"import os; os.kill(os.getpid(), {int(number)})"), MINUTES)
    assert (done.exit_code, done.timed_out) == (-number, False)


def test_it_has_no_input_speaks_english_and_is_a_group_of_its_own() -> None:
    code = (
        "import os, sys; print(sys.stdin.read() == '', os.environ['LC_ALL'], os.getpgid(0) == os.getpid(), os.nice(0))"
    )
    assert command.run(python(code), MINUTES).output.split() == [b"True", b"C.UTF-8", b"True", str(_nice()).encode()]


def _nice() -> int:
    return max(command.NICE, os.nice(0))


def test_no_such_program() -> None:
    with pytest.raises(command.NotFound, match=r"^no-such-program$"):
        command.run(["no-such-program"], 1.0)
    with pytest.raises(FileNotFoundError):
        command.run(["/no/such/program"], 1.0)


def test_what_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(PermissionError):
        command.run([str(tmp_path / "text")], 1.0)


def test_what_pip_installed_beside_us_is_found_without_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert command.path_of("py-spy") == os.path.join(os.path.dirname(sys.executable), "py-spy")


def test_when_the_time_is_over_nothing_of_it_is_left(tmp_path: Path) -> None:
    script = f'sleep 300 & echo "$$ $!" > {tmp_path}/pids; echo said; wait'
    done = command.run(["sh", "-c", script], 1.5)
    assert (done.timed_out, done.exit_code, done.output) == (True, -signal.SIGTERM, b"said\n")
    pids = [int(pid) for pid in until(tmp_path / "pids").split()]
    assert len(pids) == 2
    assert all(ends(pid) for pid in pids)


def test_a_child_that_outlives_its_parent_goes_too() -> None:
    done = command.run(["sh", "-c", "sleep 300 & echo $!"], MINUTES)
    assert (done.exit_code, done.timed_out) == (0, False)
    assert ends(int(done.output))


DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
STOPPED = "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGSTOP)).start()"


@pytest.mark.parametrize("does", [DEAF, STOPPED])
def test_who_does_not_listen_is_killed(does: str, cancelled_by: tuple[threading.Event, Path]) -> None:
    cancelled, begun = cancelled_by
    code = f"import os, signal, sys, threading, time\n{DEAF}\n{does}\n"
    code += "open(sys.argv[1], 'w').write(f'{os.getpid()}\\n')\ntime.sleep(300)\n"
    done = command.run(python(code, str(begun)), MINUTES, cancelled)
    assert (done.timed_out, done.exit_code) == (True, -signal.SIGKILL)
    assert ends(int(begun.read_text()))


def test_who_is_asked_to_end_may_still_say_something(cancelled_by: tuple[threading.Event, Path]) -> None:
    cancelled, begun = cancelled_by
    code = (
        "import signal, sys, time\n"
        "def end(*about):\n    print('as far as I came')\n    sys.exit(4)\n"
        "signal.signal(signal.SIGINT, end)\n"
        "open(sys.argv[1], 'w').write('now\\n')\n"
        "time.sleep(300)\n"
    )
    done = command.run(python(code, str(begun)), MINUTES, cancelled, stop=signal.SIGINT)
    assert (done.timed_out, done.exit_code, done.output) == (True, 4, b"as far as I came\n")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_is_cut(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_MAX_BYTES", 1 << 16)
    done = command.run(python(f"import sys\nwhile True: sys.{stream}.write('x' * 4096)"), MINUTES)
    said = done.output if stream == "stdout" else done.complaint
    assert (done.truncated, len(said), set(said)) == (True, 1 << 16, {ord("x")})


def test_cpu_of_it_and_of_its_children_is_counted() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass\n"
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    assert command.run(python(burn), MINUTES).cpu_s >= 0.2
    assert command.run(python(child, burn), MINUTES).cpu_s >= 0.2


def test_nothing_is_left_when_we_are_interrupted(tmp_path: Path) -> None:
    script = f"echo $$ > {tmp_path}/x; mv {tmp_path}/x {tmp_path}/pid; sleep 300"
    code = f"from mcptop.sources import command\ncommand.run(['sh', '-c', {script!r}], 300.0)\n"
    ours = [sys.executable, "-W", "error", "-c", code]
    with subprocess.Popen(ours, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": ROOT}) as child:
        pid = int(until(tmp_path / "pid"))
        child.send_signal(signal.SIGINT)
        complaint = child.communicate()[1]
    assert complaint.endswith("KeyboardInterrupt\n")
    assert "Exception ignored" not in complaint
    assert ends(pid)
