"""Facts made of what a container or process says: harmless, bounded, and secrets told apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcptop import secret_forms
from mcptop.model.closeup import Fact
from mcptop.units import plain

ENVIRONMENT = "environment"
_LONGEST = 2000
_MOST_VARIABLES = 500


def fact(section: str, name: str, value: object, instance: str) -> Fact:
    """One line; secrets inside the value are masked for good."""
    text = secret_forms.masked(str(value)[: 2 * _LONGEST])
    return Fact(section, plain(name), plain(text, _LONGEST), instance=instance)


def named(section: str, name: str, value: object, instance: str) -> Fact:
    """As `fact`, where the name may say that the value is a secret: a label, an option."""
    if secret_forms.names_a_secret(name) and not secret_forms.is_harmless(str(value)):
        return Fact(section, plain(name), plain(str(value), _LONGEST), secret=True, instance=instance)
    return fact(section, name, value, instance)


def command(section: str, name: str, words: Iterable[str], instance: str) -> Fact:
    """A command line: a secret may stand in the word after the one that says so."""
    text = secret_forms.masked("\0".join(words)[: 2 * _LONGEST])
    return Fact(section, name, plain(text, _LONGEST), instance=instance)


def environment(entries: Iterable[str], instance: str) -> Iterator[Fact]:
    """`NAME=value` as variables, sorted by name. Nothing of them is masked here: what is shown is decided later."""
    for number, entry in enumerate(sorted(entries)):
        if number == _MOST_VARIABLES:
            yield Fact(ENVIRONMENT, "…", "more variables are not shown", instance=instance)
            return
        name, _, value = entry.partition("=")
        if name:
            yield Fact(ENVIRONMENT, plain(name), plain(value, _LONGEST), True, is_secret(name, value), instance)


def is_secret(name: str, value: str) -> bool:
    """Whether the name or the value of a variable looks like a secret; a path, as in OLDPWD, is none by its name."""
    entry = f"{name}={value[: 2 * _LONGEST]}"
    if secret_forms.is_harmless(value):
        return False
    return secret_forms.masked(entry) != entry or (secret_forms.names_a_secret(name) and not value.startswith("/"))
