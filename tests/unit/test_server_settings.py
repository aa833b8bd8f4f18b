"""Which servers to ask: what a mistake says, where the server is, and that its password stays inside."""

from pathlib import Path

import msgspec
import pytest

from mcptop.config import ConfigError, load
from mcptop.server_settings import Address, PostgresServer, RedisServer, Secret

PASSWORD = "geheim-7431"


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[postgres]]\ntimeout = 1", r"postgres\[0\]: give it either dsn or container"),
        (f'[[redis]]\nurl = "redis://:{PASSWORD}@a"\ncontainer = "c"', r"redis\[0\]: give it either url or container"),
        (f'[[postgres]]\ndsn = "mysql://u:{PASSWORD}@h/db"', r"postgres\[0\]\.dsn: expected a URL"),
        (f'[[postgres]]\ndsn = "postgresql://u:{PASSWORD}/x@h/db"', r"postgres\[0\]\.dsn: .*%2F"),
        (f'[[postgres]]\ndsn = "postgresql://u:12/{PASSWORD}@h/db"', r"postgres\[0\]\.dsn: .*%2F"),
        (f'[[postgres]]\ndsn = "postgresql://u:12?{PASSWORD}@h/db"', r"postgres\[0\]\.dsn: .*%3F"),
        (f'[[redis]]\nurl = "redis://:12#{PASSWORD}@h"', r"redis\[0\]\.url: .*%23"),
        (
            f'[[postgres]]\ndsn = "host=h password={PASSWORD} x"',
            r"postgres\[0\]\.dsn: expected a URL .* or `key=value`",
        ),
        (f'[[postgres]]\ndsn = "host=h port=x password={PASSWORD}"', r"postgres\[0\]\.dsn: its port is not a number"),
        (f'[[redis]]\nurl = "{PASSWORD}"', r"redis\[0\]\.url: expected a URL that begins with redis://"),
        ("[[postgres]]\ndsn = 5", r"postgres\[0\]\.dsn: expected `str`"),
        (f'[[postgres]]\ndsnn = "{PASSWORD}"', "unknown key `dsnn`.*known are: .*dsn"),
        ('[[redis]]\ncontainer = "c"\nqueues = "jobs"', r"redis\[0\]\.queues: expected a list such as "),
        ('[[redis]]\ncontainer = "c"\ntimeout = 0', r"redis\[0\]\.timeout: expected `float` >= 0\.1"),
    ],
)
def test_a_mistake_names_file_and_key_and_shows_no_password(tmp_path: Path, text: str, says: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=says) as caught:
        load(file, {}, {})
    assert str(caught.value).startswith(str(file))
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dsn", "shown", "host"),
    [
        (f"postgresql://u:{PASSWORD}@db/x", "db:5432", "db"),
        (f"postgres://u:{PASSWORD}@[::1]:99/x?sslmode=disable", "[::1]:99", "::1"),
        (f"postgresql://db:7/x?user=u&password={PASSWORD}", "db:7", "db"),
        (f"postgresql://u:{PASSWORD}@a:1,b:2/x", "a:1", "a"),
        (f"postgresql://u:{PASSWORD}@/x", "its default address", None),
        (f"host = db port=7 user=u password='{PASSWORD}'", "db:7", "db"),
        (f"host=/run/postgresql password={PASSWORD}", "/run/postgresql", "/run/postgresql"),
        (f"dbname=x password={PASSWORD}", "its default address", None),
    ],
)
def test_where_a_postgres_is(dsn: str, shown: str, host: str | None) -> None:
    server = PostgresServer(dsn=Secret(dsn))
    assert server.mistake() is None
    address = server.address
    assert address is not None
    assert (str(address), address.host) == (shown, host)
    assert address.without_passwords(f"no: {PASSWORD}!") == "no: ***!"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"redis://:{PASSWORD}@cache/0", "cache:6379"),
        (f"rediss://u:{PASSWORD}@cache:7/0", "cache:7"),
        (f"redis://cache:7?password={PASSWORD}", "cache:7"),
        (f"redis://:{PASSWORD}@/0", "localhost:6379"),
        (f"unix://u:{PASSWORD}@/run/redis.sock?db=1", "/run/redis.sock"),
    ],
)
def test_where_a_redis_is(url: str, shown: str) -> None:
    address = RedisServer(url=Secret(url)).address
    assert address is not None
    assert str(address) == shown
    assert address.without_passwords(PASSWORD) == "***"


def test_a_password_with_odd_characters_is_known_in_both_its_forms() -> None:
    address = PostgresServer(dsn=Secret("postgresql://u:a%2Fb%40c@db/x")).address
    assert isinstance(address, Address)
    assert address.without_passwords("a%2Fb%40c a/b@c") == "*** ***"
    quoted = PostgresServer(dsn=Secret(r"host=db password='it\'s \\ x'")).address
    assert quoted is not None
    assert quoted.passwords == (r"it's \ x",)


def test_settings_show_no_password(tmp_path: Path) -> None:
    text = f'[[postgres]]\ndsn = "postgresql://u:{PASSWORD}@db/x"\n[[redis]]\nurl = "redis://:{PASSWORD}@cache"'
    settings = load(write(tmp_path, text), {}, {})
    assert settings.postgres[0].dsn is not None
    assert settings.postgres[0].dsn.reveal() == f"postgresql://u:{PASSWORD}@db/x"
    for each in (settings, settings.postgres[0].address, settings.redis[0].address):
        assert PASSWORD not in f"{each!r} {each}"
    with pytest.raises(TypeError):
        msgspec.json.encode(settings)
