"""Conditions and texts of playbooks: sandboxed Jinja2 in which unknown is neither true nor false.

A name without evidence, or whose value is None, may be passed on but not judged: a condition that would have to look
at it raises `Unknown`, so that missing evidence never counts as evidence of absence. In a text it is "-", and so is
every part of a text that would have to judge it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from math import ceil, isfinite
from typing import Any, TypeVar

from jinja2 import Template, TemplateSyntaxError, Undefined, nodes

from mcptop import units
from mcptop.playbook import sandbox
from mcptop.playbook.sandbox import Branch, Environment, Forbidden, Names
from mcptop.playbook.sandbox import Unknown as Unknown

_SHOWN = 120
T = TypeVar("T")


class ExpressionError(Exception):
    """A condition or text that cannot be read, or fails on what it was given; one line."""


def _shown(form: Callable[[Any], str]) -> Callable[[Any], str]:
    """A filter for texts: what is unknown stays unknown."""
    return lambda value: units.UNKNOWN if value is None or isinstance(value, (Undefined, Branch)) else form(value)


def _rate(bytes_per_s: float) -> str:
    """Memory moves in minutes: 4.8 MiB/min."""
    return f"{units.long_size(bytes_per_s * 60)}/min"


def _plain(value: Any) -> str:
    return units.plain(str(sandbox.short(value)))


def _cores(value: float) -> str:
    return f"{value:.2f} cores" if isfinite(value) else units.UNKNOWN


def _number(value: float) -> str:
    if not isfinite(value):
        return units.UNKNOWN
    # Nobody counts 27.3 callers.
    return f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"


FILTERS: dict[str, Callable[[Any], str]] = {
    "size": _shown(units.long_size),
    "per_minute": _shown(_rate),
    "size_rate": _shown(lambda value: f"{units.long_size(value)}/s"),
    "percent": _shown(units.percent),
    "duration": _shown(units.duration),
    "cores": _shown(_cores),
    "number": _shown(_number),
    "name": _shown(_plain),
    "shell": _shown(lambda value: shlex.quote(_plain(value))),
    "mebibytes": _shown(lambda value: f"{ceil(value / (1 << 20))}m"),
}
"""What texts may use: `{{ watch.anon.slope_per_s | per_minute }}`."""

_ENVIRONMENT = Environment(FILTERS)


@lru_cache(maxsize=4096)
def _condition(text: str) -> Callable[..., Any]:
    _parsed(text, is_template=False)
    return _read(text, lambda: _ENVIRONMENT.compile_expression(text, undefined_to_none=False))


@lru_cache(maxsize=4096)
def _template(text: str) -> Template:
    _parsed(text, is_template=True)
    return _read(text, lambda: _ENVIRONMENT.from_string(text))


def _parsed(text: str, *, is_template: bool) -> nodes.Node:
    """Raises `ExpressionError` for what cannot be read or may not stand there."""
    if len(text) > sandbox.LONGEST:
        raise _wrong(text, f"longer than {sandbox.LONGEST} characters")
    tree = _read(text, lambda: _ENVIRONMENT.parse(text) if is_template else _ENVIRONMENT.parse_expression(text))
    _read(text, lambda: sandbox.check(tree))
    return tree


def _read(text: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except TemplateSyntaxError as error:
        raise _wrong(text, error.message or "cannot be read") from None
    except RecursionError:
        raise _wrong(text, "nested too deeply") from None
    except Exception as error:
        # Python compiles what Jinja makes of it, and has limits of its own: digits, parentheses, indentation.
        raise _wrong(text, str(error)) from None


def _wrong(text: str, says: str) -> ExpressionError:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return ExpressionError(f"`{units.plain(shown)}`: {units.plain(says)}")


def holds(text: str, names: Names) -> bool:
    """Whether a condition holds. Raises `Unknown` when that depends on a missing value, and `ExpressionError`."""
    return _computed(text, lambda: bool(_condition(text)(_rooted(names))))


def value(text: str, names: Names) -> Any:
    """The value of an expression; None where it is not known. Raises `ExpressionError`."""
    try:
        found = _computed(text, lambda: _condition(text)(_rooted(names)))
    except Unknown:
        return None
    return None if isinstance(found, Undefined) else found


def render(text: str, names: Names) -> str:
    """A text with its figures, as one line that is not endless. Raises `ExpressionError`."""
    return _computed(text, lambda: " ".join(_begun(_template(text).generate(_rooted(names))).split()))


def _begun(parts: Iterable[str]) -> str:
    """Parts of a text as they are made, until it is long enough."""
    found, left = [], sandbox.LONGEST
    for part in parts:
        found.append(part[:left])
        left -= len(found[-1])
        if len(found[-1]) < len(part):
            return "".join(found) + "…"
    return "".join(found)


def _computed(text: str, compute: Callable[[], T]) -> T:
    try:
        return compute()
    except (Unknown, ExpressionError):
        raise
    except Forbidden as error:
        raise _wrong(text, str(error)) from None
    except Exception as error:
        raise _wrong(text, f"{type(error).__name__}: {error}") from None


def _rooted(names: Names) -> dict[str, Any]:
    top = Branch("", names)
    return {key: top.under(key) for key in names}


def names_in(text: str, *, template: bool) -> Iterator[str]:
    """Every dotted name a condition (or a text) looks at. Raises `ExpressionError`."""
    tree = _parsed(text, is_template=template)
    for applied in (tree, *tree.find_all(nodes.Node)):
        if isinstance(applied, nodes.Filter) and applied.name not in _ENVIRONMENT.filters:
            raise _wrong(text, f"there is no filter `{applied.name}`; known are: {', '.join(FILTERS)}")
    # Compiling finds what reading does not: tests that do not exist.
    if template:
        _template(text)
    else:
        _condition(text)
    every = [n for n in (tree, *tree.find_all(nodes.Node)) if isinstance(n, (nodes.Getattr, nodes.Getitem, nodes.Name))]
    inner = {id(each.node) for each in every if isinstance(each, (nodes.Getattr, nodes.Getitem)) and _dotted(each)}
    for node in every:
        if id(node) not in inner and (found := _dotted(node)):
            yield found


def _dotted(node: nodes.Node) -> str:
    """`a.b` of `a.b` and of `a['b']`; nothing for what is computed."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        key = node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        key = node.arg.value
    else:
        return ""
    head = _dotted(node.node) if isinstance(node, (nodes.Getattr, nodes.Getitem)) else ""
    return f"{head}.{key}" if head else ""
