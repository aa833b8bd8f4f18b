"""`mcptop recommend --from`: what is printed, the files it makes, and its exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import yaml
from click.testing import CliRunner
from msgspec import Struct
from msgspec.structs import replace

from mcptop.advice.observed import Kill, usage_of
from mcptop.advice.recommend import recommend
from mcptop.advice.sized import Advice
from mcptop.cli.main import cli
from mcptop.export import advised
from mcptop.headless.observing import Seen
from mcptop.headless.recommend import Form, tell
from mcptop.model.flow import Model
from mcptop.model.flow_reading import PoolReading, QueueReading
from mcptop.presentation import advice_document as document
from tests.unit.advising import MIB, Part, busy, level, observed, recording

HOSTILE = "evil\x1b[31m\n[red]x"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack with every kind of advice."""
    return recording(
        tmp_path_factory.mktemp("advice") / "day.rec",
        Part("mcp-worker", 1, cores=busy(0.2, 0.41), used=busy(700, 918), limit=1024, quota=1.0, kills=[2.03],
             pools=(PoolReading("db", kind="db", in_use=50, max=50),)),
        Part("mcp-worker", 2, cores=busy(0.2, 0.35), used=busy(600, 874), limit=1024, quota=1.0),
        Part("mcp-api", cores=busy(0.02, 0.4), used=level(300), limit=4096, quota=8.0),
        Part("model-runner", cores=level(1.0), used=level(3000), limit=4096, anon=0.2,
             models=(Model("llama3", 4000 * MIB), Model("qwen", 1000 * MIB))),
        Part("ui", cores=level(0.1), used=level(60), limit=256, quota=0.25, born=25.3),
        Part("fits", cores=level(0.3), used=level(400), limit=512, quota=0.5),
        Part("alone", cores=level(0.01), used=level(60), project=None),
        Part(HOSTILE, cores=level(0.01), used=level(60), limit=64),
    )  # fmt: skip


class Done(NamedTuple):
    """What a run left."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str | Path) -> Done:
    """In this process: a second of start-up less."""
    done = CliRunner().invoke(cli, ["recommend", *map(str, arguments)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return Done(int(done.return_value), done.stdout, done.stderr)


def run_program(*arguments: str | Path) -> Done:
    """As a program: with what it makes of an error."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MCPTOP_")}
    command = [sys.executable, "-m", "mcptop", "recommend", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean)
    return Done(done.returncode, done.stdout, done.stderr)


def test_the_report_says_window_rule_inputs_and_what_was_not_taken(day: Path) -> None:
    done = run("--from", day)
    assert done.returncode == 3
    for said in (
        "✖ mcp/mcp-worker   (2 containers, 26 h observed, 1 561 samples, coverage 100%)",
        "limit 1024 MiB   peak 918 MiB",
        "OOM kills 1 (01-30 14:02 UTC)",
        "-> raise limit to 1280 MiB   rule: max(peak 918 MiB x 1.15 = 1056 MiB, OOM 1024 MiB x 1.2 = 1229 MiB)",
        "confidence: medium (1.1 days)",
        "env: WORKER_MEMORY_LIMIT=1280m   (the guide's dev 512m, small 1g, large 2g)",
        "pool db: in use peak 50/50, at its ceiling 26 h",
        "mcp/ui   not enough data: 43 of 100 samples",
        "profile    the guide's between small and large (by WORKER_MEMORY_LIMIT 1280 MiB)",
    ):
        assert said in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "not enough was seen of ui: record some hours" in done.stderr


def test_of_the_services_there_are_those_of_a_project_are_named_first(day: Path) -> None:
    done = run_program("--from", day, "--service", "qqq")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mcptop: no service `qqq`; there are mcp/")


def test_days_are_of_a_prometheus(day: Path) -> None:
    done = run_program("--for", "30d")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mcptop: --for 30d is of a Prometheus (--prometheus URL); of this machine record ")


def test_who_asked_a_prometheus_is_not_sent_to_one(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Seen("prometheus web:9090", (), span=(0.0, 0.0), looks=1, is_of_server=True), Form.TEXT, None, False)
    printed = capsys.readouterr()
    assert "prometheus web:9090: 0 s, 1 look)" in printed.out
    assert printed.err.endswith(" of anything: ask again when that Prometheus has some hours of it\n")


def test_explain_shows_the_arithmetic(day: Path) -> None:
    plain, explained = (
        run("--from", day, "--service", "mcp/mcp-worker", *more).stdout for more in ((), ("--explain",))
    )
    assert "rounded up to 64 MiB: 1280 MiB" not in plain
    assert "rounded up to 64 MiB: 1280 MiB" in explained
    assert "not taken: KRR reserves the p95 alone" in explained


@pytest.mark.parametrize(("service", "status"), [("mcp-worker", 3), ("mcp-api", 4), ("fits", 0), ("ui", 5)])
def test_exit_codes(day: Path, service: str, status: int) -> None:
    assert run("--from", day, "--service", service).returncode == status


def test_one_document_whatever_happens(day: Path, tmp_path: Path) -> None:
    found: dict[str, Any] = json.loads(run("--from", day, "--json").stdout)
    assert found["schema"] == "mcptop.recommendations/1"
    by_name = {one["service"]: one for one in found["services"]}
    worker = by_name["mcp-worker"]
    assert (worker["status"], worker["oom_kills"], worker["confidence"]) == ("acute", 1, "medium")
    assert worker["memory"]["limit"]["wanted"] == 1280 * MIB
    assert by_name["ui"]["memory"]["reservation"]["wanted"] is None
    assert (found["profile"], found["looks"]) == ("large", 1561)
    for wrong in (
        ("--from", day, "--service", "nobody"),
        ("--from", tmp_path / "none"),
        ("--from", day, "--project", "x"),
    ):
        done = run_program("--json", *wrong)
        assert done.returncode == 2
        assert "error" in json.loads(done.stdout)


