"""A pseudo-terminal with a real program in it: what is typed, its size, and whether it is left whole."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path

_SWITCHES = {"alternate screen": 1049, "mouse": 1000, "mouse motion": 1003, "mouse in SGR": 1006, "focus": 1004,
             "paste": 2004}  # fmt: skip
_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_PIECES = (
    b"\x1b[A", b"\x1b[B", b"\x1bOP", b"\x1b[5~", b"\x1b[", b"\x1b", b"\x1b[99999;99999H",
    b"\x1b[200~pasted\x1b[2J\n\x1b[201~",
    b"\x1b[200~never ended", b"\x1b[<0;10;5M", b"\x1b[<0;10;5m", b"\x1b[<64;9;9M",
    b"\x1b[<35;500;500M", b"\x1b[I", b"\x1b[O",
    b"\x1b]52;c;eA==\x07", b"\x1bP1$r0m\x1b\\", b"\x1b[?2026;2$y", 
    b"\t", b"\r", b"\x7f",
)  # fmt: skip
_PLAIN = [byte for byte in (*range(32, 127), *range(128, 256)) if chr(byte) not in "qQ"]


class Terminal:
    """One program in one terminal; all it writes is read, and its switches are followed."""

    def __init__(self, command: Sequence[str], env: dict[str, str], folder: Path) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(120, 36)
        self.before = termios.tcgetattr(self.slave)
        self.output = bytearray()
        self.pid = os.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for number in range(3):
                os.dup2(self.slave, number)
            os.execvpe(command[0], list(command), env)

    def resize(self, width: int, height: int) -> None:
        """The kernel tells the program by SIGWINCH."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read(self, seconds: float) -> None:
        """Whatever comes within that time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self.output += os.read(self.master, 65536)

    def wait_for(self, text: bytes, seconds: float = 60.0) -> bool:
        """Whether it was written within that time."""
        until = time.monotonic() + seconds
        while text not in self.output and time.monotonic() < until:
            self.read(0.05)
        return text in self.output

    def type(self, data: bytes) -> None:
        """As from a keyboard; what the program has no room for is lost."""
        if select.select([], [self.master], [], 0)[1]:
            os.write(self.master, data)

    def end(self, seconds: float = 30.0) -> int | None:
        """The exit code, negative for a signal; None where it did not end: then it is killed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None

    def faults(self) -> list[str]:
        """What is not as it was before; after the end."""
        modes: dict[int, bool] = {25: True}
        for numbers, on in _MODE.findall(bytes(self.output)):
            modes |= {int(number): on == b"h" for number in numbers.split(b";") if number}
        found = [name for name, number in _SWITCHES.items() if modes.get(number)]
        found += [] if modes[25] else ["cursor is hidden"]
        found += [] if termios.tcgetattr(self.slave) == self.before else ["terminal settings"]
        found += ["a traceback"] if b"Traceback" in self.output else []
        return found

    def close(self) -> None:
        """The terminal itself."""
        os.close(self.master)
        os.close(self.slave)


def storm(terminal: Terminal, random: random.Random, steps: int, pause_s: float = 0.02) -> None:
    """Random bytes, sequences, pasted text, mouse and sizes; no `q`, and nothing that ends a program by itself."""
    for _ in range(steps):
        kind = random.random()
        if kind < 0.5:
            terminal.type(bytes(random.choices(_PLAIN, k=random.randint(1, 6))))
        elif kind < 0.85:
            terminal.type(b"".join(random.choices(_PIECES, k=random.randint(1, 4))))
        else:
            for _ in range(random.randint(1, 10)):
                terminal.resize(random.randint(1, 300), random.randint(1, 80))
        terminal.read(pause_s)
    terminal.resize(120, 36)
