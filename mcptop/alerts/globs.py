"""Patterns for names as in the shell, `*` and `?`, as regular expressions for Python and Prometheus alike. Pure."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[.+^$(){}\[\]|\\]")


def regex(glob: str) -> str:
    """Of the whole name."""
    return _SPECIAL.sub(r"\\\g<0>", glob).replace("*", ".*").replace("?", ".")


def parts(glob: str) -> tuple[str | None, str]:
    """Project and service; the project None: any."""
    project, slash, service = glob.partition("/")
    return (project, service) if slash else (None, project)


def matches(glob: str, project: str | None, service: str) -> bool:
    """Whether it is the service's name, or PROJECT/NAME where it has a slash."""
    wanted, name = parts(glob)
    if wanted is not None and re.fullmatch(regex(wanted), project or "") is None:
        return False
    return re.fullmatch(regex(name), service) is not None
