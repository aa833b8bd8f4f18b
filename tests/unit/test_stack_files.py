"""`mcptop export env|compose|swarm|hpa`: read by the programs they are for, and against the guide's values."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from mcptop.advice import profiles
from mcptop.cli.main import cli
from mcptop.demo import profiles as of_demo

GUIDE = ("mcp-api", "mcp-worker", "model-runner", "ui")
BASE = {"services": {name: {"image": "busybox"} for name in GUIDE}}
KUBERNETES = "1.31"


def exported(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["export", *arguments], standalone_mode=False)
    if done.exception:
        raise done.exception
    assert done.return_value == 0
    return done.output


Require = Callable[[str, object, str], None]


@pytest.fixture
def there(require: Require) -> Require:
    """The programs that read the files."""
    for name in ("docker-compose", "docker"):
        require("docker", shutil.which(name), f"there is no {name}")
    return require


def read(program: list[str], folder: Path, text: str, **environment: str) -> dict[str, Any]:
    """The whole stack, as the program understands it."""
    (folder / "base.yml").write_text(yaml.safe_dump(BASE))
    (folder / "made.yml").write_text(text)
    each = "-c" if program[0] == "docker" else "-f"
    action = [] if program[0] == "docker" else ["config"]
    command = [*program, each, "base.yml", each, "made.yml", *action]
    clean = {key: value for key, value in os.environ.items() if not key.endswith("_LIMIT")}
    done = subprocess.run(command, cwd=folder, env=clean | environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "obsolete" not in done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


COMPOSE, STACK = ["docker-compose"], ["docker", "stack", "config"]


def in_bytes(value: str | int) -> float:
    return float(value) if isinstance(value, int) or value.isdigit() else profiles.in_bytes(value.rstrip("iB"))


@pytest.mark.parametrize("program", [COMPOSE, STACK], ids=["compose", "stack"])
@pytest.mark.parametrize("kind", ["compose", "swarm"])
@pytest.mark.parametrize("profile", profiles.PROFILES)
@pytest.mark.usefixtures("there")
def test_limits_are_those_of_the_profile(program: list[str], kind: str, profile: str, tmp_path: Path) -> None:
    found = read(program, tmp_path, exported(kind, "--profile", profile))
    values = profiles.variables(profile)
    for name in GUIDE:
        resources = found["services"][name]["deploy"]["resources"]
        prefix = profiles.PREFIXES[name]
        limits, reserved = resources["limits"], resources["reservations"]
        assert in_bytes(limits["memory"]) == profiles.in_bytes(values[f"{prefix}_MEMORY_LIMIT"])
        assert float(limits["cpus"]) == float(values[f"{prefix}_CPU_LIMIT"])
        # The engine refuses a reservation above its limit.
        assert in_bytes(reserved["memory"]) <= in_bytes(limits["memory"])
        assert float(reserved["cpus"]) <= float(limits["cpus"])


@pytest.mark.parametrize("program", [COMPOSE, STACK], ids=["compose", "stack"])
@pytest.mark.usefixtures("there")
def test_variables_go_before_the_profile(program: list[str], tmp_path: Path) -> None:
    found = read(program, tmp_path, exported("compose"), API_MEMORY_LIMIT="1280m", API_CPU_LIMIT="1.5")
    limits = found["services"]["mcp-api"]["deploy"]["resources"]["limits"]
    assert (in_bytes(limits["memory"]), float(limits["cpus"])) == (1280 << 20, 1.5)


def test_the_env_file_is_the_guides_and_the_demos() -> None:
    """The guide's recommended configurations; the demo reads the same files."""
    small = exported("env", "--profile", "small")
    assert {"MODEL_MEMORY_LIMIT=8g", "API_CPU_LIMIT=1", "UI_MEMORY_LIMIT=512m", "UI_CPU_LIMIT=0.5"} <= set(
        small.split()
    )
    assert of_demo.variables("small") == dict(line.split("=") for line in small.splitlines() if "=" in line)


