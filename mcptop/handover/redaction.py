"""A handover without its secrets. Names of hosts and addresses stay: who takes over has to go there."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from msgspec import Struct, structs

from mcptop.handover import picture
from mcptop.handover.contents import Contents
from mcptop.handover.picture import Picture
from mcptop.model.diagnosis import Evidence
from mcptop.model.frame import Frame
from mcptop.playbook.redact import Redactor

_TELLING = 4
"""Fewer letters of a secret tell nothing, and stand in other words too."""
_HIDDEN = "<secret>"
_CUT = re.compile(r"[^\s…]+(?=…)")


def without_secrets(contents: Contents, frame: Frame) -> Contents:
    """The same, with a token wherever a secret stood. `frame` is what the contents and the screen were made of."""
    cleaner = _Cleaner()
    # What is known to be a secret in one place is one in every other: first all is heard, then written.
    for each in (frame.services, frame.events, frame.alerts, frame.sources, contents):
        cleaner.clean(each)
    clean: Contents = cleaner.clean(contents)
    return clean


class _Cleaner:
    def __init__(self) -> None:
        self._redactor = Redactor()
        self._hidden: dict[str, str] = {}
        """A text with a secret -> the same without."""

    def clean(self, value: Any) -> Any:
        """The value, whatever it is made of, with its texts redacted."""
        if isinstance(value, Enum):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Evidence):
            return self._redactor.evidence(value)
        if isinstance(value, Picture):
            return picture.rewritten(value, self._text, self._part)
        if isinstance(value, Struct):
            names = value.__struct_fields__
            return structs.replace(value, **{name: self.clean(getattr(value, name)) for name in names})
        if isinstance(value, tuple | list):
            parts = [self.clean(each) for each in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        return value

    def _text(self, text: str) -> str:
        clean = self._redactor.text(text)
        if clean != text:
            self._hidden[text] = clean
        return _CUT.sub(lambda match: self._known(match[0]), clean)

    def _part(self, text: str) -> str:
        """Of the screen: its columns cut without a sign, too."""
        seen = text.strip()
        return text.replace(seen, self._known(seen)) if seen else text

    def _known(self, seen: str) -> str:
        """What is left of a text that was cut, and maybe a secret with it, so short that it looks like none."""
        is_telling = len(seen) >= _TELLING
        hidden = is_telling and any(seen in text and seen not in clean for text, clean in self._hidden.items())
        return _HIDDEN if hidden else seen
