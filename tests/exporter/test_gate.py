"""Who is answered, and what the exporter refuses to be."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import pytest

from mcptop.exporter.gate import Gate, is_loopback_name
from mcptop.exporter.plan import Plan, PlanError, plan

SECRET = "geheim-7431-geheim"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9477", "localhost:80", "LOCALHOST", "[::1]:9477", "[::1]", "127.8.9.1:1"]
)
def test_loopback_by_any_of_its_names(host: str) -> None:
    assert is_loopback_name(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:9477", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1:x",
     "127.0.0.1:9477:1", "192.168.0.7", "0.0.0.0", "user@127.0.0.1", "127.0.0.1:", "[::2]:1", "[", "]", ":"],
)  # fmt: skip
def test_no_other_name(host: str) -> None:
    assert not is_loopback_name(host)


def test_a_page_of_another_name_is_not_answered_even_with_the_token() -> None:
    gate = Gate(True, SECRET.encode())
    refused = gate.refusal("evil.example", f"Bearer {SECRET}")
    assert refused is not None
    assert refused.status is HTTPStatus.FORBIDDEN
    assert gate.refusal("localhost", f"Bearer {SECRET}") is None
    assert gate.refusal("localhost", f"bearer  {SECRET} ") is None
    assert Gate(False, SECRET.encode()).refusal("metrics.example:9477", f"Bearer {SECRET}") is None


@pytest.mark.parametrize("given", [None, "", "Bearer", f"Basic {SECRET}", f"Bearer {SECRET}x", "Bearer é", SECRET])
def test_without_the_token_nothing_is_told(given: str | None) -> None:
    refused = Gate(False, SECRET.encode()).refusal("any", given)
    assert refused is not None
    assert refused.status is HTTPStatus.UNAUTHORIZED


def test_the_token_does_not_show_itself() -> None:
    assert SECRET not in repr(Gate(False, SECRET.encode()))
    assert SECRET not in repr(Plan("127.0.0.1", 1, Gate(True, SECRET.encode())))


def make(
    listen: str, token: Path | None = None, cert: Path | None = None, key: Path | None = None,
    anybody: bool = False, **environment: str,
) -> Plan:  # fmt: skip
    return plan(listen, token, (cert, key), anybody, environment)


def test_beyond_this_machine_it_takes_a_token_or_the_readers_word(tmp_path: Path) -> None:
    for listen in ("0.0.0.0:9477", "[::]:9477"):
        with pytest.raises(PlanError, match="--token-file"):
            make(listen)
        assert "anybody" in (make(listen, anybody=True).warning or "")
        assert "unencrypted" in (make(listen, MCPTOP_EXPORTER_TOKEN=SECRET).warning or "")
    assert make("127.0.0.1:0").warning is None
    assert make("[::1]:9477").gate.is_loopback
    assert make("localhost:9477").gate.is_loopback


def test_the_token_is_the_files_before_the_variables(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    assert make("127.0.0.1:1", token=file, MCPTOP_EXPORTER_TOKEN="another").gate.token == SECRET.encode()
    assert make("127.0.0.1:1", MCPTOP_EXPORTER_TOKEN=SECRET).gate.token == SECRET.encode()
    assert make("127.0.0.1:1", MCPTOP_EXPORTER_TOKEN="").gate.token is None


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff\xfe", b"a\nb", b"x" * 5000])
def test_what_is_no_token_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(PlanError, match=r"--token-file .*expected one line") as caught:
        make("127.0.0.1:1", token=file)
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize("listen", ["", "9477", ":9477", "127.0.0.1", "127.0.0.1:70000", "127.0.0.1:x", "no such:1"])
def test_what_is_no_address_is_one_line(listen: str) -> None:
    with pytest.raises(PlanError, match="--listen") as caught:
        make(listen)
    assert "\n" not in str(caught.value)


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    nonsense = tmp_path / "cert.pem"
    nonsense.write_text("nonsense")
    for given in ({"token": tmp_path / "gone"}, {"cert": tmp_path / "gone"}, {"cert": nonsense}, {"key": nonsense}):
        with pytest.raises(PlanError, match=r"gone|cert\.pem|--tls-cert"):
            make("127.0.0.1:1", **given)
