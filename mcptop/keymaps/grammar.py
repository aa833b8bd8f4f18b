"""How keys are written: `s`, `P`, `f6`, `ctrl+s`, `shift+tab`, `?`, several with a comma between."""

from __future__ import annotations

from difflib import get_close_matches

_SIGNS = {
    "!": "exclamation_mark", '"': "quotation_mark", "#": "number_sign", "$": "dollar_sign", "%": "percent_sign",
    "&": "ampersand", "'": "apostrophe", "(": "left_parenthesis", ")": "right_parenthesis", "*": "asterisk",
    "+": "plus", ",": "comma", "-": "minus", ".": "full_stop", "/": "slash", ":": "colon", ";": "semicolon",
    "<": "less_than_sign", "=": "equals_sign", ">": "greater_than_sign", "?": "question_mark", "@": "at",
    "[": "left_square_bracket", "\\": "backslash", "]": "right_square_bracket", "^": "circumflex_accent",
    "_": "underscore", "`": "grave_accent", "{": "left_curly_bracket", "|": "vertical_line",
    "}": "right_curly_bracket", "~": "tilde", " ": "space",
}  # fmt: skip
_NAMES = (
    "escape", "enter", "tab", "space", "backspace", "delete", "insert", "up", "down", "left", "right", "home", "end",
    "pageup", "pagedown", *(f"f{number}" for number in range(1, 25)), *_SIGNS.values(),
)  # fmt: skip
_SAME = {
    "esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "pgup": "pageup", "pgdn": "pagedown",
    "period": "full_stop", "dot": "full_stop", "backtab": "shift+tab", "lt": "less_than_sign",
    "gt": "greater_than_sign", "equals": "equals_sign", "question": "question_mark",
}  # fmt: skip
_MODIFIERS = ("ctrl", "alt", "shift", "super")
_SHOWN = {
    **{name: sign for sign, name in _SIGNS.items()}, "space": "Space", "escape": "Esc", "enter": "Enter", "tab": "Tab",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home",
    "end": "End", "backspace": "⌫", "delete": "Del", "insert": "Ins",
}  # fmt: skip


class KeyNameError(Exception):
    """Not a key; the message says which, and what is near to it."""


def parse(text: str) -> tuple[str, ...]:
    """The keys of a text, each by the name Textual has for it; none for an empty one. Raises `KeyNameError`."""
    if not text.strip():
        return ()
    return tuple(dict.fromkeys(_key(part.strip()) for part in text.split(",")))


def shown(key: str) -> str:
    """A key as people read it: ^S, ⇧Tab, PgUp, F6, ?."""
    *modifiers, name = key.split("+")
    word = _SHOWN.get(name, name.upper() if name in _NAMES else name)
    if modifiers == ["ctrl"] and len(word) == 1:
        return f"^{word.upper()}"
    return "".join({"shift": "⇧", "ctrl": "^"}.get(each, f"{each}+") for each in modifiers) + word


def _key(text: str) -> str:
    *modifiers, name = text.split("+") if len(text) > 1 else (text,)
    modifiers = [each.lower() for each in modifiers]
    if not name or any(each not in _MODIFIERS for each in modifiers):
        raise KeyNameError(f"`{text}` is no key; a key is such as s, P, f6, ctrl+s, shift+tab, ?, comma")
    name = _named(name, text)
    *more, name = name.split("+")
    modifiers = sorted({*modifiers, *more}, key=_MODIFIERS.index)
    if len(name) == 1 and modifiers:
        # Terminals tell ctrl+S from ctrl+s no more than Textual does; shift with a letter is the capital.
        name = name.upper() if modifiers == ["shift"] else name.lower()
        modifiers = [each for each in modifiers if each != "shift"]
    return "+".join((*modifiers, name))


def _named(name: str, text: str) -> str:
    if len(name) == 1 and name.isalnum():
        return name
    word = _SIGNS.get(name) or _SAME.get(name.lower(), name.lower())
    if word not in _NAMES and "+" not in word:
        near = get_close_matches(word, (*_NAMES, *_SAME), 1)
        raise KeyNameError(f"`{text}` is no key; {f'nearest: {near[0]}' if near else 'a key is such as s, f6, ctrl+s'}")
    return word
