"""The pure parts of closeups: what engines and the kernel answer, however odd, and sockets added up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from socket import AF_INET, AF_INET6
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop import secret_forms
from mcptop.closeup import facts, inspect_container, inspect_process, top
from mcptop.closeup.pace import Pace
from mcptop.closeup.socket_groups import grouped
from mcptop.model.closeup import Direction
from mcptop.secret_forms import MASK
from mcptop.sources.sock_diag import Ages, Row

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_a_rate_is_what_came_between_two_looks():
    pace: Pace[str] = Pace()
    assert pace.per_s("a", 10.0, 1.0) is None
    pace.turn()
    assert pace.per_s("a", 30.0, 5.0) == 5.0
    assert pace.per_s("new", 30.0, 5.0) is None
    pace.turn()
    # It went backwards: another one has its name now. What was not seen for a look is forgotten.
    assert pace.per_s("a", 3.0, 6.0) is None
    pace.turn()
    assert pace.per_s("new", 99.0, 7.0) is None


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("--password hunter2", f"--password {MASK}"), ("PASSWORD=a", f"PASSWORD={MASK}"),
        ("redis://u:pw9x@host/0", f"redis://u:{MASK}@host/0"), ("plain words", "plain words"),
        ("PASSWORD=${DB_PASSWORD}", "PASSWORD=${DB_PASSWORD}"), (f"PASSWORD={MASK}", f"PASSWORD={MASK}"),
        ("--password\0two words\0x", f"--password\0{MASK} words\0x"),
    ],
)  # fmt: skip
def test_secrets_are_masked_without_telling_how_long_they_are(text, masked):
    assert secret_forms.masked(text) == masked


@given(st.text(max_size=200))
def test_masking_again_changes_nothing(text):
    once = secret_forms.masked(text)
    assert secret_forms.masked(once) == once


@pytest.mark.parametrize(
    ("entry", "secret"),
    [
        ("DB_PASSWORD=x", True), ("API_KEY=x", True), ("URL=postgres://u:pw@h/d", True), ("MODE=prod", False),
        ("PATH=/usr/bin:/bin", False), ("OLDPWD=/root", False), ("PASSWORD_FILE=/run/secrets/db", False),
        ("TOKEN=", False),
        ("GITHUB=ghp_" + "a1B2" * 9, True), ("PASSPHRASE=two words", True),
    ],
)  # fmt: skip
def test_variables_that_are_secrets(entry, secret):
    (fact,) = facts.environment([entry], "api-1")
    assert (fact.variable, fact.secret) == (True, secret)


def test_an_environment_is_sorted_and_bounded():
    found = list(facts.environment([f"N{n:04}={'x' * 5000}" for n in reversed(range(600))], "api-1"))
    assert len(found) == 501
    assert (found[0].name, len(found[0].value)) == ("N0000", 2000)
    assert (found[-1].name, found[-1].variable) == ("…", False)


def test_the_limits_that_are_met_most_often():
    text = (
        b"Limit                     Soft Limit           Hard Limit           Units     \n"
        b"Max open files            1024                 524288               files     \n"
        b"Max processes             unlimited            unlimited            processes \n"
        b"Max realtime priority     0                    0                    \n"
    )
    found = [(fact.name, fact.value) for fact in inspect_process.limits(text, "x")]
    assert found == [("open files", "1024 files (hard limit 524288)"), ("processes", "unlimited processes")]


@given(st.binary(max_size=300) | st.just(b"Max open files"))
def test_any_limits_file_is_read(data):
    for fact in inspect_process.limits(data, "x"):
        assert fact.value.isprintable()


PARTS = ("State", "Config", "HostConfig", "NetworkSettings", "Mounts")
NAMES = ("Health", "Log", "RestartPolicy", "Ulimits", "Env", "Labels", "Cmd", "Entrypoint", "Ports", "Networks",
         "Memory", "MemorySwap", "NanoCpus", "CpuQuota", "PidsLimit", "CapAdd")  # fmt: skip


@given(st.dictionaries(st.sampled_from(PARTS), JSON | st.dictionaries(st.sampled_from(NAMES), JSON), max_size=5))
def test_any_answer_of_an_engine_becomes_harmless_facts(answer):
    for fact in inspect_container.facts(answer, "api-1"):
        assert fact.name.isprintable()
        assert fact.value.isprintable()
        assert len(fact.value) <= 2000


def answered(*rows: Sequence[Any]) -> list[Any]:
    return list(top.parse({"Titles": [], "Processes": rows}, "api-1", NOON))


def test_what_the_engines_ps_prints():
    (line,) = answered(["17", "1", "postgres", "Ssl", "2652", "4", "60", "/usr/bin/pg --password x1 -D /data"])
    assert (line.pid, line.parent, line.user, line.state, line.threads) == (17, 1, "postgres", "S", 4)
    assert (line.name, line.command) == ("pg", f"/usr/bin/pg --password {MASK} -D /data")
    assert (line.rss_bytes, line.started_at) == (2652 * 1024, datetime(2026, 1, 31, 11, 59, tzinfo=UTC))
    assert (line.key, line.cores) == (None, None)


@given(st.lists(st.lists(st.text(max_size=12) | st.integers(), min_size=6, max_size=9), max_size=4))
def test_any_list_of_processes_is_read(rows):
    for line in answered(*rows):
        assert (line.name + line.command + (line.user or "") + line.state).isprintable()


class Nobody:
    """An address book without a page."""

    def opened(self, address: str, port: int) -> str | None:
        return None

    def came_in(self, address: str, port: int) -> str | None:
        return None


def row(state: int, local: int, remote: int, address: bytes = b"\x0a\0\0\1", inode: int = 1, **more: Any) -> Row:
    known = {"receive_queue": 0, "send_queue": 0} | more
    return Row(AF_INET, state, local, remote, b"\0" * 4, address, inode=inode, **known)


def test_sockets_of_one_peer_and_state_are_one_group():
    found = grouped(
        [
            row(10, 80, 0, b"\0" * 4, receive_queue=3, send_queue=128),
            row(1, 80, 40001, receive_queue=5), row(1, 80, 40002, receive_queue=7, send_queue=2),
            row(1, 50001, 5432, ages=Ages(100, 5000, 100)), row(1, 50002, 5432, ages=Ages(5000, 100, 100)),
            row(8, 50003, 5432),
        ],
        None,
        Nobody(),
    )  # fmt: skip
    seen = [(k.direction, k.address, k.port, k.served, k.state, g.count, g.local_port) for k, g in found.items()]
    assert seen == [
        (Direction.LISTENS, "*", None, 80, "LISTEN", 1, 80),
        (Direction.CAME_IN, "10.0.0.1", None, 80, "ESTABLISHED", 2, 80),
        (Direction.OPENED, "10.0.0.1", 5432, None, "ESTABLISHED", 2, None),
        (Direction.OPENED, "10.0.0.1", 5432, None, "CLOSE_WAIT", 1, 50003),
    ]
    listener, came, opened, _ = found.values()
    assert (listener.unread, listener.unsent) == (3, 128)
    assert (came.unread, came.unsent, came.busy) == (12, 2, None)
    assert (opened.busy, opened.oldest_s) == (1, 0.1)


def test_the_sockets_of_others_and_of_the_resolver_are_left_out():
    resolver = Row(AF_INET, 10, 53, 0, b"\x7f\0\0\x0b" + bytes(12), bytes(16), 0, 128, 9)
    found = grouped([resolver, row(1, 1, 2, inode=1), row(1, 3, 2, inode=2)], {2, 9}, Nobody())
    assert [group.count for group in found.values()] == [1]


def test_what_comes_in_over_ipv6_from_ipv4_is_ipv4():
    mapped = bytes(10) + b"\xff\xff\x0a\0\0\1"
    (key,) = grouped([Row(AF_INET6, 1, 9, 10, bytes(16), mapped, 0, None, 1)], None, Nobody())
    assert key.address == "10.0.0.1"
