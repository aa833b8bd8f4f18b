"""How often a diagnosis is right: real faults in a running demo stack, diagnosed blindly, counted.

    python tests/bench/score.py --runs 3                 every fault and control of processes
    python tests/bench/score.py --runs 3 --docker        those that need containers
    python tests/bench/score.py --table results.jsonl    the table again, from results that were kept

Right: the mechanism of the fault. Confidently wrong: another one, with a confidence of 0.8 or more. A control is wrong
when it is called a warning or a problem, by whatever name.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import psutil
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[1] / "demo"))
sys.path.insert(0, str(Path(__file__).parents[1] / "docker"))

import base_image
from containers import COMPOSE, docker
from docker_demo import OURS, DockerDemo
from scorecases import CONTROLS, FAULTS, IN_DOCKER, SLOW, Case
from stack import Demo, until

from mcptop import __version__
from mcptop.config import Settings
from mcptop.demo.faults.fault import FaultError
from mcptop.live import LiveSource
from mcptop.model.diagnosis import Outcome, Run, Verdict
from mcptop.monitor import Monitor
from mcptop.playbook import cases, shelf, subjects
from mcptop.playbook.case import Case as Recording
from mcptop.playbook.cases import CASES, Expectation
from mcptop.playbook.frames import Frames
from mcptop.playbook.judge import judge
from mcptop.playbook.runner import Runner
from mcptop.playbook.subjects import Wanted
from mcptop.sources.docker_engine import DockerEngine
from mcptop.sources.procfs import Roots

CONFIDENT = 0.8
_OF_GROWTH, _GROWN_UP_S = ("memory-leak", "fd-leak"), 95.0


@dataclass(frozen=True)
class Result:
    """One diagnosis."""

    fault: str
    playbook: str
    expected: str | None
    harmless: bool
    found: str | None
    status: str
    confidence: float
    right: bool
    culprit: bool | None
    duration_s: float
    stopped: bool
    """A process of the target was left stopped."""
    runner_up: str | None = None

    @property
    def confidently_wrong(self) -> bool:
        """Another explanation, and sure of it."""
        if self.harmless:
            return self.false_alarm and self.confidence >= CONFIDENT
        return not self.right and self.found is not None and self.confidence >= CONFIDENT

    @property
    def false_alarm(self) -> bool:
        """A finding where there is nothing to find."""
        return self.harmless and self.status in (Outcome.WARNING, Outcome.PROBLEM)


def record(folder: Path, case: Case, verdict: Verdict, demo: Stack) -> None:
    """Keep the evidence as a case of `mcptop playbooks test`: without charts, and nothing of where it ran."""
    evidence = tuple(
        replace(each, values=_without(each.values, str(demo.folder)), provenance=()) for each in verdict.evidence
    )
    run = Run(verdict.started_at, verdict.duration_s, verdict.cost, verdict.cancelled, verdict.version)
    mechanism = None if case.harmless else str(case.mechanism)
    wanted = Expectation(verdict.status) if case.harmless else Expectation(verdict.status, mechanism, case.blamed)
    name = f"{case.fault or 'nothing'}-{case.target}".replace(":", "-").replace("=", "-").replace(",", "-")
    path = folder / CASES / case.playbook / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cases.recorded(Recording("", f"{case.playbook}.yaml", {}, verdict.target, evidence, run), wanted))


def _without(value: Any, folder: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(each, folder) for key, each in value.items() if key != "series"}
    if isinstance(value, list):
        return [_without(each, folder) for each in value]
    return value.replace(folder, "/var/lib/demo") if isinstance(value, str) else value


class OfProcesses(Demo):
    """The demo as processes."""

    def wanted(self, service: str) -> Wanted:
        """Whom a service's name means."""
        return Wanted(pid=self.pids[service])

    def grow_up(self, service: str) -> None:
        """Wait until what a start needs is behind it."""
        began = psutil.Process(self.pids[service]).create_time()
        time.sleep(max(0.0, _GROWN_UP_S - (time.time() - began)))

    def renew(self, service: str) -> None:
        """Start the service anew: its keeper does, once it has ended."""
        old = self.pids[service]
        os.kill(old, signal.SIGTERM)

        def is_new() -> None:
            assert self.pids.get(service, old) != old
            self.metrics(service)

        until(is_new, 30)
        self.settle()


