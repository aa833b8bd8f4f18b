"""Actions without an engine: commands, limits, words, one after the other; and signals to real processes."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mcptop.actions import commands, limits, offers, processes, shell, words
from mcptop.actions.command_log import CommandLog, line
from mcptop.actions.engine_look import facts_of
from mcptop.actions.errors import ActionError
from mcptop.actions.sequence import Run
from mcptop.actions.signals import SIGNALS
from mcptop.model.action import Action, ActionTarget, ContainerFacts, Limits, Look, Verb
from mcptop.model.closeup import ProcessKey
from mcptop.model.value import Kind
from mcptop.sources import process_files
from mcptop.sources.kept import contents
from mcptop.sources.procfs import Roots

MIB = 1 << 20
LIVE = Roots()
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
WEB = ActionTarget("a" * 64, "shop-web-1", Kind.CONTAINER, "shop", "web", working_set_bytes=200 * MIB)
SECOND = replace(WEB, id="b" * 64, name="shop-web-2")
STOP = Action(Verb.STOP, (WEB,), "build-7")
SHELL = replace(STOP, verb=Verb.SHELL)
INSIDE = "sh -c 'command -v bash >/dev/null && exec bash; exec sh'"
HOSTILE = "[red]x\x1b[2J\u202e\n'; rm -rf $(y)"


def command(action: Action) -> str:
    return commands.shown(commands.argv(action, action.targets[0]))


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (STOP, "docker stop shop-web-1"),
        (replace(STOP, engine="ssh://me@far"), "docker -H ssh://me@far stop shop-web-1"),
        (replace(STOP, verb=Verb.SIGNAL, signal="HUP"), "docker kill --signal HUP shop-web-1"),
        (SHELL, f"docker exec -it shop-web-1 {INSIDE}"),
        (replace(STOP, verb=Verb.UPDATE, limits=(Limits(512 * MIB, 512 * MIB, 1.5),)),
         "docker update --memory 512m --memory-swap 512m --cpus 1.5 shop-web-1"),
        (replace(STOP, verb=Verb.UPDATE, limits=(Limits(cpus=1.5, cpu_period_us=50_000),)),
         "docker update --cpu-period 50000 --cpu-quota 75000 shop-web-1"),
        (replace(STOP, targets=(replace(WEB, id="c" * 64, name="--rm"),)), "docker stop cccccccccccc"),
        (replace(STOP, targets=(replace(WEB, id="c" * 64, name=HOSTILE),)), "docker stop cccccccccccc"),
        (Action(Verb.SIGNAL, (replace(WEB, id="42-777", kind=Kind.PROCESS),), "h", signal="TERM"), "kill -TERM 42"),
    ],
)  # fmt: skip
def test_the_equivalent_command(action, says):
    assert command(action) == says


@given(st.text(max_size=60), st.text(max_size=30))
def test_a_shown_command_is_harmless_and_reads_back(name, host):
    action = replace(STOP, targets=(replace(WEB, name=name),), engine=host or None)
    text = command(action)
    assert text.isprintable()
    if host.isprintable():
        assert shlex.split(text) == list(commands.argv(action, action.targets[0]))


@given(st.text(max_size=60))
def test_every_word_about_somebody_is_harmless(text):
    target = replace(WEB, name=text, project=text, service=text)
    action = replace(STOP, targets=(target, target), host=text)
    said = [words.title(action), words.menu_word(action), words.example(action), words.to_type(action),
            words.doing(action, target), words.done(action, action.targets), *words.noticed(action),
            *(part for pair in words.facts(action) for part in pair),
            limits.below_use((target,), (Limits(MIB),))]  # fmt: skip
    assert all(each.isprintable() for each in said)


@given(st.integers(6 * MIB, 1 << 50))
def test_memory_reads_back_as_it_was_written(count):
    assert limits.memory_bytes(commands.memory(count)) == count


def read_or_why(read, text: str):
    try:
        return read(text)
    except ActionError as problem:
        return str(problem)


@given(st.text(max_size=30) | st.from_regex(r"[0-9.]{1,25}[kmg]?", fullmatch=True))
def test_limits_are_numbers_or_one_line(text):
    for read in (limits.memory_bytes, limits.cpus):
        found = read_or_why(read, text)
        assert found is None or (found.isprintable() if isinstance(found, str) else found > 0)


@pytest.mark.parametrize(
    ("text", "count"),
    [("512m", 512 * MIB), ("1.5g", 1536 * MIB), ("1073741824", 1 << 30), (" 64 MiB ", 64 * MIB), ("8000KB", 8000 << 10),
     ("", None)],
)  # fmt: skip
def test_sizes(text, count):
    assert limits.memory_bytes(text) == count


@pytest.mark.parametrize("text", ["0", "5m", "-1g", "1t", "much", "1e9", "9" * 40, "1.2.3m"])
def test_no_sizes(text):
    with pytest.raises(ActionError, match=r"^memory: "):
        limits.memory_bytes(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "two", "1,5"])
def test_no_cores(text):
    with pytest.raises(ActionError, match=r"^cpus: "):
        limits.cpus(text)


@pytest.mark.parametrize(
    ("before", "swap_before", "swap_after"),
    [(512, 512, 256), (512, 1024, 768), (512, -1, None), (0, 0, None)],
)
def test_swap_stays_as_much_as_it_was(before, swap_before, swap_after):
    facts = ContainerFacts(memory_bytes=before * MIB, memory_swap_bytes=swap_before * MIB if swap_before > 0 else -1)
    found = limits.limits("256m", "", facts)
    assert found.memory_swap_bytes == (None if swap_after is None else swap_after * MIB)
    assert found.cpus is None


def test_limits_that_change_nothing_are_said_to():
    with pytest.raises(ActionError, match="nothing changes"):
        limits.limits("512m", "0.5", ContainerFacts(memory_bytes=512 * MIB, cpus=0.5))


def test_below_what_is_in_use():
    assert "has 200 MiB in use, more than 100 MiB" in limits.below_use((WEB,), (Limits(100 * MIB),))
    assert not limits.below_use((WEB,), (Limits(200 * MIB),))
    assert not limits.below_use((replace(WEB, working_set_bytes=None),), (Limits(MIB),))


def test_of_several_those_it_fits():
    look = Look("h", None, (ContainerFacts("running"), ContainerFacts("exited")))
    found = {one.action.verb: [t.name for t in one.action.targets] for one in offers.offers((WEB, SECOND), look)}
    assert found[Verb.STOP] == ["shop-web-1"]
    assert found[Verb.START] == ["shop-web-2"]
    assert Verb.SHELL not in found


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.dictionaries(
    st.sampled_from(["Status", "Health", "Labels", "StartedAt"]), inner, max_size=3), max_leaves=5))  # fmt: skip
def test_odd_answers_of_the_engine_are_no_defect(part):
    inspected = {"State": part if isinstance(part, dict) else None, "Config": {"Labels": None}, "HostConfig": None}
    if isinstance((inspected["State"] or {}).get("Health"), dict | None):
        assert facts_of(inspected).state.isprintable()


@pytest.mark.parametrize(
    ("said", "health"), [("healthy", "healthy"), ("starting", "starting"), ("none", None), ("", None)]
)
def test_a_check_that_is_switched_off_is_none(said, health):
    assert facts_of({"State": {"Status": "running", "Health": {"Status": said}}}).health == health


def test_mcptop_itself_and_the_first_process_are_refused():
    for pid in (os.getpid(), 1):
        target = replace(WEB, id=f"{pid}-1", kind=Kind.PROCESS)
        assert offers.offers((target,), Look("h", None, (None,)))[0].refused
        with pytest.raises(ActionError):
            processes.send(LIVE, start_of(pid), "CONT")


@pytest.fixture
def process():
    child = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"],
                             stdout=subprocess.PIPE)  # fmt: skip
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


def start_of(pid: int) -> ProcessKey:
    stat = process_files.process_stat(contents(f"/proc/{pid}/stat"))
    assert stat is not None
    return ProcessKey(pid, stat.start_ticks)


def test_a_process_gets_its_signal(process):
    processes.send(LIVE, start_of(process.pid), "TERM")
    assert process.wait(30) == -signal.SIGTERM


def test_stop_and_continue(process):
    start = start_of(process.pid)
    processes.send(LIVE, start, "STOP")
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    processes.send(LIVE, start, "CONT")
    assert os.WIFCONTINUED(os.waitpid(process.pid, os.WCONTINUED)[1])


def test_another_process_under_the_pid_is_left_alone(process):
    key = start_of(process.pid)
    with pytest.raises(ActionError, match="by another one"):
        processes.send(LIVE, key._replace(start_ticks=key.start_ticks - 1), "KILL")
    assert process.poll() is None


def test_pids_of_another_namespace_are_not_ours(process, tmp_path):
    (tmp_path / "self").symlink_to("1")
    with pytest.raises(ActionError, match="numbers processes otherwise"):
        processes.send(Roots(str(tmp_path)), start_of(process.pid), "KILL")
    with pytest.raises(ActionError, match="cannot be held on to: No such file"):
        processes.send(Roots(str(tmp_path / "none")), start_of(process.pid), "KILL")
    assert process.poll() is None


def test_a_process_that_is_gone(process):
    start = start_of(process.pid)
    process.kill()
    process.wait()
    with pytest.raises(ActionError, match="is gone"):
        processes.send(LIVE, start, "TERM")


@pytest.mark.parametrize("name", SIGNALS)
def test_every_signal_exists_and_has_a_sentence(name):
    assert signal.Signals[f"SIG{name}"]
    assert SIGNALS[name]


class Doer:
    """Fails for whom it is told to."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.did, self.waited = fails, [], []

    def perform(self, action, target):
        self.did.append(target.name)
        if target.name == self.fails:
            raise ActionError("docker refuses: no")
        return ""

    def wait_until_up(self, target, cancelled):
        self.waited.append(target.name)


