"""Actions on real containers: what the engine made of them, read with other eyes than mcptop's."""

from __future__ import annotations

import json
import os
import pty
import select
import threading
import time
from pathlib import Path

import pytest
from containers import docker
from msgspec.structs import replace

from mcptop.actions import commands, limits, offers
from mcptop.actions.command_log import CommandLog
from mcptop.actions.errors import ActionError
from mcptop.actions.performing import Performer
from mcptop.actions.sequence import Run
from mcptop.closeup.processes import ProcessReader
from mcptop.model.action import Action, ActionTarget, Verb
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.presentation.closeups.processes import build
from mcptop.presentation.row import View
from mcptop.sources.docker_control import DockerControl
from mcptop.sources.docker_engine import EngineError
from mcptop.ui.diagnosis.whom import of_process
from tests.closeup.programs import world

MIB = 1 << 20
LIVES = "import signal, time; signal.signal(15, lambda *_: exit(7)); time.sleep(600)"
# Writes down every USR1, at once.
COUNTS = "import signal, time\nsignal.signal(10, lambda *_: print('usr1', flush=True))\nprint('ready', flush=True)\n" \
    "while True: time.sleep(600)"  # fmt: skip
# Its child writes down every USR1; its first process would too.
FAMILY = "import os, signal, time\nsignal.signal(10, lambda *_: print('usr1', os.getpid(), flush=True))\n" \
    "if os.fork() == 0: print('ready', flush=True)\nwhile True: time.sleep(600)"  # fmt: skip
# Its second run ends at once.
ONCE = "import os, time\nif os.path.exists('/was'): exit(3)\nopen('/was', 'w').close(); time.sleep(600)"


def target(container, **more) -> ActionTarget:
    """As the dashboard would have it."""
    return ActionTarget(container.id, container.name, Kind.CONTAINER, container.project, container.service, **more)


class Doing:
    """Looks, chooses what is offered, and does it."""

    def __init__(self) -> None:
        self.performer = Performer((None,), up_s=60)
        self.log = CommandLog()
        self.heard: list[str] = []

    def offered(self, *containers):
        targets = [target(one) for one in containers]
        return {one.action.verb: one for one in offers.offers(targets, self.performer.look(targets, "here"))}

    def __call__(self, action: Action):
        return Run(self.performer, self.log, self.heard.append)(action)

    def do(self, verb: Verb, *containers, **more):
        return self(replace(self.offered(*containers)[verb].action, **more))


@pytest.fixture
def doing() -> Doing:
    return Doing()


def state(container) -> str:
    return container.show("{{.State.Status}}")


def says_in_log(container, text: str) -> bool:
    return text in docker("logs", container.name)


