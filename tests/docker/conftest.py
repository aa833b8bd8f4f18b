"""Fixtures for tests with real containers: an engine, an image, containers that go away, a running `--watch`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import base_image
import pytest
from containers import Container, Stack
from observer import Watch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/docker/" in item.path.as_posix():
            item.add_marker(pytest.mark.docker)


def _engine_answers() -> bool:
    try:
        return subprocess.run(["docker", "version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@pytest.fixture(scope="session")
def stack(require: Callable[[str, object, str], None]) -> Iterator[Stack]:
    """This run's containers."""
    require("docker", _engine_answers(), "no engine answers `docker version`")
    image = base_image.obtain()
    require("docker", image, "no image with python3: set MCPTOP_TEST_IMAGE, or install debootstrap and be root")
    stack = Stack(image or "")
    yield stack
    stack.remove_everything()


@pytest.fixture
def start(stack: Stack) -> Iterator[Callable[..., Container]]:
    """`start(service, program, *docker_run_options)`; the containers are gone after the test."""
    yield stack.start
    stack.remove_started()


@pytest.fixture(scope="session")
def watch(stack: Stack) -> Iterator[Watch]:
    """One `mcptop snapshot --watch --json` for the whole run, as it would run beside a real stack."""
    watch = Watch()
    yield watch
    status = watch.close()
    assert status == 0, watch.complaints
    assert "Traceback" not in watch.complaints