def run(doer: Doer, action: Action):
    log = CommandLog(lambda: NOON)
    return Run(doer, log, lambda says: None, iter(range(0, 90, 2)).__next__)(action), log.entries


def test_all_of_them_each_with_an_entry():
    doer = Doer()
    outcome, entries = run(doer, Action(Verb.RESTART, (WEB, SECOND), "h"))
    assert (outcome.ok, outcome.says) == (True, "restarted shop-web-1, shop-web-2")
    assert doer.waited == doer.did == ["shop-web-1", "shop-web-2"]
    assert line(entries[1]) == "2026-01-31 12:00:00  docker restart shop-web-2  # ok in 2.0 s"


def test_the_first_failure_ends_it():
    third = replace(WEB, id="c" * 64, name="shop-web-3")
    outcome, entries = run(doer := Doer("shop-web-2"), Action(Verb.RESTART, (WEB, SECOND, third), "h"))
    assert not outcome.ok
    assert outcome.says == "docker refuses: no; restarted shop-web-1 before, 2 of 3 not done"
    assert doer.did == ["shop-web-1", "shop-web-2"]
    assert [entry.ok for entry in entries] == [True, False]


def test_the_log_ends_at_500():
    log = CommandLog(lambda: NOON)
    for number in range(502):
        log.add(NOON, str(number), True, "ok\nnot")
    assert len(log.entries) == 500
    assert log.entries[0].command == "2"
    assert log.entries[0].outcome == "ok not"


def test_without_a_docker_program_there_is_a_command_to_copy():
    says = shell.missing(SHELL, which=lambda name: None)
    assert says == f"there is no docker program on PATH; elsewhere: docker exec -it shop-web-1 {INSIDE}"


def test_a_shell_is_entered_by_id_whoever_has_the_name_now(tmp_path, monkeypatch):
    (tmp_path / "docker").write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\nexit 3\n')
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert shell.missing(SHELL) == ""
    assert shell.enter(SHELL) == (True, "exit code 3")
    assert (tmp_path / "asked").read_text().startswith(f"exec -it {WEB.id} sh -c ")


@pytest.mark.parametrize(
    ("service", "word"),
    [("web", "web"), ("x" * 41, "confirm"), (HOSTILE, "confirm"), (" a", "confirm"), ("ü", "confirm")],
)
def test_what_has_to_be_typed_can_be_typed(service, word):
    assert words.to_type(replace(STOP, targets=(replace(WEB, service=service),))) == word