def wait_for(holds) -> None:
    """The engine writes logs and ends programs in its own time."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it never held"


def test_stop_start_and_restart(start, doing):
    one = start("web", LIVES)
    assert set(doing.offered(one)) == {
        Verb.STOP, Verb.RESTART, Verb.PAUSE, Verb.SIGNAL, Verb.UPDATE, Verb.SHELL
    }  # fmt: skip
    assert doing.do(Verb.STOP, one).says == f"stopped {one.name}"
    assert state(one) == "exited"
    assert set(doing.offered(one)) == {Verb.START, Verb.UPDATE}
    assert doing.do(Verb.START, one).ok
    assert state(one) == "running"
    before = one.pid
    assert doing.do(Verb.RESTART, one).ok
    assert state(one) == "running"
    assert one.pid != before
    assert [entry.command for entry in doing.log.entries] == [
        f"docker stop {one.name}", f"docker start {one.name}", f"docker restart {one.name}"
    ]  # fmt: skip
    assert all(entry.ok and entry.outcome.startswith("ok in ") for entry in doing.log.entries)


def test_stop_gives_the_time_the_container_asks_for(start, doing):
    deaf = start(
        "deaf", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)", "--stop-timeout", "1"
    )
    began = time.monotonic()
    assert doing.do(Verb.STOP, deaf).ok
    assert time.monotonic() - began < 9
    assert deaf.show("{{.State.ExitCode}}") == "137"


def test_pause_and_unpause(start, doing):
    one = start("web", LIVES)
    assert doing.do(Verb.PAUSE, one).ok
    assert state(one) == "paused"
    assert set(doing.offered(one)) == {Verb.STOP, Verb.UNPAUSE, Verb.SIGNAL, Verb.UPDATE}
    assert doing.do(Verb.UNPAUSE, one).ok
    assert state(one) == "running"


def test_signals_reach_the_first_process(start, doing):
    one = start("web", COUNTS)
    wait_for(lambda: says_in_log(one, "ready"))
    assert doing.do(Verb.SIGNAL, one, signal="USR1").says == f"sent USR1 to {one.name}"
    wait_for(lambda: says_in_log(one, "usr1"))
    assert doing.do(Verb.SIGNAL, one, signal="KILL").ok
    wait_for(lambda: state(one) == "exited")
    assert one.show("{{.State.ExitCode}}") == "137"


def figure(container, *names: str) -> int:
    """What the kernel has in force, of control groups of either version."""
    for name in names:
        for path in Path("/sys/fs/cgroup").rglob(name):
            if container.id in path.as_posix():
                return int(path.read_text().split()[0])
    pytest.fail(f"the kernel has none of {names} for it")


def test_limits_are_in_force_in_the_kernel(start, doing):
    one = start("web", LIVES, "--memory", "64m", "--memory-swap", "64m", "--cpus", "0.5")
    look = doing.performer.look([target(one)], "here")
    assert (look.host, look.facts[0].memory_bytes, look.facts[0].cpus) == ("here", 64 * MIB, 0.5)
    wanted = limits.limits("96m", "1.25", look.facts[0])
    assert doing.do(Verb.UPDATE, one, limits=(wanted,)).ok
    assert figure(one, "memory.limit_in_bytes", "memory.max") == 96 * MIB
    assert figure(one, "cpu.cfs_quota_us", "cpu.max") == 125_000
    assert one.show("{{.HostConfig.MemorySwap}}") in (str(96 * MIB), "-1")
    assert doing.log.entries[0].command.startswith("docker update --memory 96m ")


def test_a_quota_given_as_one_stays_one(start, doing):
    one = start("web", LIVES, "--cpu-period", "50000", "--cpu-quota", "25000")
    look = doing.performer.look([target(one)], "here")
    wanted = limits.limits("", "1", look.facts[0])
    assert doing.do(Verb.UPDATE, one, limits=(wanted,)).ok
    assert one.show("{{.HostConfig.CpuQuota}} {{.HostConfig.NanoCpus}}") == "50000 0"
    assert doing.log.entries[0].command == f"docker update --cpu-period 50000 --cpu-quota 50000 {one.name}"


def test_what_the_engine_refuses_is_one_line(start, doing):
    one = start("web", LIVES)
    wanted = limits.limits("", "4000", doing.performer.look([target(one)], "here").facts[0])
    outcome = doing.do(Verb.UPDATE, one, limits=(wanted,))
    assert not outcome.ok
    assert outcome.says.startswith("docker refuses: ")
    assert "\n" not in outcome.says
    assert doing.log.entries[0].outcome == outcome.says


def test_one_that_goes_away_between_menu_and_yes(start, doing):
    one = start("web", LIVES)
    action = doing.offered(one)[Verb.RESTART].action
    docker("rm", "-f", one.name)
    # Somebody else under its name is not hit.
    other = start("web", LIVES)
    before = other.pid
    assert other.name == one.name
    outcome = doing(action)
    assert (outcome.ok, outcome.says) == (False, f"{one.name} is gone")
    assert other.pid == before
    assert [entry.ok for entry in doing.log.entries] == [False]


def test_all_replicas_are_restarted_one_after_the_other(start, doing):
    pair = [start("web", LIVES, number=n) for n in (1, 2)]
    pids = [one.pid for one in pair]
    assert doing.do(Verb.RESTART, *pair).says == f"restarted {pair[0].name}, {pair[1].name}"
    assert [one.pid != pid for one, pid in zip(pair, pids, strict=True)] == [True, True]
    assert doing.heard == [f"restarting {one.name} ({n} of 2) …" for n, one in enumerate(pair, 1)]


def test_a_restart_that_fails_leaves_the_others_alone(start, doing):
    pair = [start("web", ONCE, number=n) for n in (1, 2)]
    for one in pair:
        wait_for(lambda one=one: docker("exec", one.name, "ls", "/").find("was") >= 0)
    untouched = pair[1].pid
    outcome = doing.do(Verb.RESTART, *pair)
    assert not outcome.ok
    assert outcome.says == f"{pair[0].name} is exited after its start; nothing was done before, 2 of 2 not done"
    assert pair[1].pid == untouched


def test_the_next_one_waits_for_the_check(start, doing):
    check = ("--health-cmd", "test -e /fit", "--health-interval", "1s", "--health-retries", "60")
    one = start("web", LIVES, *check)
    facts = doing.performer.look([target(one)], "here").facts[0]
    assert facts.health in ("starting", "unhealthy")
    waiting = threading.Thread(target=lambda: doing.performer.wait_until_up(target(one), threading.Event()))
    waiting.start()
    waiting.join(2)
    assert waiting.is_alive()
    docker("exec", one.name, "touch", "/fit")
    waiting.join(60)
    assert not waiting.is_alive()


def test_one_that_never_gets_well_is_given_up(start):
    sick = start("web", LIVES, "--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1")
    with pytest.raises(ActionError, match=r"is running \(unhealthy\) after its start|is still running"):
        Performer((None,), up_s=30).wait_until_up(target(sick), threading.Event())


def test_a_swarm_task_is_known(start, doing):
    label = {"com.docker.swarm.task.id": "abc", "com.docker.swarm.service.name": "web"}
    one = start("web", LIVES, labels=label)
    assert doing.offered(one)[Verb.STOP].refused == offers.SWARM
    assert not doing.offered(one)[Verb.SIGNAL].refused


def test_an_engine_that_is_not_there_is_one_line():
    def connect():
        raise EngineError("no docker engine at unix:///nope: start it, or set DOCKER_HOST")

    with pytest.raises(ActionError, match="no docker engine at unix:///nope"):
        Performer((None,), connect).look([ActionTarget("a", "a", Kind.CONTAINER, None, "a")], "here")


def test_an_order_to_nobody_is_in_the_engines_words(stack):
    control = DockerControl()
    try:
        with pytest.raises(EngineError, match=r"^docker refuses: No such container: nobody$"):
            control.pause("nobody")
    finally:
        control.close()


def session(argv: list[str], typed: bytes) -> tuple[str, int]:
    """A program in a terminal of its own, what is typed into it, what it showed, and its exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    os.write(terminal, typed)
    seen = b""
    try:
        while select.select([terminal], [], [], 60)[0]:
            seen += os.read(terminal, 4096)
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return seen.decode("utf-8", "replace"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_shell_is_entered_by_its_command(start, doing):
    one = start("web", LIVES)
    action = doing.offered(one)[Verb.SHELL].action
    docker("rename", one.name, f"{one.name}-before")
    start("web", LIVES)
    typed = b'echo $((6*7))${BASH:+mcp} "$HOSTNAME"; exit 5\n'
    seen, code = session(list(commands.argv(action, action.targets[0], by_id=True)), typed)
    docker("rm", "-f", one.id)
    assert f"42mcp {one.id[:12]}" in seen, "whoever has the name by now is not entered"
    assert code == 5


def test_without_bash_it_is_sh(start, doing):
    one = start("web", LIVES)
    docker("exec", one.name, "mv", "/bin/bash", "/bin/none")
    action = doing.offered(one)[Verb.SHELL].action
    seen, code = session(list(commands.argv(action, action.targets[0], by_id=True)), b"echo $((6*7))$BASH.; exit 5\n")
    assert "42." in seen
    assert code == 5


def test_one_process_of_a_container_gets_a_signal(start, doing):
    one = start("web", FAMILY)
    wait_for(lambda: says_in_log(one, "ready"))
    service = Service(one.project, one.service, Kind.CONTAINER, 1, (Instance(one.id, one.name, one.pid),))
    closeup = ProcessReader(world()).look(service, service.instances)
    child = next(row for row in build(closeup, View()) if row.line.inner_pid != 1)
    whom = of_process(child, service)
    assert whom is not None
    chosen = whom.instances[0]
    it = ActionTarget(chosen.id, chosen.name, whom.service.kind, whom.service.project, whom.service.name)
    action = offers.offers((it,), doing.performer.look((it,), "here"))[0].action
    outcome = doing(replace(action, signal="USR1"))
    assert (outcome.ok, doing.log.entries[0].command) == (True, f"kill -USR1 {child.line.pid}")
    wait_for(lambda: says_in_log(one, "usr1"))
    assert "usr1 1\n" not in docker("logs", one.name) + "\n", "its first process got none"


def test_the_facts_agree_with_the_engine(start, doing):
    one = start("web", LIVES, "--memory", "64m", "--stop-timeout", "3")
    facts = doing.performer.look([target(one)], "here").facts[0]
    raw = json.loads(docker("inspect", one.id))[0]
    assert (facts.stop_grace_s, facts.memory_bytes) == (3, raw["HostConfig"]["Memory"])
    assert facts.started_at == raw["State"]["StartedAt"]
