"""Notices of the dashboard: what begins while it runs is told, by its own terminal and by a command."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from mcptop.alert_settings import Notify
from mcptop.model.frame import SourceReport, Status
from mcptop.model.playbook import Severity
from mcptop.ui.messages import Noticed
from mcptop.ui.noticing import Noticing
from tests.ui import frames
from tests.ui.terminal import Terminal
from tests.unit.test_alerts_command import RULE, Machine


@dataclass
class Posted:
    """What the app's queue would get."""

    messages: list[object] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages if isinstance(message, Noticed)]


def test_what_stands_when_it_is_opened_is_no_news_and_what_begins_is():
    posted = Posted()
    noticing = Noticing(Notify(bell=True, severity="warning"), posted.messages.append)
    made = frames.frame()
    assert made.alerts
    for number in range(4):
        noticing.hear(replace(made, number=number, alerts=made.alerts[1:]))
    assert posted.texts == []
    noticing.hear(made)
    (text,) = posted.texts
    assert made.alerts[0].says in text
    noticing.hear(made)
    assert len(posted.texts) == 1
    noticing.stop()


def test_what_was_pending_when_it_was_opened_is_no_news_when_it_fires_but_when_it_comes_again():
    posted = Posted()
    noticing = Noticing(Notify(bell=True, severity="warning", pause=0.0), posted.messages.append)
    made = frames.frame()
    calm, pending = replace(made, alerts=()), replace(made, alerts=(), pending=made.alerts)
    for frame in (*[pending] * 5, made, made):
        noticing.hear(frame)
    assert posted.texts == []
    for frame in (calm, pending, made):
        noticing.hear(frame)
    assert len(posted.texts) == len(made.alerts)
    noticing.stop()


def test_what_gets_worse_than_it_was_when_it_was_opened_is_told():
    posted = Posted()
    noticing = Noticing(Notify(bell=True, severity="warning"), posted.messages.append)
    made = frames.frame()
    bad = next(alert for alert in made.alerts if alert.severity == "critical")
    mild = replace(bad, severity=Severity.WARNING)
    for alert in (mild, mild, mild, mild, bad):
        noticing.hear(replace(made, alerts=(alert,)))
    assert len(posted.texts) == 1
    noticing.stop()


def test_what_an_engine_that_answers_late_shows_first_is_no_news_but_one_that_never_does_holds_nothing_up():
    made = frames.frame()
    connecting = replace(made, alerts=(), sources=(SourceReport("docker", Status.NO_DATA, "connecting", 0.0),))
    for waits, told in ((10, 0), (100, len(made.alerts))):
        posted = Posted()
        noticing = Noticing(Notify(bell=True, severity="warning"), posted.messages.append)
        for frame in (*[connecting] * waits, made):
            noticing.hear(frame)
        assert len(posted.texts) == told
        noticing.stop()


def test_what_begins_again_within_its_pause_is_told_after_it():
    posted = Posted()
    noticing = Noticing(Notify(bell=True, severity="warning", resolved=True, pause=1.5), posted.messages.append)
    made = frames.frame()
    calm = replace(made, alerts=())
    for frame in (calm, calm, calm, calm, made, calm, made):
        noticing.hear(frame)
    told = len(posted.texts)
    until = time.monotonic() + 20
    while len(posted.texts) == told and time.monotonic() < until:
        time.sleep(0.05)
        noticing.hear(made)
    assert told == 2 * len(made.alerts), "the beginnings, and the ends"
    assert sorted(posted.texts[told:]) == sorted(posted.texts[: len(made.alerts)])
    noticing.stop()


def test_without_settings_nothing_is_heard():
    posted = Posted()
    noticing = Noticing(Notify(), posted.messages.append)
    for _ in range(5):
        noticing.hear(frames.frame())
    assert not posted.messages


def test_a_real_terminal_gets_the_bell_and_the_notice_and_the_command_runs(tmp_path: Path):
    machine, told = Machine(tmp_path), tmp_path / "told"
    argv = [sys.executable, "-c", f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"]
    flags = machine.flags(RULE + f"[notify]\nbell = true\nosc9 = true\ncommand = {json.dumps(argv)}\n")
    terminal = Terminal([sys.executable, "-m", "mcptop", *flags], {**os.environ, "TERM": "xterm-256color"}, tmp_path)
    try:
        assert terminal.wait_for(b"tick ")
        assert b"\x1b]9;" not in terminal.output
        assert load_is_told(terminal, machine)
        assert terminal.wait_for(b"\x1b]9;mcptop: critical: host: load_1m is 60, at least 50\x1b\\\x07"), "and rings"
        until = time.monotonic() + 20
        while not told.exists() and time.monotonic() < until:
            terminal.read(0.1)
        terminal.type(b"q")
        assert terminal.end() == 0
    finally:
        terminal.close()
    assert json.loads(told.read_text())["alert"]["rule"] == "load"


def load_is_told(terminal: Terminal, machine: Machine) -> bool:
    """What begins within the first frames is no news: then it has to end and begin again."""
    for _ in range(5):
        machine.load(60)
        if terminal.wait_for(b"\x1b]9;", 5):
            return True
        machine.load(1)
        terminal.read(3)
    return False
