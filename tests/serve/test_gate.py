"""Who may come in, and with what a visitor's dashboard is started."""

from __future__ import annotations

import pytest

from mcptop.cli.main import cli
from mcptop.serve import gate
from mcptop.serve.command import arguments


@pytest.mark.parametrize("host", ["127.0.0.1:8477", "localhost:8477", "LOCALHOST", "localhost:9000"])
def test_the_loopback_names_are_let_in_by_whatever_port_a_tunnel_has(host: str) -> None:
    assert gate.refusal(host, None) == ""
    assert gate.refusal(host, f"http://{host}", needs_origin=True) == ""


@pytest.mark.parametrize(
    "host",
    ["", "evil.example:8477", "127.0.0.1.evil.example", "[::1]:8477",  "localhost:84:77", "localhost:x",
     "0.0.0.0:8477", "localhost@evil.example", "localhost:\u0661"],
)  # fmt: skip
def test_no_other_name_is(host: str) -> None:
    assert gate.refusal(host, None) == "ask for 127.0.0.1 or localhost, not for another name"


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:80", "https://localhost:8477", "http://127.0.0.1:8477", ""],
)
def test_no_page_of_another_origin_is(origin: str) -> None:
    assert gate.refusal("localhost:8477", origin) == "asked for by a page of another origin"


def test_a_websocket_must_say_whose_it_is() -> None:
    assert gate.refusal("localhost:8477", None, needs_origin=True) == "no origin: not a browser"


@pytest.mark.parametrize("given", ["", "secre", "secret ", "SECRET", "\udcff"])
def test_only_the_token_is_the_token(given: str) -> None:
    assert gate.is_token("secret", "secret")
    assert not gate.is_token(given, "secret")


def test_the_given_options_are_passed_on() -> None:
    given = {
        "interval": 2.0,
        "docker_host": "tcp://a b:1",
        "api_only": True,
        "scrape": False,
        "probe": None,
        "theme": "light",
    }
    assert arguments(cli.params, given) == [
        "--interval", "2.0", "--host", "tcp://a b:1", "--api-only", "--no-scrape", "--theme", "light",
    ]  # fmt: skip
