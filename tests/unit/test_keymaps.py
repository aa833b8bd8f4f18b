"""How keys are written, and the tables that come with mcptop."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.binding import Binding

from mcptop.keymaps import grammar, shipped
from mcptop.ui.keys.listeners import chains


def keys_of(text: str) -> set[str]:
    """What Textual makes of it."""
    return {one.key for one in Binding.make_bindings([Binding(text, "nothing")])}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("s", ("s",)),
        ("P", ("P",)),
        ("shift+p", ("P",)),
        ("f6, o", ("f6", "o")),
        ("F6", ("f6",)),
        ("ctrl+S", ("ctrl+s",)),
        ("Ctrl+Shift+s", ("ctrl+s",)),
        ("shift+alt+f3", ("alt+shift+f3",)),
        ("ctrl+]", ("ctrl+right_square_bracket",)),
        ("?", ("question_mark",)),
        ("comma", ("comma",)),
        ("+", ("plus",)),
        ("Esc,return,PgUp", ("escape", "enter", "pageup")),
        ("backtab", ("shift+tab",)),
        ("é", ("é",)),
        ("s,s", ("s",)),
        ("", ()),
        ("  ", ()),
    ],
)
def test_keys_are_read(text, keys):
    assert grammar.parse(text) == keys


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("f66", "`f66` is no key; nearest: f6"),
        ("pgupp", "`pgupp` is no key; nearest: pgup"),
        ("ctrl+", "`ctrl+` is no key; a key is such as"),
        ("hyper+x", "`hyper+x` is no key"),
        ("a,,b", "`` is no key"),
        ("f6 o", "`f6 o` is no key"),
        ("\x1b", "is no key"),
    ],
)
def test_what_is_no_key_is_said(text, says):
    with pytest.raises(grammar.KeyNameError) as caught:
        grammar.parse(text)
    assert says in str(caught.value)


@given(st.text())
def test_any_text_is_keys_or_an_error(text):
    try:
        found = grammar.parse(text)
    except grammar.KeyNameError:
        return
    assert all(grammar.parse(key) == (key,) or key in string.ascii_letters for key in found)
    assert all(grammar.shown(key) for key in found)


@pytest.mark.parametrize("sign", string.punctuation.replace(",", ""))
def test_signs_have_the_names_that_textual_has_for_them(sign):
    assert set(grammar.parse(sign)) == keys_of(sign)


def test_keys_are_shown_as_people_read_them():
    assert [grammar.shown(key) for key in ("ctrl+s", "shift+tab", "f6", "question_mark", "P", "alt+j", "up")] == [
        "^S", "⇧Tab", "F6", "?", "P", "alt+j", "↑",
    ]  # fmt: skip


@pytest.mark.parametrize("name", shipped.names())
def test_a_shipped_table_holds_what_differs_and_nothing_unknown(name):
    bindings = [one for chain in chains().values() for part in chain for one in part if isinstance(one, Binding)]
    default = {one.id: grammar.parse(one.key) for one in bindings}
    for id, text in shipped.table(name).items():
        assert grammar.parse(text) != default[id], id


def test_the_tables_are_those_that_the_documentation_names():
    assert shipped.names() == ("htop", "k9s", "lazydocker")
