"""Logs of real containers: both streams, terminals, restarts, ends, drivers that keep nothing, and floods."""

from __future__ import annotations

import sys
from pathlib import Path

import programs
import pytest
from containers import docker

from mcptop.sources import log_container
from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.log_box import Window
from mcptop.sources.log_container import ContainerLog

sys.path.insert(0, str(Path(__file__).parent.parent))
from following import Following

TALK = """
import sys, time
for n in range(30):
    print(f"line {n}", flush=True)
print("trouble", file=sys.stderr, flush=True)
time.sleep(100000)
"""
TALK_AND_END = "import os, sys; print('working', flush=True); print('bye', flush=True); os._exit({code})"
FLOOD = """
import sys
line = "INFO request %d done in 3 ms, a line that is as long as those of real programs are, more or less\\n"
at = 0
while True:
    sys.stdout.write("".join(line % n for n in range(at, at + 1000)))
    sys.stdout.flush()
    at += 1000
"""


def follow(container, seconds: float | None = None, lines: int = 20_000, box: int = 100_000) -> Following:
    return Following(ContainerLog(DockerEngine, container.id, container.name, Window(seconds, lines)), box)


def test_both_streams_and_no_more_lines_than_wanted(start):
    container = start("talker", TALK)
    with follow(container) as log:
        log.until(lambda log: (2, b"trouble\n") in log.lines and (1, b"line 29\n") in log.lines)
        assert [line for stream, line in log.lines if stream == 1] == [b"line %d\n" % n for n in range(30)]
        assert log.said == []
    with follow(container, lines=5) as log:
        log.until(lambda log: len(log.lines) == 5)


def test_a_terminal(start):
    container = start("terminal", TALK, "--tty")
    with follow(container) as log:
        log.until(lambda log: b"trouble" in log.text)
        assert (1, b"line 3\r\n") in log.lines


def test_one_very_long_line_and_bytes_that_are_no_text(start):
    program = (
        "import os, time; os.write(1, b'x' * 100000 + b'\\n\\xff\\x1b]52;c;aGk=\\x07\\x00 end\\n'); time.sleep(1000)"
    )
    with follow(start("long", program)) as log:
        log.until(lambda log: log.text.endswith(b"\x1b]52;c;aGk=\x07\x00 end\n"))
        assert log.text.count(b"x") == 100_000


def test_a_crash_and_the_next_run(start):
    container = start("crashing", programs.SLEEP.replace("import time;", "import time; print('run', flush=True);"))
    with follow(container) as log:
        log.until(lambda log: log.lines)
        docker("kill", container.id)
        log.until(lambda log: log.marks)
        assert log.said == ["ended: exit code 137"]
        docker("start", container.id)
        log.until(lambda log: len(log.lines) == 2)
        assert log.said == ["ended: exit code 137", "restarted: last exit code 137"]
        assert [mark.starts for mark in log.marks] == [False, True]
        docker("rm", "-f", container.id)
        log.until(lambda log: log.ended)
        assert log.said[-1] == "the container is gone"


def test_a_restart_too_quick_to_be_seen_is_told_when_somebody_asks(start):
    container = start("looping", TALK_AND_END.format(code=3), "--restart", "always")
    with follow(container) as log:
        log.until(lambda log: log.follower.look_again() or len(log.marks) >= 2, seconds=60)
        assert log.said[-1] in ("restarted: last exit code 3", "ended: exit code 3")
        assert any(mark.starts for mark in log.marks)


def test_the_run_before_is_known_to_who_comes_later(start):
    container = start("reborn", "import sys, time; print('run', flush=True); time.sleep(1000)")
    with follow(container) as log:
        log.until(lambda log: log.lines)
    docker("restart", "-t", "0", container.id)
    with follow(container) as log:
        log.until(lambda log: len(log.lines) == 2 and log.marks)
        assert log.said == ["restarted: last exit code 137"]


