"""A container beside the stack that takes what the stack needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mcptop.demo import PROJECT
from mcptop.demo.containers import image
from mcptop.demo.containers.docker_tool import DockerTool
from mcptop.demo.stack import StackError

_SERVICE = "neighbour"
_HOME = "/run/mcptop-demo"
_NUMBER = {"cpu": "1", "disk": "2"}


@contextmanager
def neighbour(
    tool: DockerTool, kind: str, processes: str, user: str, labels: dict[str, str], folder: Path
) -> Iterator[None]:
    """Runs inside the block. `kind`: see `mcptop.demo.services.neighbour`. Raises `StackError`."""
    name = f"{PROJECT}-{_SERVICE}-{kind}"
    # On a folder of the host: the layers of some storage drivers hide whose writes they are.
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    options = (
        *("--name", name, "--user", user, "--network", "none", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--log-opt", "max-size=10m", "--log-opt", "max-file=2"),
        *("--volume", f"{folder}:{_HOME}", "--env", f"DEMO_DIR={_HOME}"),
        *(word for label, value in {**labels, **_compose(kind)}.items() for word in ("--label", f"{label}={value}")),
    )
    program = ("python3", "-m", "mcptop.demo.services.neighbour", kind, processes)
    made = tool.docker("create", *options, image.NAME, *program).strip()
    try:
        tool.docker("start", made)
        yield
    finally:
        # Gone already where the whole stack was taken down meanwhile.
        with suppress(StackError):
            tool.docker("rm", "--force", "--volumes", made)


def _compose(kind: str) -> dict[str, str]:
    """What shows it as a service of the project."""
    prefix = "com.docker.compose"
    return {
        f"{prefix}.project": PROJECT,
        f"{prefix}.service": _SERVICE,
        f"{prefix}.container-number": _NUMBER.get(kind, "1"),
        f"{prefix}.oneoff": "False",
    }
