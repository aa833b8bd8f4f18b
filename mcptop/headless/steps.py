"""`mcptop playbooks steps`: which kinds of steps there are, what each takes and what it gives."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct
from rich.console import Console
from rich.text import Text

from mcptop.exit_status import ExitStatus
from mcptop.headless import report
from mcptop.playbook.steps.base import Seconds, StepKind
from mcptop.playbook.steps.catalogue import KINDS, kind_of

_UNITS = "seconds, bytes, cores, shares from 0 to 1, or counts; `_per_s` is any of them a second"
_TYPES = {Seconds: "duration", int: "number", str: "text", tuple[str, ...]: "texts", tuple[int, ...]: "numbers",
          dict[str, str]: "texts by name"}  # fmt: skip


class Option(Struct, frozen=True):
    """One key of `with`."""

    name: str
    type: str
    default: Any
    """A duration in seconds; null where the option has to be given."""
    required: bool


class Kind(Struct, frozen=True):
    """One kind of step."""

    name: str
    says: str
    safety: str
    alongside: bool
    """It watches for its whole time beside the steps that run one after the other."""
    takes: str
    """What the options say, in a sentence; empty without any."""
    options: tuple[Option, ...]
    emits: dict[str, str]
    """Every value it gives, by its dotted name: what it is and its unit."""


class StepsDocument(Struct, frozen=True, tag_field="schema", tag="mcptop.steps/1"):
    """`mcptop playbooks steps --json`."""

    steps: tuple[Kind, ...]


def run(name: str | None, as_json: bool) -> ExitStatus:
    """All kinds, or one in full. Raises `UnknownKind`."""
    found = tuple(map(_kind, KINDS.values() if name is None else (kind_of(name),)))
    if as_json:
        report.print_json(StepsDocument(found))
        return ExitStatus.OK
    console = report.console()
    if name is None:
        _list(console, found)
    else:
        _describe(console, found[0])
    return ExitStatus.OK


def _kind(kind: StepKind) -> Kind:
    fields = msgspec.structs.fields(kind.options)
    takes = " ".join((kind.options.__doc__ or "").split()) if fields else ""
    return Kind(kind.name, kind.says, kind.safety.name.lower(), kind.alongside, takes,
                tuple(map(_option, fields)), dict(kind.emits))  # fmt: skip


def _option(field: msgspec.structs.FieldInfo) -> Option:
    default = field.default if field.default_factory is NODEFAULT else field.default_factory()
    if default is NODEFAULT:
        return Option(field.encode_name, _TYPES[field.type], None, True)
    return Option(field.encode_name, _TYPES[field.type], float(default) if field.type is Seconds else default, False)


def _list(console: Console, kinds: tuple[Kind, ...]) -> None:
    room = max(len(each.name) for each in kinds)
    for each in kinds:
        tone = "dim" if each.safety == "passive" else "yellow"
        console.print(Text.assemble((f"{each.name:<{room}}", "bold"), "  ", (f"{each.safety:<8}", tone), "  ",
                                    each.says + (" (beside the others)" if each.alongside else "")))  # fmt: skip


def _describe(console: Console, kind: Kind) -> None:
    console.print(Text.assemble((kind.name, "bold"), f"  {kind.says}"))
    when = "beside the other steps, for its whole time" if kind.alongside else "in its turn"
    console.print(Text(f"{kind.safety}; runs {when}", "dim"))
    if kind.options:
        console.print(Text.assemble(("\nTAKES", "bold dim"), f"  {kind.takes}"))
        room = max(len(option.name) for option in kind.options)
        for option in kind.options:
            console.print(Text.assemble((f"  {option.name:<{room}}", "bold"), f"  {option.type}, {_default(option)}"))
    console.print(Text("\nGIVES", "bold dim"))
    room = max(map(len, kind.emits))
    for name, says in kind.emits.items():
        console.print(Text.assemble((f"  {name:<{room}}", "bold"), f"  {says}"))
    console.print(Text(f"\nUnits: {_UNITS}.", "dim"))


def _default(option: Option) -> str:
    if option.required:
        return "has to be given"
    if option.type == "duration":
        return f"{option.default:g}s unless given"
    if option.default in ("", (), {}):
        return "none unless given"
    values = option.default if isinstance(option.default, tuple) else (option.default,)
    return f"{', '.join(map(str, values))} unless given"
