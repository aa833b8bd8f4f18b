"""Real programs to look at, and the world a reader looks through."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mcptop.closeup.world import World
from mcptop.collectors.base import Tick
from mcptop.collectors.processes import ProcessCollector
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.sources.address_book import AddressBook
from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.procfs import Roots

LIVE = Roots()
SERVICE = "looked-at"

_PROLOGUE = """
import os, socket, subprocess, sys, tempfile, threading, time

def answer(text=""):
    print(text, flush=True)

def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
"""


class Program:
    """A Python program that is asked by lines and answers by lines: there is nothing to wait for by the clock."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid
        self.said = self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the program has ended"
        return line.strip()

    def ask(self, line: str = "go") -> str:
        """What it answers, once it has done it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self._line()


@contextmanager
def program(code: str, *words: str, **environment: str) -> Iterator[Program]:
    """Run after it has said its first line; announces itself as `SERVICE`."""
    env = os.environ | {"MCPTOP_SERVICE": SERVICE} | environment
    with subprocess.Popen(
        [sys.executable, "-c", _PROLOGUE + code, *words],
        stdin=-1,
        stdout=-1,
        text=True,
        env=env,
        start_new_session=True,
    ) as process:
        try:
            yield Program(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)


def no_engine(container: str) -> DockerEngine:
    """A connection that cannot be made."""
    raise EngineError("no docker engine at unix:///nowhere: start it, or set DOCKER_HOST")


def world(connect: Callable[[str], DockerEngine] = no_engine, banner: str | None = None) -> World:
    """This machine as a monitor sees it after its first looks."""
    table, book = ProcessTable(LIVE), AddressBook()
    collector = ProcessCollector(LIVE, table)
    # What was just forked is taken for its parent until it is looked at again.
    found = [collector.collect(Tick(number, time.monotonic())) for number in (1, 2)]
    book.learn(found[-1].targets, time.monotonic())
    return World(LIVE, table, book, connect, lambda: banner)


def service(seen: World, pid: int) -> Service:
    """The service the process belongs to."""
    id = next(key for key, members in seen.table.trees.items() if any(each.pid == pid for each in members))
    instance = Instance(id=id, name=f"{SERVICE}[{pid}]", pid=pid)
    return Service(None, SERVICE, Kind.PROCESS, 1, (instance,))