def test_killed_for_its_memory(start):
    container = start(
        "hungry", f"print('eating', flush=True)\n{programs.EAT_MEMORY}", "--memory", "32m", "--memory-swap", "32m"
    )
    with follow(container) as log:
        log.until(lambda log: log.marks, seconds=60)
        assert log.said == ["ended: exit code 137, OOM killed"]
        assert log.lines == [(1, b"eating\n")], "what it said before is there"


def test_a_window_of_seconds(start):
    container = start("talker", TALK)
    with follow(container, seconds=3600) as log:
        log.until(lambda log: len(log.lines) == 31)
    with follow(container, seconds=0.0) as log:
        docker("kill", container.id)
        log.until(lambda log: log.marks)
        assert log.lines == []


def test_a_driver_that_keeps_nothing(start):
    with follow(start("mute", TALK, "--log-driver", "none")) as log:
        log.until(lambda log: log.ended)
        assert "logging driver is `none`" in str(log.error)


def test_a_log_that_its_engine_does_not_give_out_is_one_line(start):
    class Closed(DockerEngine):
        def log_stream(self, container, tail, since):
            raise EngineError("configured logging driver does not support reading")

    container = start("talker", TALK)
    with Following(ContainerLog(Closed, container.id, "talker", Window())) as log:
        log.until(lambda log: log.ended)
        assert str(log.error) == "talker: configured logging driver does not support reading"


@pytest.mark.parametrize("tail", [0, 500])
def test_a_flood_is_read_to_its_newest_line_and_counted(start, tail):
    container = start("flood", FLOOD)
    with follow(container, lines=tail, box=200) as log:
        log.until(lambda log: log.skipped > 50_000, seconds=60)
        assert not log.uncounted
        number = int(log.lines[-1][1].split()[2])
        log.until(lambda log: int(log.lines[-1][1].split()[2]) > number)


def test_who_is_too_far_behind_leaves_the_rest_out(start, monkeypatch):
    monkeypatch.setattr(log_container, "_BEHIND_S", -10.0)
    container = start("flood", FLOOD)
    with follow(container, lines=10, box=200) as log:
        log.until(lambda log: log.uncounted and log.lines, seconds=60)
        number = int(log.lines[-1][1].split()[2])
        log.until(lambda log: int(log.lines[-1][1].split()[2]) > number + 10_000, seconds=60)


def test_last_words_without_a_line_end(start):
    for options in ((), ("--tty",)):
        container = start(f"brief{len(options)}", "import os; os.write(1, b'fatal: no'); os._exit(3)", *options)
        with follow(container) as log:
            log.until(lambda log: log.marks)
            assert log.text == b"fatal: no"


def test_an_engine_that_goes_away_is_told_once_and_asked_again(start, monkeypatch):
    monkeypatch.setattr(log_container, "_RETRY_S", (0.05,))
    container, connections = start("talker", TALK), []
    refuses = EngineError("the docker engine refuses connections: is it running?")

    class Dying(DockerEngine):
        """Answers once."""

        asked = False

        def inspect(self, container):
            if self.asked:
                raise refuses
            self.asked = True
            return super().inspect(container)

    def connect() -> DockerEngine:
        connections.append(None)
        if len(connections) in (2, 3, 4):
            raise refuses
        return Dying() if len(connections) == 1 else DockerEngine()

    with Following(ContainerLog(connect, container.id, "talker", Window())) as log:
        log.until(lambda log: len(log.lines) == 31)
        log.follower.look_again()
        log.until(lambda log: len(connections) == 5)
        docker("kill", container.id)
        log.until(lambda log: "ended: exit code 137" in log.said)
        assert log.said[0] == "the docker engine refuses connections: is it running?; trying again"
        assert len(log.said) == 2
        assert len(log.lines) == 31, "nothing comes twice"


def test_without_an_engine_one_line():
    def nobody() -> DockerEngine:
        raise EngineError("no docker engine at unix:///nowhere: start it, or set DOCKER_HOST")

    with Following(ContainerLog(nobody, "c0ffee", "api", Window())) as log:
        log.until(lambda log: log.ended)
        assert str(log.error) == "api: no docker engine at unix:///nowhere: start it, or set DOCKER_HOST"
