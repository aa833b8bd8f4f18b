"""`netstat`, `ss` and `proc-net`: three ways to the same facts, on real sockets and on recorded output."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps import netstat, ss
from mcptop.playbook.steps.base import Seconds, StepFailure
from mcptop.playbook.steps.catalogue import KINDS as STEPS
from mcptop.playbook.steps.connections import NetLook, Socket, endpoint, values
from mcptop.playbook.steps.two_looks import Options
from mcptop.sources.network_look import counters
from tests.playbook.step_world import READY, as_nobody, context, looked, needs_root, process, read, running

# By netlink it needs no program; the others are skipped where theirs is missing.
KINDS = [
    pytest.param(kind, marks=pytest.mark.skipif(shutil.which(kind) is None, reason=f"there is no {kind}"))
    if kind != "proc-net"
    else kind
    for kind in ("netstat", "ss", "proc-net")
]
EACH = pytest.mark.parametrize("kind", KINDS)

# To the server named: three connections in use, two that it closed, twenty that were closed here. A listener of its own
# for two, with five that want in; the kernel takes one more than was said.
CLIENT = (
    """
import socket, sys, time
server = ("127.0.0.1", int(sys.argv[1]))
def ask(letter):
    client = socket.create_connection(server)
    client.sendall(letter)
    return client
held = [ask(b"k") for _ in range(3)]
closed = [ask(b"c") for _ in range(2)]
for each in closed:
    assert each.recv(1) == b""
for _ in range(20):
    ask(b"t").close()
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(2)
wanting = [socket.socket() for _ in range(5)]
for each in wanting:
    each.setblocking(False)
    each.connect_ex(listener.getsockname())
