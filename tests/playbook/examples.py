"""A playbook, targets and evidence made by hand: a problem, a healthy service, one that could not be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mcptop.model.diagnosis import Cost, Evidence, Provenance, Run, StepStatus, Subject
from mcptop.playbook.case import Case

MIB = 1 << 20
FOLDER = Path(__file__).parent / "playbooks"
PLAYBOOK = (FOLDER / "memory-leak.yaml").read_text()
SHARED = (FOLDER / "hypotheses" / "memory.yaml").read_text()
LIBRARY = {"playbooks/hypotheses/memory.yaml": SHARED}
SUBJECT = Subject(
    kind="container", project="mcp-stack", service="mcp-worker", name="worker-1", container="c0ffee" * 10 + "abcd",
    pid=41822, inner_pid=7, pids=(41822,), replicas=2, program="python3.11", python=True,
    started_at="2026-01-31T08:46:00Z", memory_limit_bytes=512 * MIB, cpu_limit_cores=1.0, cpus=8,
    chosen="it grows fastest of 2 replicas",
)  # fmt: skip
RUN = Run("2026-01-31T11:58:02.123Z", 58.4, Cost(1.31, 0.0), False, "0.1.0")


def _series(first: float, last: float, unit: str = "bytes", count: int = 60) -> dict[str, Any]:
    step = (last - first) / (count - 1)
    return {"unit": unit, "seconds": list(range(count)), "values": [round(first + step * at) for at in range(count)]}


def _growth(anon: tuple[float, float], file: tuple[float, float], queue: float) -> dict[str, Any]:
    slope = (anon[1] - anon[0]) / 60
    return {
        "anon": {"slope_per_s": slope, "relative": anon[1] / anon[0] - 1, "floors": 6 if slope > 0 else 1,
                 "full_s": (512 * MIB - anon[1]) / slope if slope > 0 else None, "last": anon[1]},
        "file": {"relative": file[1] / file[0] - 1, "last": file[1]},
        "queue": {"last": queue, "drained": True},
        "up_s": 11520.0,
        "series": {"anon": _series(*anon) | {"limit": 512 * MIB}, "file": _series(*file),
                   "queue": _series(queue, queue, "count")},
    }  # fmt: skip


def _source(program: str, *arguments: str, version: str | None = None, seconds: float = 0.3) -> tuple[Provenance, ...]:
    return (
        Provenance(program, (program, *arguments), version, "2026-01-31T11:59:02.500Z", seconds, 0, None, "ab" * 32),
    )


def _ok(step: str, run: str, says: str, values: dict[str, Any], source: tuple[Provenance, ...]) -> Evidence:
    return Evidence(step, run, StepStatus.OK, says, values, source, source[0].duration_s)


FILES = _ok("files", "lsof", "41 files, none deleted, growth 0", {"open": 41},
            _source("lsof", "-p", "41822", version="4.95.0"))  # fmt: skip
HEAP = Evidence("heap", "memray", StepStatus.SKIPPED, "injecting tools are off (--safety injecting)", applies=False)


def evidence(anon: tuple[float, float], file: tuple[float, float], queue: float) -> tuple[Evidence, ...]:
    """What the five steps gave."""
    kernel = Provenance("/proc, cgroup", started_at="2026-01-31T11:58:02.200Z", duration_s=60.0)
    growth = _ok("growth", "watch", "60 s of anon, file, queue at 1 s", _growth(anon, file, queue), (kernel,))
    stats = _ok("stats", "docker-stats", "one look, agrees with the kernel files",
                {"cache_ratio": file[1] / (anon[1] + file[1])}, _source("docker", "stats", seconds=1.1))  # fmt: skip
    stacks = _ok("stacks", "py-spy-dump", "5 dumps, nonblocking, no pause over 0.2 ms",
                 {"top": "remember", "file": "/srv/app/cache.py", "line": 88},
                 _source("py-spy", "dump", "--pid", "41822", version="0.4.1", seconds=2.4))  # fmt: skip
    return growth, stats, stacks, FILES, HEAP


def case(*found: Evidence, run: Run = RUN, subject: Subject = SUBJECT) -> Case:
    """A case with this evidence."""
    return Case(PLAYBOOK, "memory-leak.yaml", {"hypotheses/memory.yaml": SHARED}, subject, found, run)


PROBLEM = case(*evidence((350.2 * MIB, 355 * MIB), (31 * MIB, 31 * MIB), 412))
HEALTHY = case(*evidence((282 * MIB, 281 * MIB), (31 * MIB, 300 * MIB), 3))
NOTHING = case(*evidence((282 * MIB, 281 * MIB), (31 * MIB, 33 * MIB), 3))
BLIND = case(
    Evidence("growth", "watch", StepStatus.TARGET_GONE, "pid 41822 ended after 3 s", duration_s=3.1),
    Evidence("stats", "docker-stats", StepStatus.TIMEOUT, "docker: no end within 10 s", duration_s=10.0),
    Evidence("stacks", "py-spy-dump", StepStatus.PERMISSION_DENIED,
             "py-spy may not read the process: run mcptop as root, or `sudo setcap cap_sys_ptrace+ep /usr/bin/py-spy`",
             provenance=_source("py-spy", "dump", "--pid", "41822"), duration_s=0.2),
    Evidence("files", "lsof", StepStatus.TOOL_MISSING, "there is no program lsof: `sudo apt-get install lsof`"),
    HEAP,
    run=replace(RUN, duration_s=13.5),
)  # fmt: skip
ALL = {"problem": PROBLEM, "healthy": HEALTHY, "nothing": NOTHING, "inconclusive": BLIND}
