"""What CI promised the tests is there: each name in `MCPTOP_REQUIRE` is a program that runs."""

import shutil
import subprocess
from collections.abc import Callable
from glob import glob

import pytest


def _runs(*words: str) -> bool:
    try:
        return subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


# Debian keeps PostgreSQL's programs out of PATH, one folder a version.
_POSTGRES = [shutil.which("postgres"), *sorted(glob("/usr/lib/postgresql/*/bin/postgres"))]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("docker", ("docker", "version")),
        ("postgres", (next((path for path in _POSTGRES if path), "postgres"), "--version")),
        ("redis", ("redis-server", "--version")),
        ("prometheus", ("prometheus", "--version")),
    ],
)
def test_a_required_program_runs(
    require: Callable[[str, object, str], None], name: str, words: tuple[str, ...]
) -> None:
    require(name, _runs(*words), f"`{' '.join(words)}` does not run")
