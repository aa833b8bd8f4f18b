"""Which values of an environment are shown. By default none is, and not even how long it is."""

from __future__ import annotations

from msgspec import Struct

from mcptop.model.closeup import Fact
from mcptop.secret_forms import MASK


class Reveal(Struct, frozen=True):
    """What somebody asked to see."""

    keys: frozenset[str] = frozenset()
    """Facts asked for one at a time; of a secret that is asking twice."""
    all: bool = False
    """Every variable that does not look like a secret."""
    secrets: bool = False
    """Those too."""

    def one(self, key: str) -> Reveal:
        """The same, and this one too."""
        return Reveal(self.keys | {key}, self.all, self.secrets)

    def more(self) -> Reveal:
        """Asked for all: first without secrets, and only the second time with them."""
        return Reveal(self.keys, True, self.all)

    @property
    def next(self) -> str:
        """What asking for all would show, in words; empty when all is shown."""
        if self.secrets:
            return ""
        return "show the secrets too" if self.all else "show all variables but secrets"


HIDDEN = Reveal()


def key_of(fact: Fact) -> str:
    """Names a fact from look to look."""
    return f"{fact.instance}/{fact.section}/{fact.name}"


def is_masked(fact: Fact, reveal: Reveal) -> bool:
    """Whether its value stays hidden."""
    if not (fact.variable or fact.secret) or not fact.value:
        return False
    if key_of(fact) in reveal.keys:
        return False
    return not (reveal.secrets if fact.secret else reveal.all)


def shown(fact: Fact, reveal: Reveal) -> str:
    """Its value, or what stands for it."""
    return MASK if is_masked(fact, reveal) else fact.value
