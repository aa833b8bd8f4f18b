"""`mcptop snapshot` as a program: forms of output, exit codes, pipes, signals, and an engine that is not there."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys

import programs
from observer import PATIENCE, Watch, environment, instance, look, snapshot


def test_one_look_is_one_document_with_rates(start):
    burner = start("burner", programs.BURN, "--cpus", "0.5", "--memory", "64m")
    frame = look()
    assert frame["schema"] == "mcptop.snapshot/1"
    assert frame["at"].endswith("Z")
    assert frame["host"]["cpus"] >= 1
    assert frame["host"]["memory_total_bytes"] > frame["host"]["memory_available_bytes"] > 0
    assert 0 <= frame["host"]["cpu_ratio"] <= 1
    assert {report["name"]: report["status"] for report in frame["sources"]}["docker"] == "ok"
    assert frame["self"]["rss_bytes"] > 0
    found = instance(frame, burner)
    assert found["cpu"]["cores"] > 0.1
    assert found["memory"]["limit_bytes"] == 64 << 20
    assert found["fds"]["open"] is not None
    assert found["sockets"]["established"] == 0


def test_only_the_service_asked_for(start, stack):
    start("wanted", programs.SLEEP)
    start("other", programs.SLEEP)
    for name in ("wanted", f"{stack.run}/wanted"):
        frame = look("--service", name)
        assert [(s["project"], s["name"]) for s in frame["services"]] == [(stack.run, "wanted")]


def test_an_unknown_service_is_wrong_usage_and_near_names_are_given(start):
    start("checkout", programs.SLEEP)
    done = snapshot("--service", "chekout")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "chekout" in done.stderr.splitlines()[0]
    assert "checkout" in done.stderr.splitlines()[0]
    done = snapshot("--json", "--service", "chekout")
    assert done.returncode == 2
    assert isinstance(json.loads(done.stdout), dict), "--json prints one document also on failure"


def test_csv_has_a_row_an_instance_and_a_column_a_figure(start, stack):
    holder = start("holder", programs.SLEEP, "--memory", "64m")
    done = snapshot("--csv")
    assert done.returncode == 0, done.stderr
    header, *lines = csv.reader(io.StringIO(done.stdout))
    assert all(len(line) == len(header) for line in lines)
    (row,) = [row for line in lines if (row := dict(zip(header, line, strict=True)))["id"] == holder.id]
    assert (row["project"], row["service"], row["kind"]) == (stack.run, "holder", "container")
    assert row["memory.limit_bytes"] == str(64 << 20)
    assert row["cpu.limit_cores"] == "", "unknown is empty, never 0"
    assert float(row["cpu.cores"]) < 0.5


def test_a_reader_that_has_seen_enough_is_no_error(start):
    start("any", programs.SLEEP)
    for words in ("--json", "--watch --json", "--csv", ""):
        # Endpoints of others on this machine may end while it looks, and it says so.
        script = f'"$0" -m mcptop snapshot --no-scrape {words} | head -n 1; exit "${{PIPESTATUS[0]}}"'
        done = subprocess.run(
            ["bash", "-c", script, sys.executable],
            capture_output=True,
            text=True,
            timeout=60 * PATIENCE,
            env=environment(),
        )
        assert done.stderr == ""
        assert done.returncode == 0
        assert len(done.stdout.splitlines()) == 1


def test_watch_ends_cleanly_on_either_signal(stack):
    for number in (signal.SIGTERM, signal.SIGINT):
        watch = Watch()
        try:
            watch.next()
            watch.process.send_signal(number)
            assert watch.process.wait(timeout=20 * PATIENCE) in (0, 128 + number)
        finally:
            watch.close()
        assert watch.complaints == ""


def test_without_an_engine_the_kernel_is_still_shown_and_the_gap_named(start):
    nameless = start("nameless", programs.HOLD_100_MIB)
    frame = look(DOCKER_HOST="unix:///nonexistent/docker.sock")
    report = {each["name"]: each for each in frame["sources"]}["docker"]
    assert report["status"] == "error"
    assert report["message"]
    assert any(s["kind"] == "process" for s in frame["services"])
    found = instance(frame, nameless)
    assert found["memory"]["usage_bytes"] > 0
    assert found["image"] is None
    assert found["restarts"] is None
    assert found["health"] is None


def test_one_look_that_asks_the_engine_only_has_rates_as_well(start):
    idle = start("idle", programs.SLEEP)
    frame = look("--api-only")
    assert frame["banner"]
    assert instance(frame, idle)["cpu"]["cores"] is not None
