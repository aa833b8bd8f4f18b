"""The profilers that run a script anew: the standard library's for real, the others where they are installed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps import catalogue
from mcptop.playbook.steps.base import StepFailure, options_of
from tests.playbook.step_world import context, looked, process, read

KINDS = ("cprofile", "memory-profiler", "memray")
ME = process(1)


def installed(module: str) -> Any:
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"{module} is not installed")


COMPUTES = """
import sys, time

def inner(count):
    return sum(i * i for i in range(count))

def work():
    print("x" * 1000)
    for _ in range(20):
        inner(int(sys.argv[1]))

def forever():
    while True:
        time.sleep(0.01)

work()
if "forever" in sys.argv:
    forever()
"""
GROWS = """
import sys, time
kept = []

def keep(count):
    for _ in range(count):
        kept.append(bytearray(1_000_000))
        time.sleep(0.02)

keep(int(sys.argv[1]))
"""


@pytest.fixture
def script(tmp_path: Path) -> Any:
    def write(text: str) -> str:
        (tmp_path / "script.py").write_text(text)
        return str(tmp_path / "script.py")

    return write


def test_the_functions_of_a_script(script: Any) -> None:
    found, raw = looked("cprofile", ME, script=script(COMPUTES), args=["300000"])
    assert found["top"]["function"] == "<genexpr>"
    assert found["top"]["own_share"] > 0.3
    assert (found["caller"]["function"], found["caller"]["calls"]) == ("work", 1)
    assert Path(found["caller"]["file"]).name == "script.py"
    assert found["caller"]["line"] == 7
    assert 0 < len(found["functions"]) <= 10
    assert "cProfile" in raw[0].provenance.argv


def test_one_that_would_not_end_is_ended_and_its_profile_kept(script: Any) -> None:
    found, _ = looked("cprofile", ME, script=script(COMPUTES), args=["10", "forever"], **{"for": "500ms"})
    assert found["caller"]["function"] in ("forever", "work")
    assert any(each["function"] == "<built-in method time.sleep>" for each in found["functions"])
    assert found["seconds"] < 60


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_script_there_is_nothing_to_run(kind: str, tmp_path: Path) -> None:
    for options in ({}, {"script": str(tmp_path / "none.py")}):
        with pytest.raises(StepFailure) as failure:
            looked(kind, ME, **options)
        assert failure.value.status is StepStatus.NO_DATA


@pytest.mark.parametrize(("kind", "module"), [("memory-profiler", "memory_profiler"), ("memray", "memray")])
def test_a_profiler_that_is_not_there_is_named_with_the_command_that_brings_it(
    kind: str, module: str, script: Any, tmp_path: Path
) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(StepFailure, match=rf"there is no {module} .*mcptop\[profilers\]") as failure:
        looked(kind, ME, script=script(GROWS), args=["1"], python=str(bare))
    assert failure.value.status is StepStatus.TOOL_MISSING


def test_a_script_that_fails_tells_what_it_did_and_how_it_ended(script: Any) -> None:
    found, _ = looked("cprofile", ME, script=script(COMPUTES + "\nraise RuntimeError('at the end')"), args=["10"])
    assert found["calls"] > 20
    assert (found["exit_code"], found["error"]) == (1, "RuntimeError: at the end")
    ended, _ = looked("cprofile", ME, script=script("raise SystemExit"))
    assert (ended["exit_code"], ended["error"]) == (0, None)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("memray", marks=installed("memray")),
        pytest.param("memory-profiler", marks=installed("memory_profiler")),
    ],
)
def test_so_do_the_others(kind: str, script: Any) -> None:
    found, _ = looked(kind, ME, script=script(GROWS + "\nraise RuntimeError('at the end')"), args=["20"])
    assert (found["exit_code"], found["error"]) == (1, "RuntimeError: at the end")


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("memray", marks=installed("memray")),
        pytest.param("memory-profiler", marks=installed("memory_profiler")),
    ],
)
def test_and_one_that_would_not_end_keeps_its_profile(kind: str, script: Any) -> None:
    found, _ = looked(kind, ME, script=script(GROWS), args=["100000"], **{"for": "1s"})
    assert found["exit_code"] == 0
    assert found["peak_bytes"] > 10_000_000
    assert found["seconds"] < 60


@installed("memory_profiler")
def test_the_memory_of_a_script_over_time(script: Any) -> None:
    found, _ = looked("memory-profiler", ME, script=script(GROWS), args=["50"])
    assert found["peak_bytes"] > 50_000_000
    assert 15_000_000 < found["growth_bytes"] < 60_000_000
    assert found["slope_per_s"] > 1_000_000
    assert found["top"]["line"] is None
    assert found["series"]["memory"]["values"]


@installed("memory_profiler")
def test_its_memory_line_by_line(script: Any) -> None:
    found, _ = looked(
        "memory-profiler", ME, script=script(GROWS.replace("def keep", "@profile\ndef keep")), args=["30"]
    )
    assert (found["top"]["code"], found["top"]["line"]) == ("kept.append(bytearray(1_000_000))", 8)
    assert found["top"]["bytes"] > 20_000_000
    assert Path(found["top"]["file"]).name == "script.py"


@installed("memray")
def test_who_holds_the_memory_of_a_script(script: Any) -> None:
    found, raw = looked("memray", ME, script=script(GROWS), args=["20"])
    assert found["peak_bytes"] > 20_000_000
    assert (found["top"]["function"], found["top"]["line"], found["top"]["own_function"]) == ("keep", 7, "keep")
    assert found["top"]["share"] > 0.8
    assert (found["left"]["function"], found["left"]["bytes"] > 19_000_000) == ("keep", True)
    assert "memray" in raw[0].provenance.argv


INSTALLED = """
import sys
kept = []

