"""Starts labelled containers and removes every one of them again.

Talks to the engine through the docker command, so that the tests do not see it with mcptop's own eyes.
"""

from __future__ import annotations

import atexit
import contextlib
import subprocess
import uuid
from dataclasses import dataclass

LABEL = "mcptop.test"
COMPOSE = "com.docker.compose"


def docker(*words: str, seconds: float = 300) -> str:
    """One docker command; its error is the exception's text."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=seconds)
    if done.returncode != 0:
        raise RuntimeError(f"docker {' '.join(words)[:200]}: {done.stderr.strip()}")
    return done.stdout.strip()


@dataclass(frozen=True)
class Container:
    """One started container."""

    id: str
    name: str
    project: str
    service: str

    def show(self, template: str) -> str:
        """`docker inspect` with a Go template."""
        return docker("inspect", "-f", template, self.id)

    @property
    def pid(self) -> int:
        """Of its first process, as the host counts."""
        return int(self.show("{{.State.Pid}}"))

    @property
    def address(self) -> str:
        """On the default network."""
        return self.show("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")


class Stack:
    """The containers of one test run: one Compose project, one label, one name prefix."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.run = f"mcptop-test-{uuid.uuid4().hex[:8]}"
        self._started: list[str] = []
        # Fixtures clean up after failures and Ctrl-C; this is for what ends the run in between.
        atexit.register(self.remove_everything)

    def start(
        self,
        service: str,
        program: str,
        *options: str,
        labels: dict[str, str] | None = None,
        number: int = 1,
    ) -> Container:
        """Run a program in a new container. `labels` replaces those of Compose."""
        name = f"{self.run}-{service}-{number}"
        if labels is None:
            labels = {
                f"{COMPOSE}.project": self.run,
                f"{COMPOSE}.service": service,
                f"{COMPOSE}.container-number": str(number),
            }
        words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
        self._started.append(name)
        name_and_label = ("--name", name, "--label", f"{LABEL}={self.run}")
        found = docker("run", "-d", *name_and_label, *words, *options, self.image, "python3", "-c", program)
        return Container(found, name, self.run, service)

    def remove_started(self) -> None:
        """Remove what was started since the last call."""
        started, self._started = self._started, []
        if started:
            with contextlib.suppress(RuntimeError):
                docker("rm", "-f", "-v", *started)

    def remove_everything(self) -> None:
        """Remove whatever carries this run's label."""
        atexit.unregister(self.remove_everything)
        with contextlib.suppress(RuntimeError, OSError):
            if left := docker("ps", "-aq", "--filter", f"label={LABEL}={self.run}").split():
                docker("rm", "-f", "-v", *left)
