"""Which keys do what: those of the bindings, but for the ones that were given others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from mcptop.config import ConfigError, Settings
from mcptop.keymaps import grammar, shipped

if TYPE_CHECKING:
    from mcptop.ui.widgets.panels import Key

NO_KEY = "unbound"
"""A key no terminal sends: what an action has that was given none."""
Chain = Sequence[Sequence[BindingType]]
"""The bindings that listen at the same time: of what has the focus, of the screen, of the app."""


class Keymap:
    """The keys of every action, after remapping."""

    def __init__(self, remapped: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """`remapped`: id of a binding -> its keys; without any it has none."""
        self._remapped = remapped or {}

    def for_textual(self) -> dict[str, str]:
        """As `App.set_keymap` wants it."""
        return {id: ",".join(keys) or NO_KEY for id, keys in self._remapped.items()}

    def keys_of(self, binding: Binding) -> tuple[str, ...]:
        """The keys that work."""
        return self.of(binding.id or "", tuple(binding.key.split(",")))

    def names_of(self, binding: Binding) -> list[str]:
        """The same, as people read them."""
        return [grammar.shown(key) for key in self.keys_of(binding)]

    def of(self, id: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        """The keys of an action; `otherwise` while nobody gave it others."""
        return self._remapped.get(id, otherwise)

    def first(self, id: str, otherwise: str) -> str:
        """The first key of an action, as people read it."""
        return next((grammar.shown(key) for key in self.of(id, (otherwise,))), "")

    def shown(self, keys: Sequence[Key], bindings: Iterable[BindingType]) -> Sequence[Key]:
        """The keys of a footer as they are now; what has no key is left out. `bindings`: those that listen there."""
        if not self._remapped:
            return keys
        changed = {
            _bare(binding.action): self.names_of(binding)
            for binding in reversed(list(bindings))
            if isinstance(binding, Binding) and binding.id in self._remapped
        }
        found = []
        for key, word, action in keys:
            names = changed.get(_bare(action), [key])
            found += [(names[0], word, action)] if names else []
        return found


def read(settings: Settings, path: str, chains: Mapping[str, Chain]) -> Keymap:
    """The keys that were wished for. `path` is for the message. Raises `ConfigError`."""
    table = shipped.table(settings.keymap) if settings.keymap else {}
    wished = {id: grammar.parse(text) for id, text in (table | settings.keys).items()}
    known = {binding.id for chain in chains.values() for binding in _flat(chain) if binding.id}
    for id in settings.keys:
        if id not in known:
            near = get_close_matches(id, known, 3) or sorted(known)
            raise ConfigError(
                f"{path}: keys.{id}: no such action; nearest: {', '.join(near[:3])} (all are in the help)"
            )
    keymap = Keymap({id: keys for id, keys in wished.items() if id in known})
    for name, chain in chains.items():
        _refuse_two_on_one_key(keymap, chain, wished, f"{path}: keys", name)
    return keymap


def _refuse_two_on_one_key(
    keymap: Keymap, chain: Chain, wished: Mapping[str, tuple[str, ...]], where: str, name: str
) -> None:
    """What shares a key without anybody's wish, such as Esc, does so on purpose."""
    taken: dict[str, Binding] = {}
    # Those that were given a key come last, so that the message names them.
    for binding in sorted(_flat(chain), key=lambda one: one.id in wished):
        for key in keymap.keys_of(binding):
            other = taken.setdefault(key, binding)
            on_purpose = all(key in one.key.split(",") for one in (binding, other))
            if other is not binding and binding.id in wished and not on_purpose:
                raise ConfigError(
                    f"{where}.{binding.id}: `{grammar.shown(key)}` is the key of `{other.id}` in the {name} as well; "
                    f'give one of them another, or "" for none'
                )


def _flat(chain: Chain) -> list[Binding]:
    return [binding for bindings in chain for binding in bindings if isinstance(binding, Binding)]


def _bare(action: str) -> str:
    """`screen.sort('cpu')` and `sort('cpu')` are one action; so are `zoom(1)` and `app.zoom(1)`."""
    name, bracket, rest = action.partition("(")
    return name.rpartition(".")[2] + bracket + rest
