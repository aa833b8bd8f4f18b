"""The image of the demo's services: its build context from the installed package, its building, its removal."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterable
from importlib import metadata, resources
from pathlib import Path

import mcptop
from mcptop.demo.docker_tool import Asked, DockerTool
from mcptop.demo.plan import DockerPlan
from mcptop.demo.stack import StackError

NAME = f"mcptop-demo:{mcptop.__version__}"

_EXTRA = re.compile(r"""(?:\s*and\s*)?\bextra\s*==\s*['"]demo['"]""")
_BASE = ("msgspec",)
"""What the services need of mcptop's own requirements."""
_LABEL = "mcptop.demo.image"
_NOT_COPIED = ("__pycache__", "ui", "headless", "playbooks")
_PULL_S, _BUILD_S = 900.0, 1800.0
_MADE = "image.made"
"""A file: the image was not there before this demo."""


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
        if not self._tool.has_image(NAME):
            (self._folder / _MADE).touch()
        base = f"BASE={self._plan.base_image}"
        try:
            words = ("--force-rm", "--tag", NAME, "--build-arg", base, str(context))
            self._tool.docker("build", *words, seconds=_BUILD_S, asked=asked)
        except StackError as problem:
            hint = "" if self._plan.wheels else "; where there is no network, give --wheels DIR"
            raise StackError(f"{problem}{hint}") from None
        finally:
            shutil.rmtree(context)

    def remove(self) -> None:
        """As it was before; what cannot be removed is in use by somebody else."""
        if self._plan.keep_image or not self._folder.joinpath(_MADE).exists():
            return
        with contextlib.suppress(StackError):
            self._tool.docker("image", "rm", NAME)
        with contextlib.suppress(StackError):
            # What a build that was ended left.
            self._tool.docker("image", "prune", "--force", "--filter", f"label={_LABEL}")

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
        shutil.copy(package / "demo/compose/Dockerfile", context)
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