print(listener.getsockname()[1], file=sys.stderr, flush=True)
"""
    + READY
)
# Both ends in one process, in a network namespace of its own; another connection each time it gets a line.
ALONE = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
held = []
while True:
    client = socket.create_connection(listener.getsockname())
    held += [client, listener.accept()[0]]
    print("ready", flush=True)
    input()
"""
NAMESPACE = ("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


@contextmanager
def serving() -> Iterator[int]:
    """A server that keeps connections (`k`), closes them at once (`c`) or after the client (`t`); its port."""
    kept: list[socket.socket] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            letter = connection.recv(1)
            if letter == b"k":
                kept.append(connection)
                continue
            if letter == b"t":
                connection.recv(1)
            connection.close()

    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in kept:
                each.close()


@EACH
def test_what_a_process_has_among_the_sockets_of_the_host(kind: str) -> None:
    with serving() as port, running(CLIENT, str(port), stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        own_port = int(child.stderr.readline())
        found, raw = looked(kind, process(child.pid), over=0.3)
    assert found["shared"]
    assert found["peer"] == f"127.0.0.1:{port}"
    assert (found["peer_established"], found["peer_close_wait"]) == (3, 2)
    assert found["close_wait"] == 2
    # Those that were closed here belong to nobody any more; that they led to the same server tells whose they were.
    assert found["peer_time_wait"] >= 20
    assert found["time_wait"] >= 20
    assert found["time_wait_ratio"] >= 20 / 65536
    assert (found["listen"], found["accept"]["port"], found["accept"]["depth"]) == (1, own_port, 3)
    assert found["syn_sent"] == 2
    known = kind != "netstat"
    assert (found["accept"]["backlog"], found["accept"]["full"]) == ((2, True) if known else (None, None))
    assert (found["established_growth"], found["close_wait_growth"], found["time_wait_growth"]) == (0, 0, 0)
    assert found["new_per_s"] == 0
    assert all(output.provenance.started_at for output in raw)


@needs_root
@EACH
def test_all_of_a_namespace_of_its_own_with_what_the_kernel_counts_there(kind: str) -> None:
    with running(ALONE, before=NAMESPACE) as child:
        assert child.stdin is not None
        timer = threading.Timer(0.2, lambda: (child.stdin.write(b"\n"), child.stdin.flush()))  # type: ignore[union-attr]
        timer.start()
        found, raw = looked(kind, process(child.pid), over=0.8)
        timer.join()
    assert not found["shared"]
    assert (found["established"], found["established_growth"], found["listen"]) == (4, 2, 1)
    # The kernel counts this namespace's own: one connection and its two SYNs, and nothing of the busy host.
    assert found["opened_per_s"] == pytest.approx(1 / found["seconds"], rel=1e-3)
    assert found["new_per_s"] == found["opened_per_s"]
    assert (found["failed_per_s"], found["overflows"], found["retransmit_ratio"]) == (0, 0, 0)
    # A new namespace begins with the kernel's own range.
    assert '"32768\\t60999"' in raw[0].data.decode()
    assert raw[1].provenance.namespace == f"net of pid {child.pid}"


@needs_root
def test_connections_too_short_for_both_looks_still_tell_their_peer() -> None:
    program = (
        "import socket, sys, time\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as client:\n"
        "        client.sendall(b't')\n"
        "        time.sleep(0.05)\n"
    )
    with serving() as port, running(program, str(port)) as child:
        found, _ = looked("proc-net", process(child.pid), over=1.0)
    assert found["peer"] == f"127.0.0.1:{port}"
    assert found["time_wait_growth"] > 2
    assert found["new_per_s"] > 2


@EACH
def test_of_a_worker_that_was_replaced_meanwhile_another_is_asked(kind: str) -> None:
    with serving() as port, running(CLIENT, str(port), stderr=subprocess.DEVNULL) as living, running(READY) as replaced:
        threading.Timer(0.2, replaced.kill).start()
        found, _ = looked(kind, process(replaced.pid, living.pid), over=1.0)
    assert (found["peer"], found["peer_established"]) == (f"127.0.0.1:{port}", 3)


@EACH
def test_a_target_that_has_ended_is_gone(kind: str) -> None:
    with running(READY) as child:
        pass
    with pytest.raises(StepFailure) as failure:
        looked(kind, process(child.pid), over=0.0)
    assert failure.value.status is StepStatus.TARGET_GONE


@needs_root
@pytest.mark.parametrize("kind", ["netstat", "ss"])
def test_a_namespace_that_may_not_be_entered_is_said(kind: str) -> None:
    """As another user, who sees the process but not into it."""
    with running(READY, before=NAMESPACE) as child:
        assert re.match(r"permission_denied .*run as root", as_nobody(kind, child.pid, over=0.0))


LOOK = NetLook(0.0, True, frozenset({11, 12, 13}), frozenset(), "", "", "32768 60999")
SS_HEAD = "State     Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n"
SS = (
    SS_HEAD
    + 'LISTEN    9      8            0.0.0.0:8000       0.0.0.0:*     users:(("app",pid=7,fd=3)) ino:11 sk:1 <->\n'
    "\t skmem:(r0,rb131072)\n"
    "CLOSE-WAIT 1     0       [::ffff:10.0.0.2]:41000 [::ffff:10.0.0.9]:5432 ino:12 sk:2 -->\n"
    "ESTAB     0      36       10.0.0.2%eth0:41001   10.0.0.9:5432  timer:(on,200ms,0) ino:13 sk:3 <->\n"
    "ESTAB     0      0            10.0.0.2:41002       10.0.0.7:80  ino:99 sk:4 <->\n"
    "TIME-WAIT 0      0            10.0.0.2:41003       10.0.0.9:5432  timer:(timewait,59sec,0)\n"
    "TIME-WAIT 0      0            10.0.0.2:41004       10.0.0.7:80  timer:(timewait,59sec,0)\n"
)
NETSTAT = (
    "Active Internet connections (servers and established)\n"
    "Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Name\n"
    "tcp        9      0 0.0.0.0:8000            0.0.0.0:*               LISTEN      0          11         7/app\n"
    "tcp6       1      0 ::ffff:10.0.0.2:41000   ::ffff:10.0.0.9:5432    CLOSE_WAIT  0          12         7/app\n"
    "tcp        0     36 10.0.0.2:41001          10.0.0.9:5432           ESTABLISHED 0          13         7/my app\n"
    "tcp        0      0 10.0.0.2:41002          10.0.0.7:80             ESTABLISHED 0          99         -\n"
    "tcp        0      0 10.0.0.2:41003          10.0.0.9:5432           TIME_WAIT   0          0          -\n"
    "tcp        0      0 10.0.0.2:41004          10.0.0.7:80             TIME_WAIT   0          0          -\n"
)


def recorded(kind: str, text: str, look: NetLook = LOOK) -> dict[str, Any]:
    data = msgspec.json.encode(look)
    return read(kind, ("net-1.json", data), ("1.txt", text.encode()), ("net-2.json", data), ("2.txt", text.encode()))


@pytest.mark.parametrize(("kind", "text", "full"), [("ss", SS, True), ("netstat", NETSTAT, None)])
def test_recorded_output_with_columns_and_lines_nobody_asked_for(kind: str, text: str, full: bool | None) -> None:
    found = recorded(kind, text)
    assert (found["established"], found["close_wait"], found["time_wait"], found["listen"]) == (1, 1, 1, 1)
    assert (found["peer"], found["peer_close_wait"], found["peer_time_wait"]) == ("10.0.0.9:5432", 1, 1)
    assert (found["accept"]["port"], found["accept"]["depth"], found["accept"]["full"]) == (8000, 9, full)
    assert found["time_wait_ratio"] == round(1 / 28232, 10)
    # The kernel's files were not there: nothing is known of what they count.
    assert (found["overflows"], found["opened_per_s"], found["retransmit_ratio"]) == (None, None, None)


def test_a_column_in_front_of_the_state_is_passed_over() -> None:
    lines = [line for line in SS.splitlines() if not line.startswith("\t")]
    text = "\n".join(f"{'Netid' if line.startswith('State') else 'tcp':8}{line}" for line in lines)
    assert msgspec.json.encode(ss.parse(text.encode())) == msgspec.json.encode(ss.parse(SS.encode()))


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (netstat.parse, NETSTAT.replace("ESTABLISHED", "VERBUNDEN")),
        (netstat.parse, NETSTAT[: NETSTAT.index("CLOSE_WAIT") + 3]),
        (netstat.parse, "netstat: command mistaken\n"),
        (netstat.parse, ""),
        (ss.parse, SS.replace("ESTAB ", "VERB. ")),
        (ss.parse, SS[: SS.index("[::ffff:10.0.0.9]") + 8]),
        (ss.parse, ""),
    ],
)
def test_output_that_breaks_off_or_speaks_another_language_is_no_evidence(parse: Any, text: str) -> None:
    with pytest.raises(StepFailure) as failure:
        parse(text.encode())
    assert failure.value.status is StepStatus.PARSE_ERROR


