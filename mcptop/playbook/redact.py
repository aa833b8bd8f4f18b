"""Secrets out of all that is shown, judged or stored; throughout a diagnosis the same secret gets the same token.

Done before judging, so that a verdict from a stored case is the same, byte for byte. What comes out can always be
written as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

import msgspec
from msgspec.structs import replace

from mcptop import secret_forms
from mcptop.model.diagnosis import Evidence, Provenance
from mcptop.playbook.steps.base import Output

_TOKEN = re.compile(r"(<secret-\d+>)")
_ROUNDS = 8
"""A replaced secret can show another one, seldom more than once; every round leaves less to replace."""
_MEMORABLE = 200
_DEEPEST = 60


class Redactor:
    """One for each diagnosis: it remembers which secret has which token, and never gives a secret out."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}
        self._telling: list[str] = []
        """Secrets that are nothing else wherever they stand, longest first."""

    def text(self, text: str) -> str:
        """The text without secrets, and without what no UTF-8 can hold."""
        return self._clean(text).encode("utf-8", "replace").decode()

    def data(self, data: bytes) -> bytes:
        """Raw output without secrets; bytes that are no text stay as they are."""
        return self._clean(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def values(self, values: Any) -> Any:
        """Nested values without secrets, as JSON has them; what JSON cannot hold becomes text or unknown."""
        return self._values(values, secret=False, depth=0)

    def evidence(self, evidence: Evidence) -> Evidence:
        """One step's evidence, ready to be judged and stored."""
        return replace(
            evidence,
            message=self.text(evidence.message),
            values=self.values(evidence.values),
            provenance=tuple(self._provenance(each) for each in evidence.provenance),
        )

    def output(self, output: Output) -> Output:
        """One raw output, ready for a bundle. Its hash stays that of what was seen."""
        return Output(output.name, self.data(output.data), self._provenance(output.provenance))

    def _provenance(self, one: Provenance) -> Provenance:
        return replace(one, source=self.text(one.source), argv=tuple(self._texts(one.argv)))

    def _clean(self, text: str) -> str:
        for _ in range(_ROUNDS):
            before = text
            for form in secret_forms.found(text):
                text = form.pattern.sub(self._replaced, text)
            text = self._without_known(text)
            if text == before:
                break
        return text

    def _replaced(self, match: re.Match[str]) -> str:
        at = match.lastindex or 0
        start, end = match.start(at) - match.start(), match.end(at) - match.start()
        return match[0][:start] + self._token(match[at]) + match[0][end:]

    def _token(self, secret: str) -> str:
        if secret_forms.is_harmless(_TOKEN.sub("", secret)):
            return secret
        if secret not in self._tokens:
            self._tokens[secret] = f"<secret-{len(self._tokens) + 1}>"
            self._remember(secret)
        return self._tokens[secret]

    def _remember(self, secret: str) -> None:
        """A password that is an ordinary word, as in development, also is the name of a service and of a user."""
        mixed = any(c.isdigit() for c in secret) and any(c.isalpha() for c in secret)
        if len(secret) >= 10 and mixed and not _TOKEN.search(secret) and len(self._telling) < _MEMORABLE:
            self._telling = sorted((*self._telling, secret), key=lambda each: (-len(each), each))

    def _without_known(self, text: str) -> str:
        for secret in self._telling:
            if secret in text:
                parts = _TOKEN.split(text)
                parts[::2] = [part.replace(secret, self._tokens[secret]) for part in parts[::2]]
                text = "".join(parts)
        return text

    def _values(self, value: Any, secret: bool, depth: int) -> Any:
        if value is None or isinstance(value, bool) or depth > _DEEPEST:
            return value if depth <= _DEEPEST else None
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, bytes | bytearray | memoryview):
            value = bytes(value).decode("utf-8", "replace")
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self._values(each, secret or secret_forms.names_a_secret(str(key)), depth + 1)
                for key, each in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return self._list(sorted(value, key=repr) if isinstance(value, set | frozenset) else value, secret, depth)
        if isinstance(value, msgspec.Struct):
            return self._values(msgspec.structs.asdict(value), secret, depth)
        text = self.text(str(value))
        return self._token(text) if secret else text

    def _list(self, values: Iterable[Any], secret: bool, depth: int) -> list[Any]:
        values = list(values)
        if values and not secret and all(type(value) is str for value in values):
            return self._texts(values)
        return [self._values(value, secret, depth + 1) for value in values]

    def _texts(self, texts: Iterable[str]) -> list[str]:
        """Texts that may be a command line, where the secret stands after the one that says so."""
        texts = list(texts)
        parts = self.text("\0".join(texts)).split("\0")
        return parts if len(parts) == len(texts) else [self.text(text) for text in texts]


def _number(value: float) -> float | None:
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else _number(float(value)) if abs(value) < 10**300 else None
    return value if isfinite(value) else None