class InDocker(DockerDemo):
    """The demo as containers."""

    def __init__(self, **changes: str) -> None:
        image = base_image.obtain()
        if image is None:
            raise SystemExit("there is no image to build the demo on: set MCPTOP_TEST_IMAGE")
        super().__init__(image, **changes)

    def wanted(self, service: str) -> Wanted:
        """Whom a service's name means."""
        return Wanted(container=docker("ps", "-aq", *OURS, "--filter", f"label={COMPOSE}.service={service}").strip())

    def grow_up(self, service: str) -> None:
        """Containers have taken their time."""

    def renew(self, service: str) -> None:
        """Start the service anew."""
        docker("restart", self.wanted(service).container or "")
        self.settle()

    def settle(self) -> None:
        """Containers take their time."""
        time.sleep(8.0)


Stack = OfProcesses | InDocker


class Watcher:
    """The monitor beside a demo."""

    def __init__(self) -> None:
        self.settings = Settings(scrape_interval=1.0)
        self.frames = Frames()
        self.monitor = Monitor(LiveSource(self.settings))
        self.monitor.start(self.frames.add)

    def diagnose(self, playbook: str, wanted: Wanted) -> Verdict:
        """As `mcptop diagnose PLAYBOOK --pid PID` or `--container NAME`: surely one of ours."""
        self.frames.wait(3, 20)
        found = shelf.find(playbook).playbook()
        subject = subjects.choose(self.frames.all()[-15:], wanted, playbook, found.focus, Roots())
        runner = Runner(found, subject, self.frames, self.settings,
                        lambda: DockerEngine(self.settings.docker_host), version=__version__)  # fmt: skip
        collected = runner.run()
        return judge(found, subject, collected.evidence, collected.run)

    def close(self) -> None:
        """End it."""
        self.monitor.stop()


def run(case: Case, demo: Stack, watcher: Watcher) -> tuple[Result, Verdict]:
    """Switch the fault on, diagnose, switch it off, wait until the stack is itself again."""
    if case.fresh:
        demo.renew(case.target)
    elif case.playbook in _OF_GROWTH:
        demo.grow_up(case.target)
    fault: AbstractContextManager[None] = demo.fault(case.fault) if case.fault else nullcontext()
    with fault:
        time.sleep(case.settle_s)
        verdict = watcher.diagnose(case.playbook, demo.wanted(case.target))
        stopped = verdict.target.pid is not None and _state(verdict.target.pid) in ("T", "t")
    demo.settle()
    return _result(case, verdict, demo, stopped), verdict


def _is_blamed(verdict: Verdict, case: Case, demo: Stack) -> bool:
    """Service and, where a process is named, process."""
    culprit = verdict.culprit
    if culprit is None or culprit.service != case.blamed:
        return False
    return culprit.pid is None or not isinstance(demo, Demo) or culprit.pid == demo.pids.get(case.blamed)


def _result(case: Case, verdict: Verdict, demo: Stack, stopped: bool) -> Result:
    expected = str(case.mechanism) if case.mechanism else None
    is_alarm = verdict.status in (Outcome.WARNING, Outcome.PROBLEM)
    right = not is_alarm and verdict.status is Outcome.HEALTHY if case.harmless else (
        is_alarm and verdict.mechanism in (expected, *case.also)
    )  # fmt: skip
    culprit = _is_blamed(verdict, case, demo) if verdict.culprit is not None and right else None
    return Result(
        fault=case.fault or "nothing",
        playbook=case.playbook,
        expected=expected,
        harmless=case.harmless,
        found=verdict.mechanism,
        status=str(verdict.status),
        confidence=verdict.confidence,
        right=right,
        culprit=culprit,
        duration_s=verdict.duration_s,
        stopped=stopped,
        runner_up=verdict.runner_up.mechanism if verdict.runner_up else None,
    )


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if n == 0:
        return 0.0, 1.0
    z, p = 1.96, hits / n
    centre, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / (1 + z * z / n)), min(1.0, (centre + half) / (1 + z * z / n))


def share(hits: int, n: int) -> str:
    """`0.95 (0.88-0.98)`."""
    low, high = wilson(hits, n)
    return f"{hits / n:.2f} ({low:.2f}-{high:.2f})" if n else "-"


