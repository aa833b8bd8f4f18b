"""How values stand in a record: every struct as an array, its fields in the order the recording's header names.

A header names the fields, so a field that is added, moved or taken away does not make older recordings unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from mcptop.model.snapshot import Target
from mcptop.recording.errors import Damage

Fields = Mapping[str, tuple[str, ...]]
"""Name of a struct -> its fields, in their order."""

LEFT_OUT: Mapping[type[Struct], tuple[str, ...]] = {Target: ("environment", "metrics_url")}
"""What no recording holds: values of the environment, and addresses that may have a password in them."""
# More than any figure that is meant seriously: what is counted from them later must stay finite.
_FLOAT = Annotated[float, Meta(ge=-1e30, le=1e30)]
_INT = Annotated[int, Meta(ge=-(2**62), le=2**63 - 1)]
_BOUNDED: Mapping[Any, Any] = {float: _FLOAT, int: _INT}
_MOST_FIELDS = 200


class Layout:
    """Makes the rows of one kind of struct, and reads them back."""

    def __init__(self, kind: type[Struct], fields: Fields | None = None) -> None:
        """`fields` of a header; None: as they are now. Raises `Damage` where a value cannot be made of them."""
        self._kind = kind
        self._given = fields
        self._rows: dict[type[Struct], type[Struct]] = {}
        self.fields: dict[str, tuple[str, ...]] = {}
        """Of the kind and of everything in it."""
        self._row = self._row_of(kind)
        self._decoder = msgspec.msgpack.Decoder(self._row)

    def packed(self, value: Struct) -> bytes:
        """Raises `ValueError` or `OverflowError` for a figure that nobody means seriously."""
        return _ENCODER.encode(msgspec.convert(value, self._row, from_attributes=True))

    def read(self, data: bytes) -> Any:
        """The value. Raises `Damage`."""
        try:
            return msgspec.convert(self._decoder.decode(data), self._kind, from_attributes=True)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
            raise Damage(str(error)) from None

    def _row_of(self, kind: type[Struct]) -> type[Struct]:
        if kind not in self._rows:
            hints = get_type_hints(kind)
            self.fields[kind.__name__] = names = self._names(kind)
            # A field this version does not know keeps its place.
            row = [
                (name, self._annotation(hints[name])) if name in hints else (f"unknown_{place}", Any)
                for place, name in enumerate(names)
            ]
            self._rows[kind] = msgspec.defstruct(f"{kind.__name__}Row", row, array_like=True, frozen=True, gc=False)
        return self._rows[kind]

    def _names(self, kind: type[Struct]) -> tuple[str, ...]:
        if self._given is None:
            return tuple(name for name in kind.__struct_fields__ if name not in LEFT_OUT.get(kind, ()))
        names = self._given.get(kind.__name__, ())
        missing = {field.name for field in msgspec.structs.fields(kind) if field.required} - set(names)
        if missing or len(set(names)) != len(names) or len(names) > _MOST_FIELDS:
            raise Damage(f"no {', '.join(sorted(missing)) or 'such fields'} in its {kind.__name__}")
        return names

    def _annotation(self, annotation: Any) -> Any:
        if isinstance(annotation, type) and issubclass(annotation, Struct):
            return self._row_of(annotation)
        if not (inner := get_args(annotation)):
            return _BOUNDED.get(annotation, annotation)
        inside = tuple(self._annotation(each) for each in inner)
        origin = get_origin(annotation)
        return reduce(or_, inside) if origin in (Union, UnionType) else origin[inside]


_ENCODER = msgspec.msgpack.Encoder()


@cache
def _texts(kind: type[Struct]) -> tuple[str, ...]:
    """The fields of a struct in which there may be text."""
    return tuple(name for name, hint in get_type_hints(kind).items() if _has_text(hint))


def _has_text(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, Struct):
        return bool(_texts(hint))
    return hint is str or any(map(_has_text, get_args(hint)))


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every text in it changed; structs are changed in place, so they must be the caller's own."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Struct):
        for name in _texts(type(value)):
            before = getattr(value, name)
            if before is not None and (after := each_text(before, change)) is not before:
                msgspec.structs.force_setattr(value, name, after)
        return value
    if isinstance(value, dict):
        return {each_text(key, change): each_text(inside, change) for key, inside in value.items()}
    if isinstance(value, (tuple, list, frozenset)):
        return type(value)(each_text(inside, change) for inside in value)
    return value
