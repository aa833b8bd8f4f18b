"""Notices: who is told of what, by real programs and a real web server; trouble is a line, and nothing is left."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mcptop import config
from mcptop.alert_settings import Notify, shown_address
from mcptop.alerts.transitions import Event, Transition, Transitions
from mcptop.config import ConfigError
from mcptop.model.alert import Alert
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind
from mcptop.notices.office import Office, office_of
from mcptop.notices.policy import Policy
from mcptop.notices.terminal import Spoken, desktop
from mcptop.notices.webhook import Webhook
from mcptop.server_settings import Secret
from tests.unit.alerting import NOON

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING
TOKEN = "T0ken-never-shown"


NOT_TOLD = "not told: critical: shop/api (api-1): its health check fails"


def alert(severity: Severity = CRITICAL, subject: str = "a", **more: Any) -> Alert:
    values = {
        "project": "shop", "kind": Kind.CONTAINER, "instance": "api-1", "playbook": "restarts", "subject": subject,
        "says": "its health check fails",
    }  # fmt: skip
    return Alert("unhealthy", "api", severity, NOON, **(values | more))


def begins(one: Alert | None = None) -> Transition:
    return Transition(Event.FIRING, NOON, one or alert())


def until(holds: Callable[[], object], seconds: float = 20.0) -> bool:
    limit = time.monotonic() + seconds
    while not holds() and time.monotonic() < limit:
        time.sleep(0.02)
    return bool(holds())


def test_what_changes_between_frames():
    seen, later = Transitions(), NOON + timedelta(seconds=90)
    bad, mild = alert(), alert(WARNING)
    assert [one.event for one in seen.see((mild,), NOON)] == ["firing"]
    assert seen.see((mild,), NOON) == []
    assert seen.see((replace(mild, says="otherwise"),), NOON) == []
    assert [(one.event, one.was, one.alert) for one in seen.see((bad,), NOON)] == [("changed", WARNING, bad)]
    (over, new) = sorted(seen.see((alert(subject="b"),), later), key=lambda one: one.event, reverse=True)
    assert (over.event, over.lasted_s, over.alert) == ("resolved", 90.0, bad)
    assert (new.event, new.alert.subject) == ("firing", "b")


def test_who_is_told_of_what():
    policy = Policy(CRITICAL, resolved=True, pause_s=60)
    changed = Transition(Event.CHANGED, NOON, alert(), WARNING)
    over = Transition(Event.RESOLVED, NOON, alert(), None, 5.0)
    assert not policy.wants(begins(alert(WARNING)), 0)
    assert not policy.wants(over, 1), "nobody heard that it began"
    assert policy.wants(changed, 2)
    assert policy.wants(over, 3)
    assert not policy.wants(begins(), 10), "within the pause"
    assert not policy.wants(over, 11), "nobody heard that it began again"
    assert policy.wants(begins(alert(subject="b")), 12), "another one"
    assert policy.wants(begins(), 70)
    assert not policy.wants(Transition(Event.CHANGED, NOON, alert(WARNING), CRITICAL), 200), "it got better"


def test_a_worse_one_is_told_within_the_pause():
    policy = Policy(WARNING, resolved=False, pause_s=60)
    assert policy.wants(begins(alert(WARNING)), 0)
    assert policy.wants(Transition(Event.CHANGED, NOON, alert(), WARNING), 1)
    assert not policy.wants(Transition(Event.RESOLVED, NOON, alert(), None, 5.0), 2), "ends are not asked for"


OVER = Transition(Event.RESOLVED, NOON, alert(), None, 5.0)


def test_what_began_again_within_the_pause_is_told_when_that_is_over():
    policy = Policy(WARNING, resolved=True, pause_s=300)
    assert policy.wants(begins(), 0)
    assert policy.wants(OVER, 105)
    assert not policy.wants(begins(), 150)
    assert policy.due(299) == set()
    assert policy.due(300) == {("unhealthy", "a")}
    assert policy.due(301) == set(), "once"
    assert policy.wants(OVER, 2000), "and its end is news again"


def test_what_is_over_before_the_pause_or_was_never_called_over_is_not_told_again():
    policy = Policy(CRITICAL, resolved=True, pause_s=300)
    assert policy.wants(begins(), 0)
    better = Transition(Event.CHANGED, NOON, alert(WARNING), CRITICAL)
    worse = Transition(Event.CHANGED, NOON, alert(), WARNING)
    assert [policy.wants(better, 10), policy.wants(worse, 20)] == [False, False]
    assert policy.due(1000) == set(), "the last word is that it fires"
    assert policy.wants(OVER, 1001)
    assert policy.wants(begins(), 1002)
    assert policy.wants(OVER, 1003)
    assert not policy.wants(begins(), 1004)
    assert not policy.wants(OVER, 1005)
    assert policy.due(2000) == set()
    assert policy.wants(begins(), 2000)
    assert policy.wants(OVER, 2001)
    assert not policy.wants(begins(), 2002)
    assert not policy.wants(better, 2003)
    assert policy.due(3000) == set(), "too mild by then"


def test_an_office_catches_up_with_the_alert_as_it_is_by_then():
    written: list[str] = []
    settings, seconds = notify(osc9=True), [0.0]
    policy = Policy(WARNING, resolved=True, pause_s=300)
    told = Office(policy, [], Spoken(settings, written.append), clock=lambda: seconds[0])
    for seconds[0], change in ((0.0, begins()), (105.0, OVER), (150.0, begins())):
        told.tell(change)
        told.catch_up([alert()], NOON)
    assert len(written) == 2
    seconds[0] = 301.0
    told.catch_up([alert(subject="b"), alert(says="its check fails still")], NOON)
    assert written[2:] == [desktop("mcptop: critical: shop/api (api-1): its check fails still")]


def notify(**more: Any) -> Notify:
    return Notify(**({"severity": "warning", "pause": 0.0} | more))


def command(*argv: str, **more: Any) -> Notify:
    return notify(command=argv, **more)


def python(script: str, *more: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script, *more)


def office(settings: Notify, environment: dict[str, str] | None = None):
    made = office_of(settings, environment=dict(os.environ) if environment is None else environment)
    assert made is not None
    return made


def test_a_command_gets_the_alert_on_stdin_and_in_variables(tmp_path: Path):
    script = "import os, sys, json; open(sys.argv[1], 'w').write(json.dumps([sys.stdin.read(), dict(os.environ)]))"
    out = tmp_path / "out"
    told = office(
        command(*python(script, str(out)), webhook_token_env="HOOK_TOKEN"), {**os.environ, "HOOK_TOKEN": TOKEN}
    )
    told.tell(begins(alert(says="a\x1b[2Jb")))
    assert told.close() == []
    given, environment = json.loads(out.read_text())
    found = json.loads(given)
    assert (found["schema"], found["event"], found["alert"]["rule"]) == ("mcptop.alert/1", "firing", "unhealthy")
    assert found["run"] == "mcptop diagnose restarts --service shop/api"
    assert (environment["MCPTOP_ALERT_SERVICE"], environment["MCPTOP_ALERT_RUN"]) == ("api", found["run"])
    assert environment["MCPTOP_ALERT_DO"] == found["alert"]["do"]
    assert environment["MCPTOP_ALERT_TEXT"] == "critical: shop/api (api-1): a [2Jb"
    assert "MCPTOP_SERVICE" not in environment, "or it would be one of that service's processes"
    assert TOKEN not in json.dumps(environment)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("no-such-program-anywhere",), "command no-such-program-anywhere: not found"),
        (("/etc/passwd",), "command /etc/passwd: cannot be started (Permission denied)"),
        (python("raise SystemExit(7)"), f"command {sys.executable}: ended with code 7"),
    ],
)
def test_trouble_of_a_command_is_a_line(argv: tuple[str, ...], says: str):
    told = office(command(*argv))
    told.tell(begins())
    assert told.close() == [f"{says}; {NOT_TOLD}"]


def test_a_command_that_hangs_is_killed_with_whatever_it_started(tmp_path: Path):
    pids = tmp_path / "pids"
    script = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "open(sys.argv[1] + '.new', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "os.rename(sys.argv[1] + '.new', sys.argv[1])\n"
        "time.sleep(600)\n"
    )
    told = office(command(*python(script, str(pids)), timeout=2.0))
    told.tell(begins())
    found: list[str] = []
    assert until(lambda: found.extend(told.complaints()) or found)
    assert found[0].startswith(f"command {sys.executable}: took longer than 2s, and was stopped; not told: critical: ")
    for pid in pids.read_text().split():
        assert until(lambda pid=pid: not is_running(int(pid))), "no zombie of ours, and no child of it"
    told.close()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    # Whose parent was killed is reaped by whoever is init here, or by nobody.
    return state[0] != "Z" or int(state[1]) == os.getpid()


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.got.append((self.path, dict(self.headers), body))
        answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
        if answer == "hang":
            server.let_go.wait(30)
            return
        code, headers = answer
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def hook() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    server.daemon_threads = True
    server.got, server.answers, server.let_go = [], [(200, {})], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/services/{TOKEN}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.let_go.set()
    server.shutdown()
    thread.join()
    server.server_close()


def webhook(url: str, **more: Any) -> Notify:
    return notify(webhook=Secret(url), **more)


def test_a_webhook_gets_the_alert_with_its_headers_and_token(hook: Any):
    settings = webhook(hook.url, webhook_headers={"X-Team": Secret("on-call")}, webhook_token_env="HOOK")
    told = office(settings, {"HOOK": TOKEN})
    told.tell(begins())
    assert told.close() == []
    ((path, headers, body),) = hook.got
    assert path == f"/services/{TOKEN}"
    assert (headers["Content-Type"], headers["X-Team"]) == ("application/json", "on-call")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(body)["text"] == "critical: shop/api (api-1): its health check fails"


def delivered(hook: Any, *answers: Any, timeout_s: float = 20.0) -> str | None:
    hook.answers = list(answers)
    found = Webhook(Secret(hook.url), {}, timeout_s).deliver(office_notice(), threading.Event())
    assert found is None or (TOKEN not in found and "\n" not in found)
    return found


def office_notice():
    from mcptop.notices.notice import notice_of

    return notice_of(begins())


def test_what_a_server_cannot_take_now_is_sent_again(hook: Any):
    assert delivered(hook, (500, {}), (200, {})) is None
    assert len(hook.got) == 2
    assert delivered(hook, (503, {}), (429, {"Retry-After": "1"}), (204, {})) is None
    assert len(hook.got) == 5


@pytest.mark.parametrize(
    ("answer", "says", "count"),
    [
        ((404, {}), "answers 404", 1),
        ((302, {"Location": "http://127.0.0.1:9/"}), "answers 302", 1),
        ((429, {"Retry-After": "120"}), "answers 429, and asks to wait 120s; given up after 3s at most", 1),
        ((503, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}), "answers 503, and asks to wait ", 1),
        ((500, {}), "answers 500; given up after 3s at most", 3),
    ],
)
def test_trouble_of_a_webhook_is_a_line_without_its_address(hook: Any, answer: Any, says: str, count: int):
    found = delivered(hook, answer, timeout_s=3.0)
    assert found is not None
    assert found.startswith(f"webhook http://127.0.0.1: {says}")
    assert len(hook.got) in (count, count - 1 if count > 1 else count), "half a second, then twice as long"


def test_a_server_that_hangs_or_is_not_there_holds_nobody_up(hook: Any):
    began = time.monotonic()
    assert delivered(hook, "hang", timeout_s=1.0) == "webhook http://127.0.0.1: no answer within 1s"
    nobody = Webhook(Secret(f"http://127.0.0.1:9/{TOKEN}"), {}, 1.0)
    found = nobody.deliver(office_notice(), threading.Event())
    assert found == "webhook http://127.0.0.1: no connection; given up after 1s at most"
    assert time.monotonic() - began < 15


def test_telling_never_waits_and_what_is_dropped_is_counted(hook: Any):
    hook.answers = ["hang"]
    told = office(webhook(hook.url, timeout=60.0))
    began = time.monotonic()
    for number in range(60):
        told.tell(begins(alert(subject=f"s{number}")))
    assert time.monotonic() - began < 2
    assert until(lambda: hook.got)
    (dropped,) = told.complaints()
    assert dropped.startswith("webhook http://127.0.0.1: ")
    assert dropped.endswith(" notices were not sent: too many wait for it")
    hook.let_go.set()
    hook.answers = [(200, {})]
    told.close()


def test_an_office_that_closes_does_not_wait_for_long(tmp_path: Path):
    told = office(command(*python("import time; time.sleep(600)"), timeout=300.0))
    for number in range(3):
        told.tell(begins(alert(subject=f"s{number}")))
    began = time.monotonic()
    found = told.close(0.5)
    assert time.monotonic() - began < 10
    assert found == [
        f"command {sys.executable}: was stopped before its end, as mcptop ended; {NOT_TOLD}",
        f"command {sys.executable}: 2 notices not sent any more",
    ]


def test_what_is_in_hand_when_an_office_closes_is_complained_of(hook: Any):
    hook.answers = ["hang"]
    told = office(webhook(hook.url, timeout=300.0))
    told.tell(begins())
    assert until(lambda: hook.got)
    began = time.monotonic()
    assert told.close(0.2) == [f"webhook http://127.0.0.1: no answer before mcptop ended; {NOT_TOLD}"]
    assert time.monotonic() - began < 10


class _Deaf:
    """A way to tell that never comes back by itself."""

    name = "deaf"

    def __init__(self) -> None:
        self.busy, self.let_go = threading.Event(), threading.Event()

    def deliver(self, notice: object, over: threading.Event) -> str | None:
        self.busy.set()
        self.let_go.wait(60)
        return None


def test_one_that_cannot_be_stopped_is_counted_as_not_sent():
    deaf = _Deaf()
    told = Office(Policy(WARNING, resolved=True, pause_s=0), [deaf])
    told.tell(begins())
    assert deaf.busy.wait(20)
    told.tell(begins(alert(subject="b")))
    assert told.close(0.1) == ["deaf: 2 notices not sent any more"]
    deaf.let_go.set()


def test_the_terminal_rings_and_shows_text_without_control_characters():
    written: list[str] = []
    both = notify(bell=True, osc9=True)
    told = office_of(both, Spoken(both, written.append))
    assert told is not None
    told.tell(begins(alert(says="a\x07b\x1b]52;c;eA==\x07\u202e")))
    sequence, bell = written
    assert bell == "\a"
    assert sequence.startswith("\x1b]9;mcptop: critical: shop/api (api-1): a b ]52;c;eA==")
    assert sequence.endswith("\x1b\\")
    assert sequence[4:-2].isprintable()
    assert len(desktop("x" * 5000)) < 300


def test_nobody_is_told_by_default():
    assert office_of(Notify()) is None
    assert office_of(Notify(bell=True)) is None, "without a terminal"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("severity = 'bad'", "notify.severity: expected warning or critical, got `bad`"),
        (f"webhook = 'ftp://host/{TOKEN}'", "notify.webhook: expected a URL that begins with https:// or http://"),
        (f"webhook = 'https://ho st/{TOKEN}'", "notify.webhook: expected a URL"),
        (f"webhook = 'https:///{TOKEN}'", "notify.webhook: expected a URL"),
        (f"webhook_headers = {{'a b' = '{TOKEN}'}}", "notify.webhook_headers: `a b` is no header"),
        (f"webhook_headers = {{a = '{TOKEN}\\u0000'}}".replace("'" + TOKEN, '"' + TOKEN).replace("0'}", '0"}'),
         "notify.webhook_headers: `a` is no header"),
        ("command = ['']", "notify.command: expected a program"),
        ("timeout = 0", "notify.timeout: expected"),
        ("ringing = true", "unknown key `ringing` (notify); known are: bell, osc9, command"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_settings_is_a_line_without_the_secret(text: str, says: str, tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text(f"[notify]\n{text}\n")
    with pytest.raises(ConfigError) as told:
        config.load(file, {}, {})
    assert says in str(told.value)
    assert TOKEN not in str(told.value)


def test_a_token_that_is_not_in_the_environment_is_told():
    with pytest.raises(ConfigError, match=r"^f\.toml: notify\.webhook_token_env: there is no variable `HOOK` in"):
        office_of(webhook("https://host/x", webhook_token_env="HOOK"), environment={}, file="f.toml")


def test_of_an_address_only_scheme_and_host_are_shown():
    url = f"https://me:{TOKEN}@hooks.example:8443/services/{TOKEN}?k={TOKEN}"
    assert shown_address(Secret(url)) == "https://hooks.example"
    assert TOKEN not in repr(webhook(url))