def test_the_swarm_file_says_that_swarm_does_not_autoscale() -> None:
    """Defect 23 of the guide: `version:` is obsolete, and Swarm does not scale by itself."""
    text = exported("swarm")
    assert "Swarm does not autoscale" in text
    found = yaml.safe_load(text)
    assert "version" not in found
    api = found["services"]["mcp-api"]["deploy"]
    assert (api["replicas"], api["update_config"]["failure_action"]) == (3, "rollback")
    assert api["restart_policy"] == {"condition": "on-failure", "delay": "5s", "max_attempts": 3}


@pytest.mark.usefixtures("there")
def test_beside_a_stack_file_with_a_version_the_swarm_file_needs_the_same_as_it_says(tmp_path: Path) -> None:
    own, made = tmp_path / "own.yml", tmp_path / "made.yml"
    own.write_text('version: "3.8"\n' + yaml.safe_dump(BASE))
    command = ["docker", "stack", "config", "-c", str(own), "-c", str(made)]
    text = exported("swarm")
    assert "put the same line here" in text
    for head, code in (("", 1), ('version: "3.8"\n', 0)):
        made.write_text(head + text)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [(), ("--service", "mcp-worker", "--min", "1", "--max", "4"), ("--queue-target", "50"),
     ("--service", "gateway", "--memory-target", "80")],
)  # fmt: skip
def test_the_autoscaler_is_valid_for_kubernetes(arguments: tuple[str, ...]) -> None:
    found = yaml.safe_load(exported("hpa", *arguments))
    kubernetes_validate.validate(found, KUBERNETES, strict=True)
    wrong = found | {"spec": found["spec"] | {"maxReplicas": "many"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_the_autoscaler_has_the_guides_behaviour_and_not_its_memory_target() -> None:
    """Defect 22 of the guide: memory of Python services never comes down, and utilisation needs requests."""
    text = exported("hpa")
    spec = yaml.safe_load(text)["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert [metric["resource"]["name"] for metric in spec["metrics"]] == ["cpu"]
    assert spec["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}
    up, down = spec["behavior"]["scaleUp"], spec["behavior"]["scaleDown"]
    assert (up["stabilizationWindowSeconds"], up["policies"]) == (
        60, [{"type": "Pods", "value": 2, "periodSeconds": 60}])  # fmt: skip
    assert (down["stabilizationWindowSeconds"], down["policies"]) == (
        300, [{"type": "Pods", "value": 1, "periodSeconds": 60}])  # fmt: skip
    assert "requests: {cpu: 500m, memory: 512Mi}" in text
    assert "it takes at least 4 min" in text


def test_the_patch_in_the_comment_is_one_that_a_deployment_takes() -> None:
    lines = exported("hpa").splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith("#     spec:"))
    end = next(at for at, line in enumerate(lines) if line.startswith("# Take `replicas`"))
    patch = yaml.safe_load("\n".join(line[6:] for line in lines[begin:end]))
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mcp-api"},
        "spec": {"selector": {"matchLabels": {"app": "a"}},
                 "template": {"metadata": {"labels": {"app": "a"}}, **patch["spec"]["template"]}},
    }  # fmt: skip
    kubernetes_validate.validate(deployment, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("hpa", "--memory-target", "80"), "not for mcp-api"), (("hpa", "--service", "A b"), "no name that Kubernetes"),
     (("hpa", "--min", "5", "--max", "2"), "min <= max"), (("hpa", "--queue-metric", "x"), "--queue-target")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(Exception, match=says):
        exported(*arguments)


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "stack.yml"
    exported("swarm", "-o", str(place))
    before = place.read_text()
    assert before == exported("swarm")
    with pytest.raises(Exception, match="is there already"):
        exported("env", "-o", str(place))
    assert place.read_text() == before


def test_of_a_file_that_does_not_fit_nothing_is_left(tmp_path: Path) -> None:
    place = tmp_path / "stack.yml"
    kept = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, kept[0][1]))
    try:
        with pytest.raises(Exception, match=r"stack\.yml: cannot be written: File too large"):
            exported("swarm", "-o", str(place))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept[0])
        signal.signal(signal.SIGXFSZ, kept[1])
    assert list(tmp_path.iterdir()) == []
