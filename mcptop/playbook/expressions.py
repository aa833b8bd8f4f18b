"""Conditions and texts of playbooks: sandboxed Jinja2 in which unknown is neither true nor false.

A name without evidence, or whose value is None, may be passed on but not judged: a condition that would have to look
at it raises `Unknown`, so that missing evidence never counts as evidence of absence. In a text it is "-".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import Template, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mcptop import units

Names = Mapping[str, Any]


class Unknown(Exception):
    """A condition asked for evidence nobody has; the message is its name."""


class ExpressionError(Exception):
    """A condition or text that cannot be read, or fails on what it was given; one line."""


class _Missing(Undefined):
    """A value nobody has; remembers its whole name."""

    def _refuse(self, *about: Any, **named: Any) -> NoReturn:
        raise Unknown(self._undefined_name or "?")

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __mod__ = __neg__ = __pos__ = __int__ = __float__ = __iter__ = __len__ = __contains__ = _refuse
    __call__ = _refuse
    __hash__ = Undefined.__hash__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Missing(name=f"{self._undefined_name}.{name}")

    def __str__(self) -> str:
        return units.UNKNOWN


class _Branch:
    """Evidence under a name."""

    __slots__ = ("_name", "_values")

    def __init__(self, name: str, values: Names) -> None:
        self._name = name
        self._values = values

    def under(self, attribute: str) -> Any:
        """What is there; a None is as unknown as a name that is not there."""
        name = f"{self._name}.{attribute}" if self._name else attribute
        found = self._values.get(attribute)
        if found is None:
            return _Missing(name=name)
        return _Branch(name, found) if isinstance(found, Mapping) else found


class _Environment(ImmutableSandboxedEnvironment):
    """Names lead to evidence only, never into Python's objects."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, _Missing):
            return getattr(obj, attribute)
        if isinstance(obj, _Branch):
            return obj.under(attribute)
        return obj.get(attribute) if isinstance(obj, Mapping) else _Missing(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self.getattr(obj, argument) if isinstance(argument, str) else super().getitem(obj, argument)


def _shown(form: Callable[[Any], str]) -> Callable[[Any], str]:
    """A filter for texts: what is unknown stays unknown."""
    return lambda value: units.UNKNOWN if value is None or isinstance(value, Undefined) else form(value)


def _rate(bytes_per_s: float) -> str:
    """Memory moves in minutes: 4.8 MiB/min."""
    return f"{units.long_size(bytes_per_s * 60)}/min"


def _plain(value: Any) -> str:
    return units.plain(str(value))


def _number(value: float) -> str:
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.2g}" if abs(value) < 10 else f"{value:.3g}"


FILTERS: dict[str, Callable[[Any], str]] = {
    "size": _shown(units.long_size),
    "per_minute": _shown(_rate),
    "size_rate": _shown(lambda value: f"{units.long_size(value)}/s"),
    "percent": _shown(units.percent),
    "duration": _shown(units.duration),
    "cores": _shown(lambda value: f"{value:.2f} cores"),
    "number": _shown(_number),
    "name": _shown(_plain),
}
"""What texts may use: `{{ watch.anon.slope_per_s | per_minute }}`."""


def _environment() -> _Environment:
    made = _Environment(undefined=_Missing, autoescape=False)
    made.filters = dict(FILTERS)
    for name in ("abs", "round", "max", "min", "length", "join", "first", "default"):
        made.filters[name] = ImmutableSandboxedEnvironment().filters[name]
    made.globals = {}
    return made


_ENVIRONMENT = _environment()


@lru_cache(maxsize=4096)
def _condition(text: str) -> Callable[..., Any]:
    try:
        return _ENVIRONMENT.compile_expression(text, undefined_to_none=False)
    except TemplateSyntaxError as error:
        raise ExpressionError(f"`{text}`: {error.message}") from None


@lru_cache(maxsize=4096)
def _template(text: str) -> Template:
    try:
        return _ENVIRONMENT.from_string(text)
    except TemplateSyntaxError as error:
        raise ExpressionError(f"`{text}`: {error.message}") from None


def holds(text: str, names: Names) -> bool:
    """Whether a condition holds. Raises `Unknown` when that depends on a missing value, and `ExpressionError`."""
    return bool(_run(text, names))


def value(text: str, names: Names) -> Any:
    """The value of an expression; None where it is not known. Raises `ExpressionError`."""
    try:
        found = _run(text, names)
    except Unknown:
        return None
    return None if isinstance(found, Undefined) else found


def _run(text: str, names: Names) -> Any:
    try:
        return _condition(text)(**_rooted(names))
    except (Unknown, ExpressionError):
        raise
    except Exception as error:
        raise ExpressionError(f"`{text}`: {type(error).__name__}: {error}") from None


def render(text: str, names: Names) -> str:
    """A text with its figures, as one line. Raises `ExpressionError`."""
    try:
        return " ".join(_template(text).render(_rooted(names)).split())
    except Unknown as missing:
        raise ExpressionError(f"`{text}`: {missing} is unknown, and the text computes with it") from None
    except ExpressionError:
        raise
    except Exception as error:
        raise ExpressionError(f"`{text}`: {type(error).__name__}: {error}") from None


def _rooted(names: Names) -> dict[str, Any]:
    top = _Branch("", names)
    return {key: top.under(key) for key in names}


def names_in(text: str, *, template: bool) -> Iterator[str]:
    """Every dotted name a condition (or a text) looks at. Raises `ExpressionError`."""
    try:
        tree = _ENVIRONMENT.parse(text if template else "{{ (" + text + ") }}")
    except TemplateSyntaxError as error:
        raise ExpressionError(f"`{text}`: {error.message}") from None
    for applied in tree.find_all(nodes.Filter):
        if applied.name not in _ENVIRONMENT.filters:
            raise ExpressionError(f"`{text}`: there is no filter `{applied.name}`; known are: {', '.join(FILTERS)}")
    attributes, items = tree.find_all(nodes.Getattr), tree.find_all(nodes.Getitem)
    inner = {*(id(each.node) for each in attributes), *(id(each.node) for each in items)}
    local = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    for node in (*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Name)):
        if id(node) not in inner and (found := _dotted(node)) and found.partition(".")[0] not in local:
            yield found
    # Compiling finds what reading does not: tests that do not exist.
    if template:
        _template(text)
    else:
        _condition(text)


def _dotted(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        head = _dotted(node.node)
        return f"{head}.{node.attr}" if head else ""
    return ""
