"""What a test may need of the machine, and what happens where it is not there.

A missing program or server skips the tests that need it, with the reason. Names listed in `MCPTOP_REQUIRE`
(`docker,postgres,redis,prometheus`) may not be missing: there the same tests fail, so that a CI machine
cannot lose a whole class of tests without anybody noticing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

KNOWN = frozenset({"docker", "postgres", "redis", "prometheus"})

_STACKS = ("tests/docker/", "tests/demo/", "tests/playbook/test_scoreboard.py")

Require = Callable[[str, object, str], None]


def _required() -> frozenset[str]:
    return frozenset(name.strip() for name in os.environ.get("MCPTOP_REQUIRE", "").split(",") if name.strip())


def _require(name: str, ok: object, why: str) -> None:
    """Go on if `ok`; otherwise skip the test, or fail it where the machine promised to have `name`."""
    if name not in KNOWN:
        raise ValueError(f"`{name}` is not one of {', '.join(sorted(KNOWN))}")
    if ok:
        return
    if name in _required():
        pytest.fail(f"MCPTOP_REQUIRE names {name}, but {why}", pytrace=False)
    pytest.skip(f"{name}: {why}")


@pytest.fixture(scope="session")
def require() -> Require:
    """`require(name, ok, why)`: see `_require`."""
    return _require


def pytest_configure() -> None:
    if unknown := _required() - KNOWN:
        raise pytest.UsageError(f"MCPTOP_REQUIRE: `{', '.join(sorted(unknown))}` is not one of {sorted(KNOWN)}")


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Files run side by side, but a file on one worker, and all that start a whole stack on one and the same.

    An engine can hold one demo of containers only, and two demos of processes would take each other for replicas.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return "stack" if path.startswith(_STACKS) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """How tests are shared out among workers, with `--dist loadfile`."""
    return _ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_report_header() -> str:
    return f"required here: {', '.join(sorted(_required())) or 'nothing; what is missing is skipped'}"
