"""The noisy neighbour: `neighbour cpu|disk N` keeps N processes busy until it is ended. No part of the stack."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

_BLOCK = b"\x6e" * 4096
_FILE_BYTES = 16 * 1024 * 1024


def spin(number: int) -> None:
    """All of a core, in pure Python."""
    while True:
        pass


def write(number: int) -> None:
    """Small writes all over a file, each forced to disk before the next."""
    path = Path(os.environ.get("DEMO_DIR", ".")) / f"neighbour-{number}.bin"
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    os.posix_fallocate(file, 0, _FILE_BYTES)
    at = 0
    while True:
        os.pwrite(file, _BLOCK, at)
        os.fsync(file)
        at = (at + len(_BLOCK)) % _FILE_BYTES


KINDS: dict[str, Callable[[int], None]] = {"cpu": spin, "disk": write}


def main(words: list[str]) -> int:
    """Run until SIGTERM; exit code 2 with one line for wrong usage."""
    if len(words) != 2 or words[0] not in KINDS or not words[1].isdigit() or words[1] == "0":
        print(f"neighbour: expected {'|'.join(KINDS)} and a number of processes", file=sys.stderr)
        return 2
    # As the first process of a container it has no default action for SIGTERM.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    work = KINDS[words[0]]
    children = [multiprocessing.Process(target=work, args=(each,), daemon=True) for each in range(int(words[1]))]
    for child in children:
        child.start()
    for child in children:
        child.join()
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
