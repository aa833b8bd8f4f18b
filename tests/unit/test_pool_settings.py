"""Pool settings among the environment: which names are read, and what they promise."""

from __future__ import annotations

import pytest

from mcptop.sources import pool_settings


def test_nothing_but_allowed_names_with_numbers_is_kept() -> None:
    environment = [
        "DB_POOL_SIZE=20", "DB_MAX_OVERFLOW=30", "DB_PASSWORD=12345", "DATABASE_URL=postgresql://u:secret@db/x",
        "REDIS_MAX_CONNECTIONS=9", "HTTP_POOL_MAXSIZE=secret", "MY_DB_POOL_SIZE=8", "WEB_CONCURRENCY=4", "TOKEN=99",
        "POOL_SIZE_SECRET=1", "API_KEY_MAX_CONNECTIONS", "DB_POOL_SIZE_X=3",
    ]  # fmt: skip
    assert dict(pool_settings.read(environment)) == {
        "DB_POOL_SIZE": 20, "DB_MAX_OVERFLOW": 30, "REDIS_MAX_CONNECTIONS": 9, "MY_DB_POOL_SIZE": 8,
        "WEB_CONCURRENCY": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "port", "expected"),
    [
        (["DB_POOL_SIZE=20", "DB_MAX_OVERFLOW=30"], 5432, (50, "DB_POOL_SIZE + DB_MAX_OVERFLOW")),
        (["DB_POOL_SIZE=20"], 5432, (20, "DB_POOL_SIZE")),
        (["DB_MAX_OVERFLOW=30"], 5432, None),
        (["DB_POOL_SIZE=20"], 6379, None),
        (["REDIS_MAX_CONNECTIONS=9"], 6379, (9, "REDIS_MAX_CONNECTIONS")),
        (["HTTP_POOL_CONNECTIONS=100", "HTTP_POOL_MAXSIZE=50"], 8000, (50, "HTTP_POOL_MAXSIZE")),
        ([], 5432, None),
    ],
)
def test_the_most_a_process_connects(entries: list[str], port: int, expected: tuple[int, str] | None) -> None:
    assert pool_settings.most(pool_settings.read(entries), port) == expected


def test_processes_of_a_replica() -> None:
    assert pool_settings.processes(pool_settings.read(["WEB_CONCURRENCY=4"])) == 4
    assert pool_settings.processes(()) == 1
