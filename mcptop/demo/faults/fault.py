"""What a fault is, how one is declared, and how its dose is read from text."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mcptop.demo import DemoError
from mcptop.model.mechanisms import HARMLESS, Mechanism

Dose = int | float | str
Inject = Callable[..., AbstractAsyncContextManager[None]]


class FaultError(DemoError):
    """A fault or a dose that does not exist; one line."""


@dataclass(frozen=True)
class Fault:
    """One fault, or one healthy control that looks like it."""

    name: str
    mechanism: Mechanism
    service: str
    """Where it happens."""
    says: str
    """What happens, in one sentence."""
    shows: str
    """What gives it away from outside."""
    params: Mapping[str, Dose]
    """The dose: name -> default."""
    inject: Inject
    """`inject(service, **params)`; with `on_stack`, `inject(stack, **params)`."""
    needs_docker: bool = False
    on_stack: bool = False
    """It is done to the container from outside, not in the program."""

    @property
    def harmless(self) -> bool:
        """Whether it is a control: it looks like a fault and is none."""
        return self.mechanism in HARMLESS

    def dose(self, text: str) -> dict[str, Dose]:
        """All parameters, from `key=value,key=value` over the defaults. Raises `FaultError`."""
        found = dict(self.params)
        for part in filter(None, (part.strip() for part in text.split(","))):
            key, sign, value = part.partition("=")
            if not sign or key not in self.params:
                known = ", ".join(f"{k}={v}" for k, v in self.params.items()) or "none"
                raise FaultError(f"fault {self.name}: `{part}` is no parameter of it; it has: {known}")
            found[key] = self._number(key, value)
        return found

    def _number(self, key: str, value: str) -> Dose:
        kind = type(self.params[key])
        try:
            number = kind(value)
        except ValueError:
            raise FaultError(f"fault {self.name}: `{key}={value}`: expected {kind.__name__}") from None
        if not isinstance(number, str) and not 0 <= number < 1e9:
            raise FaultError(f"fault {self.name}: `{key}={value}`: expected 0 or more")
        return number


def fault(
    mechanism: Mechanism, service: str, shows: str, *, needs_docker: bool = False, on_stack: bool = False
) -> Callable[[Callable[..., AsyncIterator[None]]], Fault]:
    """Declare a fault: its name, sentence and dose are those of the function."""

    def declare(function: Callable[..., AsyncIterator[None]]) -> Fault:
        params = list(inspect.signature(function).parameters.values())[1:]
        defaults: dict[str, Any] = {each.name: each.default for each in params}
        says = inspect.getdoc(function) or ""
        return Fault(
            name=function.__name__.replace("_", "-"),
            mechanism=mechanism,
            service=service,
            says=says.splitlines()[0],
            shows=shows,
            params=defaults,
            inject=asynccontextmanager(function),
            needs_docker=needs_docker or on_stack,
            on_stack=on_stack,
        )

    return declare
