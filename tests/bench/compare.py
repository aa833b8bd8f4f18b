"""What mcptop costs beside `docker stats` (and any peer on PATH), measured in turns on the same containers.

usage: compare.py [--containers 10,50,100] [--rounds 3] [--window 8] [--settle 3] [--json]     (as root)

Counts the CPU time of the program's tree, dockerd, containerd and all shims, less what these used in an idle
window just before. It reports; a broken commitment is no error. Everything it started is removed, also on Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import verdict
from contestants import DockerStats, OnScreen, Piped, all_of_them
from cpu import Engine, tree_rss, tree_seconds
from screen import Screen

sys.path.append(str(Path(__file__).parents[1] / "docker"))
import base_image
from containers import Stack, docker

# A little work, and figures that differ from one second to the next: an unchanged figure cannot be told from
# one that was not sampled again.
LOAD = """
import random, time
while True:
    held = b"x" * random.randrange(1 << 20)
    sum(range(random.randrange(40_000)))
    time.sleep(0.4)
"""
QUIET = 0.02


def main() -> int:
    options = _options()
    # The end that a terminal or a job runner asks for must clean up like Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    image = base_image.obtain()
    if image is None:
        print("compare: no image with python3: set MCPTOP_TEST_IMAGE", file=sys.stderr)
        return 2
    if others := len(docker("ps", "-q").split()):
        _say(f"{others} other containers run here; they count for every program")
    stack, screen = Stack(image), Screen()
    tools = all_of_them(screen, stack.run)
    windows: list[verdict.Window] = []
    try:
        for containers in sorted(options.containers):
            _grow(stack, containers)
            windows += [w for number in range(options.rounds) for w in _round(tools, containers, number, options)]
    except KeyboardInterrupt:
        _say("stopped; removing the containers")
        return 130
    except RuntimeError as error:
        _say(str(error))
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        screen.close()
        for tool in tools:
            if isinstance(tool, DockerStats):
                tool.close()
        stack.remove_everything()
    _report(verdict.results(windows), options.json)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    numbers = {"type": lambda text: [int(each) for each in text.split(",")], "default": [10, 50, 100]}
    parser.add_argument("--containers", help="how many, one after the other", **numbers)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--window", type=float, default=8, help="seconds that are measured")
    parser.add_argument("--settle", type=float, default=3, help="seconds a program runs before")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"compare: {text}", file=sys.stderr, flush=True)


_running = 0


def _grow(stack: Stack, containers: int) -> None:
    global _running
    _say(f"starting containers up to {containers}")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: stack.start(f"load-{number}", LOAD), range(_running, containers)))
    _running = containers
    time.sleep(3)


def _round(
    tools: list[Piped | OnScreen], containers: int, number: int, options: argparse.Namespace
) -> list[verdict.Window]:
    engine = Engine()
    before, began = engine.seconds(), time.monotonic()
    time.sleep(options.window)
    seconds = time.monotonic() - began
    idle = {part: (after - before[part]) / seconds for part, after in engine.seconds().items()}
    if sum(idle.values()) > QUIET:
        _say(f"somebody else keeps the engine busy, {100 * sum(idle.values()):.1f} % of a core: expect noise")
    found = []
    for tool in tools:
        window = _window(tool, engine, idle, options)
        found.append(verdict.Window(tool.name, containers, number, **window))
        _say(f"{containers} containers, round {number + 1}, {tool.name}: {100 * found[-1].share:.2f} % of a core")
    return found


def _window(
    tool: Piped | OnScreen, engine: Engine, idle: dict[str, float], options: argparse.Namespace
) -> dict[str, object]:
    root = tool.start()
    try:
        time.sleep(options.settle)
        samples, before = tool.samples(), {"tool": tree_seconds(root), **engine.seconds()}
        began = time.monotonic()
        time.sleep(options.window)
        after, seconds = {"tool": tree_seconds(root), **engine.seconds()}, time.monotonic() - began
        delivered, rss = tool.samples(), tree_rss(root)
    finally:
        tool.stop()
    return {
        "seconds": seconds,
        "cpu": {part: after[part] - before[part] - idle.get(part, 0) * seconds for part in after},
        "samples": None if delivered is None or samples is None else delivered - samples,
        "rss_bytes": rss,
        "first_rows_s": tool.first_rows_s,
        "first_cpu_s": tool.first_cpu_s,
    }


def _report(found: list[verdict.Result], as_json: bool) -> None:
    promises = verdict.commitments(found)
    if as_json:
        kept = [{"promise": promise, "measured": measured, "kept": kept} for promise, measured, kept in promises]
        print(json.dumps({"results": [asdict(result) for result in found], "commitments": kept}, indent=1))
        return
    print(verdict.table(found))
    print()
    for promise, measured, kept in promises:
        word = "not measured" if kept is None else "kept" if kept else "NOT KEPT"
        print(f"{word:12}  {promise}: {measured}")


if __name__ == "__main__":
    sys.exit(main())
