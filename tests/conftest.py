"""What a test may need of the machine, and what happens where it is not there.

A missing program or server skips the tests that need it, with the reason. Names listed in `MCPTOP_REQUIRE`
(`docker,postgres,redis,prometheus`) may not be missing: there the same tests fail, so that a CI machine
cannot lose a whole class of tests without anybody noticing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KNOWN = frozenset({"docker", "postgres", "redis", "prometheus"})

TESTS = Path(__file__).parent
GROUPS = {
    "processes": ("demo/test_demo_", "prometheus/test_demo_"),
    "containers": ("docker/", "playbook/test_scoreboard.py"),
}
"""Of the files that start a stack; these take longest and are begun first."""
SPREAD = ("ui/",)
"""Files whose tests share nothing: each may run anywhere."""

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


def _group(name: str) -> str | None:
    """Of a file, by its path below the tests."""
    return next((group for group, files in GROUPS.items() if name.startswith(files)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    items.sort(key=lambda item: _group(item.path.relative_to(TESTS).as_posix()) is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Who may run beside whom: one stack of containers and one of processes at a time.

    The scoreboard's stack is taken for both, so it waits for the containers to be gone. Other files are kept whole,
    or each of their tests is on its own.
    """
    if config.getvalue("dist") != "load":
        return None  # somebody asked for another way, `--dist loadfile` say
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            name = nodeid.partition("::")[0].removeprefix("tests/")
            return _group(name) or (nodeid if name.startswith(SPREAD) else name)

    return ByGroup(config, log)


def pytest_report_header() -> str:
    return f"required here: {', '.join(sorted(_required())) or 'nothing; what is missing is skipped'}"
