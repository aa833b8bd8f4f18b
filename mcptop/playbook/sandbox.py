"""Jinja as far as playbooks may use it: names lead to evidence only, and what is unknown is neither true nor false.

Nothing in it can loop, call, or make more of a text than stands there: bundles of strangers are judged too.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from jinja2 import Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mcptop import units

Names = Mapping[str, Any]
_BORROWED = ("max", "min", "length", "first", "default")
_STATEMENTS = (nodes.Output, nodes.If)
_MOST_DIGITS = 12
_MOST_POWER, _MOST_BASE = 64, 1 << 20
LONGEST = 10_000
"""Characters of a text of a playbook, of one made of it, and of what is shown of a value: evidence may be any size."""
_PARTS = reprlib.Repr()
_PARTS.maxlist = _PARTS.maxtuple = _PARTS.maxdict = 100
_PARTS.maxstring = _PARTS.maxlong = _PARTS.maxother = 1000


class Unknown(Exception):
    """A condition asked for evidence nobody has; the message is its name."""


class Forbidden(Exception):
    """What no playbook may do; one line."""


class Missing(Undefined):
    """A value nobody has; remembers its whole name. What is computed with it is missing as well."""

    __slots__ = ()

    def _refuse(self, *about: Any, **named: Any) -> NoReturn:
        raise Unknown(str(self._undefined_name or "?"))

    def _pass_on(self, *about: Any) -> Any:
        return self

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __int__ = __float__ = __complex__ = __iter__ = __len__ = __contains__ = __call__ = __hash__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _pass_on
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _pass_on
    __neg__ = __pos__ = __abs__ = __round__ = __getitem__ = _pass_on

    def under(self, attribute: Any) -> Missing:
        """Nothing is known below it either."""
        return Missing(name=f"{self._undefined_name or '?'}.{attribute}")

    def __str__(self) -> str:
        return units.UNKNOWN


class Branch:
    """Evidence under a name."""

    __slots__ = ("_name", "_values")

    def __init__(self, name: str, values: Names) -> None:
        self._name = name
        self._values = values

    def under(self, attribute: str) -> Any:
        """What is there; a None is as unknown as a name that is not there."""
        return _found(self._values.get(attribute), f"{self._name}.{attribute}" if self._name else attribute)

    def __str__(self) -> str:
        # Not a figure, and not the address of an object either: the same evidence gives the same text.
        return units.UNKNOWN


def _found(value: Any, name: str) -> Any:
    if value is None:
        return Missing(name=name)
    if isinstance(value, str):
        return value[:LONGEST]
    return Branch(name, value) if isinstance(value, Mapping) else value


def short(value: Any) -> Any:
    """A value as a text may hold it."""
    if isinstance(value, list | tuple):
        value = _PARTS.repr(value)
    return value[:LONGEST] if isinstance(value, str) else value


def joined(values: Iterable[Any], between: Any = "") -> str:
    """Texts of values, one after the other, as long as there is room."""
    found, left, mark = [], LONGEST, str(short(between))
    for value in values:
        found.append(str(short(value)))
        left -= len(found[-1]) + len(mark)
        if left < 0:
            break
    return mark.join(found)[:LONGEST]


class _Generator(CodeGenerator):
    """A part of a text that turns on something unknown is "-", and the rest of the text stands."""

    def visit_If(self, node: nodes.If, frame: Frame) -> None:
        self._guarded(frame, lambda: super(_Generator, self).visit_If(node, frame))

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        for child in node.nodes:
            alone = nodes.Output([child], lineno=node.lineno)
            if isinstance(child, nodes.TemplateData):
                super().visit_Output(alone, frame)
            else:
                self._guarded(frame, lambda part=alone: super(_Generator, self).visit_Output(part, frame))  # type: ignore[misc]

    def _guarded(self, frame: Frame, write: Callable[[], None]) -> None:
        self.writeline("try:")
        self.indent()
        write()
        self.outdent()
        self.writeline("except environment.unknown:")
        self.indent()
        super().visit_Output(nodes.Output([nodes.TemplateData(units.UNKNOWN)]), frame)
        self.outdent()

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined((")
        for each in node.nodes:
            self.visit(each, frame)
            self.write(", ")
        self.write("))")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        # `x in "text"` asks the text, which knows nothing of what is missing.
        if not any(each.op in ("in", "notin") for each in node.ops):
            super().visit_Compare(node, frame)
            return
        self.write("(environment.known(")
        self.visit(node.expr, frame)
        self.write(")")
        for each in node.ops:
            self.visit(each, frame)
        self.write(")")


class Environment(ImmutableSandboxedEnvironment):
    """Names lead to evidence only, never into Python's objects."""

    code_generator_class = _Generator
    intercepted_binops = frozenset(["*", "**", "%", "/", "//", "+"])
    unknown = Unknown
    joined = staticmethod(joined)

    def __init__(self, filters: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(undefined=Missing, autoescape=False, finalize=short)
        borrowed = {name: self.filters[name] for name in _BORROWED}
        self.filters = {**filters, **borrowed, "abs": abs, "round": _rounded, "join": joined}
        self.tests = {name: self.tests[name] for name in ("defined", "undefined")}
        self.globals = {}

    def parse_expression(self, text: str) -> nodes.Expr:
        """The tree of a condition. Raises `TemplateSyntaxError`."""
        parser = Parser(self, text, state="variable")
        found = parser.parse_expression()
        if not parser.stream.eos:
            parser.fail("something stands behind its end")
        return found

    @staticmethod
    def known(value: Any) -> Any:
        """The value itself; raises `Unknown`."""
        return bool(value) if isinstance(value, Missing) else value

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, (Missing, Branch)):
            return obj.under(attribute)
        return _found(obj.get(attribute), attribute) if isinstance(obj, Mapping) else Missing(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) or isinstance(obj, (Missing, Branch)):
            return self.getattr(obj, str(argument))
        return _found(super().getitem(obj, argument), str(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Numbers only, and none that takes a minute to compute; two texts or lists make no endless one."""
        if isinstance(left, Missing) or isinstance(right, Missing):
            return left if isinstance(left, Missing) else right
        if operator == "+":
            if isinstance(left, str | list) and isinstance(right, str | list) and len(left) + len(right) > LONGEST:
                raise Forbidden("too long to be put together")
            return super().call_binop(context, operator, left, right)
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise Forbidden(f"`{operator}` is for numbers")
        if operator in ("/", "//", "%") and right == 0:
            return Missing(name="what is divided by 0")  # so many a request, where there were none
        if operator == "**" and (abs(left) > _MOST_BASE or abs(right) > _MOST_POWER):
            raise Forbidden("a power too large to compute")
        return super().call_binop(context, operator, left, right)


def _rounded(value: Any, digits: int = 0) -> Any:
    return round(value, max(-_MOST_DIGITS, min(_MOST_DIGITS, digits)))


def check(tree: nodes.Node) -> None:
    """Raises `Forbidden` for a part of Jinja that playbooks have no use for."""
    for node in (tree, *tree.find_all(nodes.Node)):
        if isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS):
            raise Forbidden(f"`{{% {type(node).__name__.lower()} %}}` is not for playbooks")
        if isinstance(node, nodes.Call):
            raise Forbidden("nothing can be called here")