def hold(count):
    for at in range(count):
        kept.append(bytearray(1_000_000 + at))
        sum(range(20_000))

def library(count):
    hold(count)
"""
CALLS = """
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, ".venv", "lib", "python3", "site-packages"), here + "lication"]
import beside, installed

def work(count):
    installed.library(count)
    beside.library(count // 4)

work(20)
"""


@pytest.mark.parametrize("kind", ["cprofile", pytest.param("memray", marks=installed("memray"))])
def test_what_is_installed_beside_a_script_is_not_its_own(kind: str, tmp_path: Path) -> None:
    packages = tmp_path / "app" / ".venv" / "lib" / "python3" / "site-packages"
    for module in (packages / "installed.py", tmp_path / "application" / "beside.py"):
        module.parent.mkdir(parents=True)
        module.write_text(INSTALLED)
    (tmp_path / "app" / "script.py").write_text(CALLS)
    found, raw = looked(kind, ME, script=str(tmp_path / "app" / "script.py"))
    if kind == "memray":
        assert (found["top"]["function"], found["top"]["own_function"]) == ("hold", "work")
        return
    assert found["caller"]["function"] == "work"
    own = {row["function"] for row in json.loads(raw[0].data)["functions"] if row["is_own"]}
    assert own == {"work", "<module>"}


def of_memory(samples: list[list[float]], lines: str | None = None) -> dict[str, Any]:
    more = () if lines is None else (("memory-profiler-lines.txt", lines.encode()),)
    return read("memory-profiler", ("memory-profiler.json", json.dumps(samples).encode()), *more)


def test_recorded_samples_of_memory() -> None:
    grows = [[10.0 + at, 100.0 + at / 10] for at in range(30)] + [[0.0, 104.0]]
    found = of_memory(grows)
    assert (found["samples"], found["peak_bytes"], found["growth_bytes"]) == (30, 39 << 20, 26 << 20)
    assert found["slope_per_s"] == pytest.approx(10 << 20, rel=1e-5)
    with pytest.raises(StepFailure) as failure:
        of_memory([[1.0, 1.0], [0.0, 1.1]])
    assert failure.value.status is StepStatus.NO_DATA


LINES = """\
Filename: /srv/app.py

Line #    Mem usage    Increment  Occurrences   Line Contents
=============================================================
     4   40.1 MiB   40.1 MiB           1   @profile
     5   40.1 MiB   40.1 MiB           1   def work():
     6   52.0 MiB    1.5 MiB          10       a = load(3)
     7   48.0 MiB   -4.0 MiB           1       del a
Filename: /srv/other.py

Line #    Mem usage    Increment   Line Contents
================================================
    20   40.1 MiB    9.5 MiB       big = [0] * 10 ** 6
"""


def test_recorded_lines_with_and_without_a_column() -> None:
    found = of_memory([[10.0, 1.0], [11.0, 1.1], [12.0, 1.2]], LINES)
    top = found["top"]
    assert (top["file"], top["line"], top["code"]) == ("/srv/other.py", 20, "big = [0] * 10 ** 6")
    assert top["bytes"] == round(9.5 * (1 << 20))
    assert of_memory([[10.0, 1.0]] * 3, "nothing of it")["top"]["line"] is None


RECORDED = {
    "peak_bytes": 1000, "allocations": 7, "seconds": 1.5,
    "peak": [{"place": ["load", "/lib/json.py", 3], "own": ["work", "/srv/app.py", 9], "bytes": 800, "allocations": 2},
             {"place": ["x", "/srv/app.py", 1], "own": None, "bytes": 100, "allocations": 1}],
    "left": [],
}  # fmt: skip


def test_recorded_allocations() -> None:
    found = read("memray", ("memray.json", json.dumps(RECORDED).encode()))
    assert (found["top"]["function"], found["top"]["own_function"], found["top"]["share"]) == ("load", "work", 0.8)
    assert (found["left"]["function"], found["left"]["bytes"], len(found["allocators"])) == (None, 0, 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'{"peak_bytes": "many"}', b'{"functions": 3}', b"\xff"])
def test_a_profile_that_breaks_off_is_no_evidence(kind: str, data: bytes) -> None:
    with pytest.raises(StepFailure) as failure:
        read(kind, ("profile", data))
    assert failure.value.status is StepStatus.PARSE_ERROR


@pytest.mark.parametrize("kind", ["cprofile", "memory-profiler", "memray"])
def test_a_script_that_only_the_playbook_names_is_not_run(kind: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    path = tmp_path / "script.py"
    path.write_text(f"open({str(made)!r}, 'w').close()\n")
    options = options_of(catalogue.KINDS[kind], {"script": str(path)})
    with pytest.raises(StepFailure, match="--allow-commands") as failure:
        catalogue.KINDS[kind].collect(context(ME), options)
    assert failure.value.status is StepStatus.SKIPPED
    assert not made.exists()