def test_no_sockets_are_no_failure() -> None:
    head = NETSTAT[: NETSTAT.index("tcp ")]
    found = recorded("netstat", head)
    assert (found["established"], found["listen"], found["peer"]) == (0, 0, None)
    assert found["accept"] == {"port": None, "depth": 0, "backlog": None, "full": False}


def test_the_kernels_counters_by_the_whole_name_of_their_protocol() -> None:
    text = (
        "MPTcpExt: MPCapableSYNRX ListenOverflows\nMPTcpExt: 5 7\n"
        "TcpExt: SyncookiesSent ListenOverflows New\nTcpExt: 0 63\n"
    )
    assert counters(text, "TcpExt") == {"SyncookiesSent": 0, "ListenOverflows": 63}
    assert counters("Tcp: A B\n", "Tcp") == {}


def test_what_is_counted_between_the_looks() -> None:
    def look(at: float, opened: int, sent: int, again: int, overflows: int) -> NetLook:
        snmp = f"Tcp: ActiveOpens AttemptFails OutSegs RetransSegs\nTcp: {opened} 5 {sent} {again}\n"
        return NetLook(at, False, frozenset(), frozenset(), snmp, f"TcpExt: ListenOverflows\nTcpExt: {overflows}\n", "")

    found = values((look(0.0, 10, 100, 1, 4), []), (look(4.0, 50, 300, 11, 67), []))
    assert (found["opened_per_s"], found["failed_per_s"], found["retransmit_ratio"]) == (10, 0, 0.05)
    assert (found["overflows"], found["segments_per_s"], found["time_wait_ratio"]) == (63, 50, None)


def test_what_comes_in_is_told_by_its_address_and_what_goes_out_counts_first() -> None:
    listens = Socket(10, "0.0.0.0", 80, "0.0.0.0", 0, 1, 0, 128)
    came = [Socket(1, "10.0.0.1", 80, "10.0.0.8", port, 2, 0) for port in range(50000, 50020)]
    goes = Socket(1, "10.0.0.1", 40000, "10.0.0.5", 5432, 3, 0)
    look = NetLook(0.0, False, frozenset(), frozenset(), "", "", "")
    found = values((look, [listens, *came, goes]), (look, [listens, *came, goes]))
    assert (found["peer"], found["peer_established"]) == ("10.0.0.5:5432", 1)
    waits = [msgspec.structs.replace(each, state=8) for each in came]
    found = values((look, [listens, *came, goes]), (look, [listens, *waits, goes]))
    assert (found["peer"], found["peer_close_wait"], found["close_wait_growth"]) == ("10.0.0.8", 20, 20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("[::1]:80", ("::1", 80)),
        (":::80", ("::", 80)),
        ("::1:80", ("::1", 80)),
        ("*:*", ("0.0.0.0", 0)),
        ("[::ffff:10.0.0.1]:5432", ("10.0.0.1", 5432)),
        ("[fe80::1]%eth0:123", ("fe80::1", 123)),
        ("127.0.0.53%lo:53", ("127.0.0.53", 53)),
    ],
)
def test_addresses_as_each_program_writes_them(text: str, expected: tuple[str, int]) -> None:
    assert endpoint(text) == expected


def test_a_cancelled_diagnosis_does_not_wait() -> None:
    with running(READY) as child:
        given = context(process(child.pid))
        given.cancelled.set()
        began = time.monotonic()
        assert len(STEPS["proc-net"].collect(given, Options(over=Seconds(60)))) == 4
    assert time.monotonic() - began < 30
