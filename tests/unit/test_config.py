"""Settings: where they come from, which wins, and what a mistake says."""

from pathlib import Path

import pytest

from mcptop.config import ConfigError, ServiceRule, load


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return file


def test_flags_go_before_the_environment_and_the_environment_before_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, 'interval = 2\ntheme = "light"\npath_procfs = "/a"\n')
    settings = load(
        file, {"MCPTOP_INTERVAL": "3", "MCPTOP_API_ONLY": "true", "MCPTOP_PATH_PROCFS": "/b"}, {"path_procfs": "/c"}
    )
    assert (settings.interval, settings.theme, settings.path_procfs, settings.api_only) == (3, "light", "/c", True)


def test_the_default_file_may_be_absent_but_a_named_one_may_not(tmp_path: Path) -> None:
    assert load(None, {"XDG_CONFIG_HOME": str(tmp_path)}, {}).interval == 1.0
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "missing.toml", {}, {})
    with pytest.raises(ConfigError, match="no such file"):
        load(None, {"MCPTOP_CONFIG": str(tmp_path / "missing.toml")}, {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("intervall = 1", "unknown key `intervall`"),
        ('interval = "fast"', "interval: expected `float`"),
        ("interval = 0", "interval: expected `float` >= 0.2"),
        ('theme = "pink"', "expected `dark` or `light`"),
        ("interval = ", "not valid TOML"),
        ('[[service]]\nname = "a"\nport = "x"', r"service\[0\].port"),
        ('[[service]]\nname = "a"\nporrt = 1', "unknown key `porrt`"),
        ('[[service]]\nname = "a"', "matches nothing"),
        ('[[service]]\nname = "a"\ncommand = "("', "not a regular expression"),
        ("[[service]]\nport = 1", r"service\[0\]: `name` is missing"),
        ('[alert]\nid = "x"', r"alert: expected a table in double brackets: \[\[alert\]\]"),
        ('[notify]\ncommand = "beep"', r"notify.command: expected a list such as "),
        ('keymap = "vim"', "keymap: no `vim`; there are: htop, k9s, lazydocker"),
        ('[keys]\n"dashboard.sort" = "f66"', "keys.dashboard.sort: `f66` is no key; nearest: f6"),
        ('[keys]\n"dashboard.sort" = 6', "keys.*: expected `str`, got `int`"),
        ("keys = 6", "keys: expected `object`, got `int`"),
    ],
)
def test_a_mistake_names_the_file_the_key_and_what_was_expected(tmp_path: Path, text: str, says: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=says) as caught:
        load(file, {}, {})
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value) or "theme" in text


def test_an_environment_mistake_names_the_variable() -> None:
    with pytest.raises(ConfigError, match="MCPTOP_INTERVAL: interval"):
        load(None, {"MCPTOP_INTERVAL": "fast"}, {})


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (ServiceRule(name="a", process="redis*"), True),
        (ServiceRule(name="a", process="nginx"), False),
        (ServiceRule(name="a", command=r"--port \d+"), True),
        (ServiceRule(name="a", port=6379), True),
        (ServiceRule(name="a", port=80), False),
        (ServiceRule(name="a", unit="redis"), True),
        (ServiceRule(name="a", process="redis*", port=80), False),
    ],
)
def test_a_rule_wants_all_its_patterns(rule: ServiceRule, matches: bool) -> None:
    found = rule.matches("redis-server", "/usr/bin/redis-server --port 6379", "redis", frozenset({6379}))
    assert found is matches


def test_keys_may_be_written_with_quotes_or_without(tmp_path: Path) -> None:
    file = write(tmp_path, '[keys]\n"dashboard.sort" = "f7"\napp.help = "h"\ntable.up = ""\n')
    assert load(file, {}, {}).keys == {"dashboard.sort": "f7", "app.help": "h", "table.up": ""}


@pytest.mark.parametrize("address", ["bogus", "unix://", "vm:port", "http//vm"])
def test_what_is_no_address_of_an_engine_is_a_mistake_of_the_settings(address: str):
    with pytest.raises(ConfigError, match=r"docker_host \(--host\): expected unix://, tcp:// or ssh://"):
        load(None, {}, {"docker_host": address})


@pytest.mark.parametrize("address", ["unix:///run/docker.sock", "tcp://10.0.0.7:2375", "ssh://me@web2", "web2:2375"])
def test_the_addresses_that_the_engines_package_takes(address: str):
    assert load(None, {}, {"docker_host": address}).engine == address
