"""What changes containers. A class of its own: the one that everybody else has can only look and run programs."""

from __future__ import annotations

from typing import Any

from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.docker_target import Answer
from mcptop.units import plain

_PATIENCE_S = 10
"""How long the engine may take for its own part, beyond what a container is given to end."""


class DockerControl(DockerEngine):
    """A connection that carries out orders, each within a time limit. Every call may raise `EngineError`."""

    def __init__(self, host: str | None = None) -> None:
        super().__init__(host, timeout_s=_PATIENCE_S)

    def start(self, container: str) -> None:
        """Start one that does not run."""
        self._ask("start", container)

    def stop(self, container: str, grace_s: int) -> None:
        """Send its stop signal, and KILL after `grace_s`."""
        self._ask("stop", container, timeout=grace_s)

    def restart(self, container: str, grace_s: int) -> None:
        """Stop it likewise, and start it."""
        self._ask("restart", container, timeout=grace_s)

    def pause(self, container: str) -> None:
        """Freeze all its processes."""
        self._ask("pause", container)

    def unpause(self, container: str) -> None:
        """Let them go on."""
        self._ask("unpause", container)

    def signal(self, container: str, name: str) -> None:
        """Send a signal, named without SIG, to its first process."""
        self._ask("kill", container, signal=f"SIG{name}")

    def update(self, container: str, values: Answer) -> list[str]:
        """Set limits, named as in the engine's API; what the engine warns of."""
        # Not the package's own `update_container`: it cannot set NanoCpus, which the engine does not mix with quotas.
        address = self._ask("_url", "/containers/{0}/update", container)
        answer = self._ask("_result", self._ask("_post_json", address, data=dict(values)), True)
        return [plain(str(warning)) for warning in answer.get("Warnings") or ()]

    def _ask(self, call: str, *args: Any, **options: Any) -> Any:
        """As for every engine, but in the engine's own words where it refuses."""
        from docker.errors import APIError

        try:
            return super()._ask(call, *args, **options)
        except EngineError as error:
            if isinstance(error.__cause__, APIError) and error.__cause__.explanation:
                said = str(error.__cause__.explanation)
                raise EngineError(plain(f"docker refuses: {' '.join(said.split())}")) from error
            raise
