"""`perf` and `iotop`: the programs themselves where they may run, and their recorded output."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import StepFailure
from mcptop.sources.filesystems import is_in_memory
from tests.playbook.step_world import READY, as_nobody, looked, needs_root, process, read, running

BURNS = 'print("ready", flush=True)\nwhile True: sum(range(10000))\n'
WRITES = """
import os, sys, time
print("ready", flush=True)
while True:
    with open(sys.argv[1], "wb") as file:
        file.write(b"x" * 200_000); file.flush(); os.fsync(file.fileno())
    time.sleep(0.02)
"""


def has(program: str) -> Any:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"there is no {program}")


def may_sample() -> bool:
    words = ["perf", "record", "-q", "-o", "/dev/null", "--", "true"]
    return shutil.which("perf") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0


def failing(kind: str, *argv: Any, **options: Any) -> StepStatus:
    with pytest.raises(StepFailure) as failure:
        looked(kind, *argv, **options)
    return failure.value.status


@has("perf")
def test_where_the_time_goes() -> None:
    if not may_sample():
        pytest.skip("perf may not look")
    with running(BURNS) as child:
        found, raw = looked("perf", process(child.pid), **{"for": "1s"})
    assert found["samples"] > 5
    assert found["top"]["symbol"]
    assert 0 < found["top"]["share"] <= 1
    assert 0 <= found["kernel_share"] < 0.5
    assert len(found["symbols"]) <= 10
    assert {"record", "report"} <= set(raw[0].provenance.argv)
    assert raw[0].provenance.version


@has("perf")
def test_one_that_does_not_compute_has_no_samples_and_one_that_has_ended_is_gone() -> None:
    if not may_sample():
        pytest.skip("perf may not look")
    with running(READY) as child:
        found, _ = looked("perf", process(child.pid), **{"for": "300ms"})
    assert (found["samples"], found["top"]["symbol"], found["kernel_share"], found["symbols"]) == (0, None, None, [])
    assert failing("perf", process(child.pid), **{"for": "300ms"}) is StepStatus.TARGET_GONE


@needs_root
@pytest.mark.parametrize("kind", [pytest.param("perf", marks=has("perf")), pytest.param("iotop", marks=has("iotop"))])
def test_what_another_user_may_not_do_says_how_it_can_be_done(kind: str) -> None:
    with running(READY) as child:
        said = as_nobody(kind, child.pid, **{"for": "200ms"})
    assert said.startswith("permission_denied")
    assert "run as root" in said


HEAD = "# To display the perf.data header info, please use --header/--header-only options.\n#\n"
REPORT = (
    HEAD + "# Total Lost Samples: 0\n#\n# Samples: 1K of event 'cpu-clock:ppp'\n# Event count (approx.): 848484840\n#\n"
    "# Overhead|Shared Object       |Symbol\n"
    " 60.00% |libpython3.11.so.1.0|[.] _PyEval_EvalFrameDefault   \n"
    " 20.00% |[kernel.kallsyms]   |[k] finish_task_switch.isra.0\n"
    " 10.00% |[unknown]           |[k] 0xffffffff810a\n"
    " 10.00% |app|x               |[.] operator|(A, B)\n"
    "# (Tip: something)\n"
)


def of_perf(report: str, complaint: str = "") -> dict[str, Any]:
    return read("perf", ("perf-report.txt", report.encode()), ("perf-report.err", complaint.encode()))


def test_a_recorded_report() -> None:
    found = of_perf(REPORT)
    assert (found["samples"], found["top"]["symbol"]) == (1000, "_PyEval_EvalFrameDefault")
    # The last line has one separator too many for its file to be read, and is left aside.
    assert found["top"]["share"] == pytest.approx(60 / 90, rel=1e-5)
    assert found["kernel_share"] == pytest.approx(30 / 90, rel=1e-5)
    assert [each["object"] for each in found["symbols"]] == ["libpython3.11.so.1.0", "[kernel.kallsyms]", "[unknown]"]


HYBRID = (
    HEAD + "# Samples: 30  of event 'cpu_atom/cycles/P'\n# Event count (approx.): 1\n#\n"
    " 90.00% |app                 |[.] spin\n"
    " 10.00% |[kernel.kallsyms]   |[k] copy\n"
    "#\n# Samples: 0  of event 'cpu_other/cycles/P'\n# Event count (approx.): 0\n#\n"
    "#\n# Samples: 70  of event 'cpu_core/cycles/P'\n# Event count (approx.): 1\n#\n"
    " 80.00% |app                 |[.] work\n"
    " 20.00% |app                 |[.] spin\n"
)


def test_two_kinds_of_cores_are_weighed_by_their_samples() -> None:
    found = of_perf(HYBRID)
    assert (found["samples"], found["top"]["symbol"], found["top"]["share"]) == (100, "work", 0.56)
    assert [(each["symbol"], each["share"]) for each in found["symbols"][1:]] == [("spin", 0.41), ("copy", 0.03)]
    assert found["kernel_share"] == 0.03
    for event in ("cpu_core/cycles/Pu", "cpu_atom/cycles/u"):
        name = event.rpartition("/")[0]
        assert of_perf(HYBRID.replace(f"{name}/P", event))["kernel_share"] is None
    with pytest.raises(StepFailure, match="names no symbol"):
        of_perf(HYBRID[: HYBRID.index(" 80.00")])


def test_a_report_without_a_sample() -> None:
    assert of_perf(HEAD, "Error:\nThe /tmp/perf.data data has no samples!\n")["samples"] == 0


def test_where_the_kernel_may_not_be_sampled_its_share_is_unknown() -> None:
    for_user = REPORT.replace("cpu-clock:ppp", "cycles:u")
    assert of_perf(for_user)["kernel_share"] is None


@pytest.mark.parametrize(
    "text", ["Segmentation fault\n", REPORT[: REPORT.index(" 60.00")], "# Samples: x of event", ""]
)
def test_a_report_that_breaks_off_is_no_evidence(text: str) -> None:
    with pytest.raises(StepFailure) as failure:
        of_perf(text)
    assert failure.value.status is StepStatus.PARSE_ERROR


@needs_root
@has("iotop")
def test_what_a_process_writes(tmp_path: Path) -> None:
    if is_in_memory(tmp_path, Path("/proc/self/mountinfo").read_text()):
        pytest.skip("what is written there reaches no disk")
    with running(WRITES, str(tmp_path / "file")) as child:
        found, _ = looked("iotop", process(child.pid), **{"for": "1s"})
    assert found["write_bytes_per_s"] > 0
    assert found["read_bytes_per_s"] >= 0


@needs_root
@has("iotop")
def test_one_that_has_ended_has_no_io() -> None:
    with running(READY) as child:
        pass
    assert failing("iotop", process(child.pid), **{"for": "100ms"}) is StepStatus.TARGET_GONE


FIRST = "Total DISK READ:         0.00 K/s | Total DISK WRITE:         0.00 K/s\n"
COLUMNS = "  PID  PRIO  USER     DISK READ  DISK WRITE  SWAPIN      IO    COMMAND\n"
COUNTED = (
    FIRST + COLUMNS + "    7 be/4 root     9999.00 K/s    0.00 K/s  0.00 %  0.00 % python\n"
    + FIRST + COLUMNS + "    7 be/4 root        1.00 K/s    2.00 K/s  0.00 % 12.50 % python -c \nimport time\n"
    "    8 be/3 user        0.00 K/s    3.00 K/s  0.00 % 40.00 % python\n"
)  # fmt: skip
UNCOUNTED = (
    FIRST
    + COLUMNS
    + FIRST
    + COLUMNS
    + "14:00:27    7 be/4 root        0.00 K/s {:8.2f} K/s ?unavailable?  python3 -c\n"
)


def of_iotop(text: str, counts: bytes) -> dict[str, Any]:
    return read("iotop", ("iotop.txt", text.encode()), ("task_delayacct", counts))


def test_recorded_figures_of_the_second_look() -> None:
    found = of_iotop(COUNTED, b"1")
    assert found == {"read_bytes_per_s": 1024, "write_bytes_per_s": 5120, "io_share": 0.4}
    # A kernel without the switch counts always.
    assert of_iotop(COUNTED, b"")["io_share"] == 0.4


def test_zeros_of_a_kernel_that_does_not_count_are_no_evidence() -> None:
    with pytest.raises(StepFailure, match="task_delayacct") as failure:
        of_iotop(UNCOUNTED.format(0), b"0")
    assert failure.value.status is StepStatus.NO_DATA
    found = of_iotop(UNCOUNTED.format(18592.47), b"0")
    assert (found["write_bytes_per_s"], found["io_share"]) == (pytest.approx(18592.47 * 1024, rel=1e-5), None)
    assert of_iotop(UNCOUNTED.format(0), b"1")["write_bytes_per_s"] == 0


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", StepStatus.PARSE_ERROR),
        (FIRST + COLUMNS, StepStatus.PARSE_ERROR),
        (FIRST + COLUMNS + FIRST + COLUMNS, StepStatus.NO_DATA),
        (COUNTED.replace("K/s", "Kio/s"), StepStatus.NO_DATA),
    ],
)
def test_other_output_is_no_evidence(text: str, status: StepStatus) -> None:
    with pytest.raises(StepFailure) as failure:
        of_iotop(text, b"1")
    assert failure.value.status is status
