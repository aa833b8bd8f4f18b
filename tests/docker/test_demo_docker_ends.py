"""`mcptop demo --docker` that cannot start, is interrupted, or is killed: one line, and nothing left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import base_image
import pytest
from containers import COMPOSE, docker
from docker_demo import DockerDemo, building, has_image, lacks, launch, left_over, settle, wheels
from observer import PATIENCE

from mcptop.demo import PROJECT
from mcptop.demo.containers.image import NAME


@pytest.fixture(scope="module")
def image(stack, require) -> Iterator[str]:
    """What the demo's image is built on. The built one goes with the last test, whoever kept it."""
    found = base_image.obtain()
    require("docker", not (reason := lacks()), reason or "")
    require("docker", wheels(found), "pip cannot download the demo's requirements")
    yield found
    if has_image():
        docker("image", "rm", NAME)


def refused(process: subprocess.Popen[str]) -> str:
    """The last line a demo said that would not start."""
    _, said = process.communicate(timeout=120 * PATIENCE)
    assert process.returncode == 2, said
    assert "Traceback" not in said
    first, *rest = said.splitlines()
    assert first == f"starting {PROJECT} ..."
    (line,) = rest
    return line


def gone() -> bool:
    return not left_over()


def test_a_taken_port(image):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        line = refused(launch(image, port=port))
    assert line == f"mcptop: port {port} on 127.0.0.1 is taken; end who holds it or use --port"
    assert gone()


def test_an_engine_elsewhere(image):
    line = refused(launch(image, DOCKER_HOST="tcp://192.0.2.1:2375"))
    assert "tcp://192.0.2.1:2375" in line
    assert "unset DOCKER_HOST" in line


def test_an_engine_that_does_not_answer(image):
    assert "start the engine" in refused(launch(image, DOCKER_HOST="unix:///nonexistent/docker.sock"))


def test_a_profile_with_more_cpus_than_there_are(image):
    cpus = int(docker("info", "--format", "{{.NCPU}}"))
    line = refused(launch(image, "--profile", "large", API_CPU_LIMIT=str(cpus + 1)))
    assert f"the engine has {cpus} CPUs: use --profile dev, or set " in line


def test_a_base_image_that_cannot_be_had(image):
    line = refused(launch(image, "--base-image", "mcptop.invalid/nothing:1"))
    assert "--base-image" in line
    assert not has_image()


def test_somebody_elses_project_is_not_touched(image):
    label = f"{COMPOSE}.project={PROJECT}"
    other = docker("run", "-d", "--label", label, image, "python3", "-c", "import time; time.sleep(1000)")
    try:
        assert "there already" in refused(launch(image))
        assert docker("inspect", "-f", "{{.State.Running}}", other) == "true"
    finally:
        docker("rm", "-f", other)


def test_ctrl_c_while_it_builds(image):
    process = launch(image)
    assert settle(building, 60)
    # Past the base image, into an instruction that takes a while.
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60 * PATIENCE)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert gone()
    assert not has_image()
    assert not docker("ps", "-aq", "--filter", "label=mcptop.demo.image")
    assert not docker("image", "ls", "-aq", "--filter", "label=mcptop.demo.image")


def test_what_a_killed_keeper_left_is_taken_down_by_the_next(image):
    demo = DockerDemo(image, "--keep-image")
    os.kill(demo.keeper, signal.SIGKILL)
    demo.process.kill()
    demo.process.communicate()
    assert left_over()
    with socket.create_server(("127.0.0.1", 0)) as held:
        assert "is taken" in refused(launch(image, port=held.getsockname()[1]))
    assert gone()
    assert not demo.folder.exists()
    assert has_image(), "it was asked for"


def test_a_killed_command_leaves_nothing(image):
    there_before = has_image()
    demo = DockerDemo(image)
    demo.process.kill()
    demo.process.communicate()
    assert settle(lambda: gone() and not demo.folder.exists(), 90)
    assert settle(lambda: not _exists(demo.keeper), 10)
    assert has_image() == there_before


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
