"""The `[prometheus]` table, its variable and its flag; passwords of it are never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcptop.config import ConfigError, load
from mcptop.server_settings import PrometheusServer

FILE = """
[prometheus]
url = "https://reader:geheim@metrics.example:9090/prefix"
ca = "/etc/ca.pem"
match = 'env="prod"'
timeout = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration file with everything in it."""
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    return path


def revealed(server: PrometheusServer) -> str:
    """Its address, as it is."""
    assert server.url is not None
    return server.url.reveal()


def mistake(path: Path, text: str) -> str:
    """What is said of such a file."""
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, {}, {})
    return str(caught.value)


def test_the_table(file: Path) -> None:
    server = load(file, {}, {}).prometheus
    assert revealed(server) == "https://reader:geheim@metrics.example:9090/prefix"
    assert (server.ca, server.match, server.timeout, server.insecure) == ("/etc/ca.pem", 'env="prod"', 3.0, False)
    assert "geheim" not in repr(server)


def test_the_flag_goes_before_the_variable_and_both_before_the_file_whose_rest_stays(file: Path) -> None:
    environment = {"MCPTOP_PROMETHEUS": "http://by-variable:1"}
    by_variable = load(file, environment, {}).prometheus
    by_flag = load(file, environment, {"prometheus": "http://by-flag:2"}).prometheus
    assert (revealed(by_variable), revealed(by_flag)) == ("http://by-variable:1", "http://by-flag:2")
    assert by_flag.match == 'env="prod"'


def test_without_it_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    assert load(path, {}, {}).prometheus.url is None


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('url = "geheim"', "begins with http://"),
        ('url = "ftp://a:geheim@b"', "begins with http://"),
        ('url = "http://user:ge/heim@b"', "written as %2F"),
        ('url = "http://"', "names no host"),
        ('url = "http://a:geheim@b"\ntoken_file = "/t"', "either token_file or a user"),
        ('url = "http://b"\npassword_env = "GEHEIM"', "username too"),
        ('url = "http://b"\npassword = "geheim"', "unknown key `password`"),
    ],
)
def test_mistakes_name_the_key_and_no_value(tmp_path: Path, table: str, says: str) -> None:
    said = mistake(tmp_path / "config.toml", f"[prometheus]\n{table}\n")
    assert says in said
    assert "prometheus" in said
    assert "geheim" not in said