def test_the_env_file_has_the_guides_variables_and_nothing_that_is_not_advised(day: Path) -> None:
    text = run("--from", day, "--env").stdout
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == ["WORKER_MEMORY_LIMIT=1280m", "WORKER_CPU_LIMIT=0.5", "API_MEMORY_LIMIT=384m", "API_CPU_LIMIT=0.5",
                     "MODEL_MEMORY_LIMIT=5696m"]  # fmt: skip
    assert "# UI_MEMORY_LIMIT: not advised: not enough data: 43 of 100 samples" in text
    assert "# no variable of the guide; memory limit: raise to 128 MiB" in text


def test_the_override_is_read_by_compose(
    day: Path, tmp_path: Path, require: Callable[[str, object, str], None]
) -> None:
    require("docker", shutil.which("docker-compose"), "there is no docker-compose")
    done = run("--from", day, "--compose")
    services = yaml.safe_load(done.stdout)["services"]
    base = {
        "services": {name: {"image": "busybox"} for name in ("mcp-api", "mcp-worker", "model-runner", "fits", "ui")}
    }
    (tmp_path / "base.yml").write_text(yaml.safe_dump(base))
    (tmp_path / "made.yml").write_text(done.stdout)
    read = subprocess.run(["docker-compose", "-f", "base.yml", "-f", "made.yml", "config"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert read.returncode == 0, read.stderr
    worker = yaml.safe_load(read.stdout)["services"]["mcp-worker"]["deploy"]["resources"]
    assert worker["limits"]["memory"] in ("1280m", "1280M", str(1280 * MIB))
    assert float(worker["reservations"]["cpus"]) <= 1.0
    # Nothing of what too little was seen of, of what is in no project, and of what Compose would not call a service.
    assert set(services) == {"mcp-worker", "mcp-api", "model-runner", "fits"}
    assert "limits" not in services["fits"]["deploy"]["resources"]


def test_a_reservation_in_whole_units_is_not_above_a_limit_in_parts_of_them(tmp_path: Path) -> None:
    """A limit of 1000 MB is 953.67 MiB; two thirds of a core are 0.6667."""
    part = Part("api", cores=level(0.66), used=level(940), limit=1, quota=2 / 3, kills=[0.1])
    found = observed(part, hours=5)
    (replica,) = found.replicas
    tight = replace(replica, memory_limit=1e9, kills=(Kill(None, 5e8),), memory=usage_of([8e8] * 300))
    one = recommend(replace(found, replicas=(tight,)))
    assert (one.memory.advice, one.cpu.advice) == (Advice.KEEP, Advice.KEEP)
    made = yaml.safe_load(advised.compose([one]))["services"]["api"]["deploy"]["resources"]["reservations"]
    assert made == {"cpus": "0.666", "memory": "953m"}


def test_a_compose_file_is_of_one_project(tmp_path: Path) -> None:
    parts = [Part("web", project=name, cores=level(0.1), used=level(60), limit=64) for name in ("a", "b")]
    both = recording(tmp_path / "two.rec", *parts, hours=4)
    with pytest.raises(click.UsageError, match="give --project NAME"):
        run("--from", both, "--compose")
    assert yaml.safe_load(run("--from", both, "--compose", "--project", "a").stdout)["services"]["web"]
    env = run("--from", both, "--env", "--project", "b").stdout
    assert "b/web" in env
    assert "a/web" not in env


def test_the_budget_of_a_database_in_a_recording_holds_replicas_back(tmp_path: Path) -> None:
    pools = (PoolReading("db", kind="db", peer="postgres", in_use=5, max=20),)
    queues = (QueueReading("jobs", kind="queue", depth=200),)
    server = (
        PoolReading("connections", kind="server", in_use=9, max=50, max_source="max_connections 53 - 3 reserved"),
    )
    stack = recording(
        tmp_path / "stack.rec",
        *(Part("mcp-worker", n, cores=level(0.1), used=level(300), limit=512, quota=1.0, pools=pools, queues=queues)
          for n in (1, 2)),
        Part("postgres", cores=level(0.1), used=level(200), limit=512, pools=server), hours=4,
    )  # fmt: skip
    done = run("--from", stack, "--json", "--service", "mcp-worker")
    (worker,) = json.loads(done.stdout)["services"]
    assert (worker["autoscaler"]["now"], worker["autoscaler"]["would_be"]) == (2, 4)
    assert "postgres allows 50 connections" in worker["autoscaler"]["against"]
    assert "take 80: make the pools smaller first" in worker["autoscaler"]["against"]


@pytest.mark.parametrize("wrong", [("--json", "--env"), ("--env", "--explain"), ("--from", "x", "--for", "5s"),
                                   ("--for", "x"), ("--from", "x", "--prometheus", "http://h")])  # fmt: skip
def test_usage(wrong: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError):
        run(*wrong)


def test_a_short_look_at_this_machine_is_not_enough_and_says_what_is(tmp_path: Path) -> None:
    done = run_program("--for", "2s", "--host", f"unix://{tmp_path}/none.sock", "--json")
    assert done.returncode == 5
    assert json.loads(done.stdout)["looks"] >= 2
    assert "record some hours (`mcptop record FILE`)" in done.stderr


@pytest.mark.parametrize(
    "noun", [document.Document, document.Service, document.Resource, document.Part, document.Replicas]
)
def test_every_field_of_the_document_is_described(noun: type[Struct]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "advice.md").read_text()
    assert not [name for name in noun.__struct_fields__ if f"`{name}`" not in text]