def table(results: Sequence[Result]) -> Iterator[str]:
    """All results as Markdown: a line a mechanism, the totals, what was taken for what."""
    yield "| mechanism | n | right | confidently wrong | inconclusive | median time to verdict |"
    yield "|---|---|---|---|---|---|"
    faults, controls = [r for r in results if not r.harmless], [r for r in results if r.harmless]
    for group in (faults, controls):
        for name in dict.fromkeys(r.expected or "nothing" for r in group):
            yield _line(name, [r for r in group if (r.expected or "nothing") == name])
    yield ""
    right, wrong, blamed = (_share_of(faults, what) for what in ("right", "confidently_wrong", "culprit"))
    yield f"- faults: {len(faults)} runs, right {right}, confidently wrong {wrong}, culprit {blamed}"
    yield f"- controls: {len(controls)} runs, false findings {_share_of(controls, 'false_alarm')}"
    yield f"- left stopped: {sum(r.stopped for r in results)}"
    taken = Counter((r.expected or "nothing", r.found or r.status) for r in results if not r.right)
    for (expected, found), count in taken.most_common():
        yield f"- taken for another: {expected} -> {found}: {count}"


def _share_of(results: Sequence[Result], what: str) -> str:
    """Of those of which it is known."""
    known = [bool(value) for result in results if (value := getattr(result, what)) is not None]
    return share(sum(known), len(known))


def _line(name: str, of: Sequence[Result]) -> str:
    n = len(of)
    inconclusive = sum(r.status == Outcome.INCONCLUSIVE for r in of)
    seconds = statistics.median(r.duration_s for r in of)
    return (
        f"| {name} | {n} | {share(sum(r.right for r in of), n)} | {sum(r.confidently_wrong for r in of)} "
        f"| {inconclusive} | {seconds:.0f} s |"
    )


@contextmanager
def running(in_docker: bool = False, load: int | None = None) -> Iterator[tuple[Stack, Watcher]]:
    """A demo and a monitor. `load`: requests a minute."""
    changes = {} if load is None else {"LOAD_PER_MINUTE": str(load)}
    demo = InDocker(**changes) if in_docker else OfProcesses(**changes)
    watcher = Watcher()
    try:
        yield demo, watcher
    finally:
        watcher.close()
        demo.close()


def cases_of(arguments: argparse.Namespace) -> list[Case]:
    """What was asked for."""
    all_cases: Iterable[Case] = IN_DOCKER if arguments.docker else FAULTS + CONTROLS + (SLOW if arguments.slow else ())
    return [case for case in all_cases if not arguments.only or any(word in case.fault for word in arguments.only)]


def main() -> None:
    """Run, or show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="of each case")
    parser.add_argument("--only", action="append", help="cases whose fault holds this word")
    parser.add_argument("--slow", action="store_true", help="the slow leak as well")
    parser.add_argument("--docker", action="store_true", help="those that need containers")
    parser.add_argument("--vary", type=int, metavar="SEED", help="doses drawn anew for each run, not those of the list")
    parser.add_argument("--load", type=int, metavar="N", help="requests a minute, instead of the demo's own load")
    parser.add_argument("--keep", type=Path, help="add every result to this file, one JSON a line")
    parser.add_argument("--record", type=Path, help="keep the evidence of right ones as cases beside these playbooks")
    parser.add_argument("--table", type=Path, help="only show the results kept in this file")
    arguments = parser.parse_args()
    if arguments.table:
        kept = [Result(**json.loads(line)) for line in arguments.table.read_text().splitlines()]
        print("\n".join(table(kept)))
        return
    cases = [case for _ in range(arguments.runs) for case in cases_of(arguments)]
    chance = random.Random(arguments.vary or 7)
    chance.shuffle(cases)
    if arguments.vary is not None:
        cases = [case.drawn(chance) for case in cases]
    results = []
    with running(arguments.docker, arguments.load) as (demo, watcher):
        for number, case in enumerate(cases, 1):
            try:
                result, verdict = run(case, demo, watcher)
            except FaultError as error:
                print(f"{number:3}/{len(cases)} broke off, not counted: {error}", flush=True)
                demo.renew(case.target)
                continue
            results.append(result)
            sign = "ok   " if result.right else "WRONG" if result.status != Outcome.INCONCLUSIVE else "?    "
            print(f"{number:3}/{len(cases)} {sign} {result.fault:45} {result.playbook:16} {result.found} "
                  f"{result.confidence:.2f} {result.duration_s:.0f} s | {verdict.says[:90]}", flush=True)  # fmt: skip
            if arguments.record and result.right:
                record(arguments.record, case, verdict, demo)
            if arguments.keep:
                with arguments.keep.open("a") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
