"""The image of the demo's services: its build context from the installed package, its building, its removal."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterable
from importlib import metadata, resources
from pathlib import Path

import mcptop
from mcptop.demo import PROJECT
from mcptop.demo.containers.docker_tool import Asked, DockerTool
from mcptop.demo.plan import DockerPlan
from mcptop.demo.stack import StackError

NAME = f"mcptop-demo:{mcptop.__version__}"

_EXTRA = re.compile(r"""(?:\s*and\s*)?\bextra\s*==\s*['"]demo['"]""")
_BASE = ("httpx", "msgspec")
"""What the services need of mcptop's own requirements."""
_LABEL = "mcptop.demo.image"
_NOT_COPIED = ("__pycache__", "ui", "headless", "playbooks")
_PULL_S, _BUILD_S = 900.0, 1800.0
_CANCELLED_S, _STEP_S = 15.0, 1.0
_NOTE = "image.note"
"""A file: this demo built an image; it says whether one of that name was there before."""
_NEW, _REBUILT = "new", "rebuilt"


class Image:
    """One demo's image; what it needs to know later is in the demo's folder."""

    def __init__(self, tool: DockerTool, plan: DockerPlan, folder: Path) -> None:
        self._tool = tool
        self._plan = plan
        self._folder = folder

    def build(self, asked: Asked) -> None:
        """Build it, or find it built. Raises `StackError`."""
        context = self._context()
        self._pull_base(asked)
        (self._folder / _NOTE).write_text(_REBUILT if self._tool.has_image(NAME) else _NEW)
        base = f"BASE={self._plan.base_image}"
        try:
            words = ("--force-rm", "--tag", NAME, "--build-arg", base, str(context))
            self._tool.docker("build", *words, seconds=_BUILD_S, asked=asked)
        except StackError as problem:
            with contextlib.suppress(StackError):
                self._let_it_end()
            hint = "" if self._plan.wheels else "; where there is no network, give --wheels DIR"
            raise StackError(f"{problem}{hint}") from None
        finally:
            shutil.rmtree(context)

    def remove(self) -> None:
        """As it was before; what cannot be removed is in use by somebody else."""
        note = self._folder / _NOTE
        if not note.exists():
            return
        with contextlib.suppress(StackError):
            # What a build that was ended left, or one that replaced an older image.
            self._tool.docker("image", "prune", "--force", "--filter", f"label={_LABEL}")
        if note.read_text() == _NEW and not self._plan.keep_image:
            with contextlib.suppress(StackError):
                self._tool.docker("image", "rm", NAME)

    def _let_it_end(self) -> None:
        """Wait for the step that the engine is at: it ends that although nobody waits for the build any more."""
        deadline = time.monotonic() + _CANCELLED_S
        what = ("--filter", f"label={_LABEL}", "--format", '{{.ID}}{{.Label "com.docker.compose.project"}}')
        while True:
            time.sleep(_STEP_S)
            # Only containers of builders belong to no project.
            steps = [line for line in self._tool.docker("ps", "-a", *what).split() if not line.endswith(PROJECT)]
            if not steps or time.monotonic() > deadline:
                return

    def _pull_base(self, asked: Asked) -> None:
        base = self._plan.base_image
        if self._tool.has_image(base):
            return
        try:
            self._tool.docker("pull", "--quiet", base, seconds=_PULL_S, asked=asked)
        except StackError as problem:
            hint = f"`docker load` it, or name one that is here with --base-image (`{base}` is not)"
            raise StackError(f"{problem}; {hint}") from None

    def _context(self) -> Path:
        context = self._folder / "image"
        wheels = context / "wheels"
        wheels.mkdir(parents=True)
        for wheel in self._wheels():
            shutil.copy(wheel, wheels)
        (context / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements()))
        package = Path(str(resources.files("mcptop")))
        shutil.copytree(package, context / "mcptop", ignore=shutil.ignore_patterns(*_NOT_COPIED))
        shutil.copy(package / "demo/containers/compose/Dockerfile", context)
        return context

    def _wheels(self) -> list[Path]:
        if self._plan.wheels is None:
            return []
        found = sorted(Path(self._plan.wheels).glob("*.whl"))
        if not found:
            raise StackError(f"--wheels {self._plan.wheels}: there is no *.whl; `pip download -d` puts some there")
        return found


def requirements() -> list[str]:
    """What the services need to be installed, in pip's words. Raises `StackError`."""
    try:
        found = metadata.requires("mcptop") or []
    except metadata.PackageNotFoundError:
        raise StackError("mcptop itself is not installed here, only its source: pip install 'mcptop[demo]'") from None
    return sorted(_wanted(found))


def _wanted(found: Iterable[str]) -> Iterable[str]:
    for line in found:
        requirement, _, marker = (part.strip() for part in line.partition(";"))
        if _EXTRA.search(marker):
            rest = _EXTRA.sub("", marker).strip()
            yield f"{requirement}; {rest}" if rest else requirement
        elif not marker and re.match(r"[\w.-]+", requirement)[0] in _BASE:  # type: ignore[index]
            yield requirement
