"""A demo from the asker's side: starts the keeper, hears what happens, ends it."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from mcptop.demo.plan import Plan
from mcptop.demo.stack import StackError
from mcptop.demo.workspace import Workspace

_TIDY_S = 10.0
_STOP_S = 120.0
"""Taking a stack of containers down takes its time; a stack of processes ends within seconds."""


class Session:
    """A running demo. Leaving the `with` block stops it and removes what it wrote."""

    def __init__(self, plan: Plan, on_news: Callable[[str], None] = lambda says: None) -> None:
        """Starts it and returns once it answers. Raises `StackError`. `on_news` is called on another thread."""
        self.folder = Path()
        self.services: dict[str, str] = {}
        """Service -> address."""
        self._plan = plan
        self.on_news = on_news
        """Hears what happens while it runs."""
        self.over = threading.Event()
        """Set when the stack has ended, asked to or not."""
        self.failure: str | None = None
        """Why it ended, if nobody asked."""
        self._settled = threading.Event()
        self._ended_in_order = False
        # In a session of its own: Ctrl+C in the terminal is for us, and we end it in order.
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "mcptop.demo.keeping.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._keeper.stdin is not None
        # A keeper that ended at once is reported by who listens to it.
        with contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.write(msgspec.json.encode(plan) + b"\n")
            self._keeper.stdin.flush()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        self._wait_until_it_answers()

    @property
    def pid(self) -> int:
        """Of the keeper."""
        return self._keeper.pid

    def _wait_until_it_answers(self) -> None:
        try:
            self._settled.wait()
        except BaseException:
            self.close()
            raise
        if self.failure is not None:
            self.close()
            raise StackError(self.failure)

    def _listen(self) -> None:
        assert self._keeper.stdout is not None
        for line in self._keeper.stdout:
            self._hear(json.loads(line))
        if not self._ended_in_order and self.failure is None:
            self.failure = f"the demo's keeper (pid {self.pid}) was killed, and the demo with it; start it again"
            self.on_news(self.failure)
        self._settled.set()
        self.over.set()

    def _hear(self, news: dict[str, Any]) -> None:
        match news["event"]:
            case "folder":
                self.folder = Path(news["path"])
            case "ready":
                self.services = news["services"]
                self._settled.set()
            case "notice":
                self.on_news(news["says"])
            case "failed":
                self.failure = news["says"]
                self.on_news(f"the demo stopped: {news['says']}")
            case "stopped":
                self._ended_in_order = True

    def close(self) -> None:
        """End the stack; return when nothing of it is left."""
        assert self._keeper.stdin
        assert self._keeper.stdout
        with contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.close()
        try:
            self._keeper.wait(_STOP_S)
        finally:
            self._keeper.kill()
            self._keeper.wait()
            self._reader.join(5.0)
            self._keeper.stdout.close()
            if not self._ended_in_order:
                self._tidy()

    def _tidy(self) -> None:
        """In place of a keeper that was killed: the kernel ends its processes; containers and folder are left to us."""
        if self._plan.docker is not None and self.folder != Path():
            from mcptop.demo.containers.docker_stack import DockerStack

            with contextlib.suppress(StackError):
                DockerStack(self._plan, Workspace(self.folder)).stop()
        deadline = time.monotonic() + _TIDY_S
        while self.folder != Path() and self.folder.exists() and time.monotonic() < deadline:
            shutil.rmtree(self.folder, ignore_errors=True)
            time.sleep(0.1)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()
