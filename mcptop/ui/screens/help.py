"""Keys, columns, symbols and the filter line, on one page that scrolls."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from mcptop import units
from mcptop.presentation.filter_fields import LEVEL, NUMBERS, WORDS
from mcptop.presentation.sheet import ON_REQUEST, Column
from mcptop.presentation.tabs import TABS, Tab
from mcptop.ui.keymap import Keymap
from mcptop.ui.keys import ACTION_KEYS, APP_KEYS, DASHBOARD_KEYS, DIAGNOSIS_KEYS
from mcptop.ui.lines import keymap
from mcptop.ui.log_keys import LOG_KEYS
from mcptop.ui.pages import Scroll
from mcptop.ui.problems import Problems
from mcptop.ui.table import SheetTable

_SYMBOLS = (
    ("✖", "critical"),
    ("▲", "warning"),
    ("●", "well"),
    ("◌", "no numbers yet"),
    ("○", "stopped"),
    ("·", "instance"),
)


class HelpScreen(ModalScreen[None]):
    """Any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "dismiss(None)", "Back", id="help.back", tooltip="Back to where you were"),
    ]

    def compose(self) -> ComposeResult:
        """One page of text, never markup."""
        with VerticalScroll(id="box") as box:
            box.border_title = "help"
            box.border_subtitle = "Esc back"
            yield Static(page(keymap(self)), markup=False)


def page(keys: Keymap) -> str:
    """The page, made from the bindings and columns themselves, so that it cannot be out of date."""
    parts = [
        "KEYS",
        *_keys(keys, [*SheetTable.BINDINGS, *DASHBOARD_KEYS, *ACTION_KEYS, *APP_KEYS]),
        "",
        "KEYS OF THE PROBLEMS ABOVE THE TABLE",
        *_keys(keys, Problems.BINDINGS),
        "",
        "KEYS OF A LOG",
        *_keys(keys, LOG_KEYS),
        "",
        "KEYS OF A DIAGNOSIS",
        *_keys(keys, [*DIAGNOSIS_KEYS, *Scroll.BINDINGS]),
        "",
        *(line for tab in TABS for line in _columns(tab)),
        "MOUSE",
        "  wheel           scrolls; a click selects, a second one opens; on a heading it sorts, on a tab it shows it",
        "  text            hold Shift while you drag (Option on macOS), or set `mouse = false`",
        "",
        "SYMBOLS",
        "  " + "   ".join(f"{symbol} {says}" for symbol, says in _SYMBOLS),
        "",
        "FILTER",
        "  words           parts of the project, service or instance name; all must hold",
        '                  in quotes as they stand: "or" "a (b)"',
        *_listed("comparisons", NUMBERS),
        "                  with > >= < <= = != and a number: cpu>50 mem>500M wait>200ms up<1h",
        "                  rates with their time: trend>10M/h net>5M/min",
        *_listed("equals", (*WORDS, LEVEL)),
        "                  with = (a part of it), == (all of it) or !=: service=api state!=running",
        "  problem         what needs somebody, as level>=warning",
        "  ! or | ( )      not, either, brackets: !state=running (service=api | service=db) cpu>50",
        "                  what a row does not know answers neither a comparison nor its opposite",
        "",
        "  - is unknown, never zero; ~ is inferred from outside. A full pool is no problem, waiting is.",
        "  Sums of pools and queues count what is measured, and the connections of a server not once more.",
        "  Sums count what is known; THR, PSI and shares show the worst instance.",
    ]
    return "\n".join(parts)


def _columns(tab: Tab[Any]) -> list[str]:
    of_tab = "" if tab is TABS[0] else f" OF {tab.word.upper()}"
    usual = [column for column in tab.sheet.columns if column.fits != ON_REQUEST]
    others = [column for column in tab.sheet.columns if column.fits == ON_REQUEST]
    return [*_described(f"COLUMNS{of_tab}", usual), *_described(f"MORE COLUMNS{of_tab}, TO BE CHOSEN", others)]


def _described(title: str, columns: Sequence[Column[Any]]) -> list[str]:
    return [title, *(f"  {column.title:<15} {column.says}" for column in columns), ""] if columns else []


def _listed(title: str, names: Iterable[str]) -> list[str]:
    """The names of fields, on as many lines as they need."""
    lines = textwrap.wrap(" ".join(names), 72)
    return [f"  {'' if index else title:<15} {line}" for index, line in enumerate(lines)]


def _keys(keys: Keymap, bindings: Iterable[BindingType]) -> Iterable[str]:
    for binding in bindings:
        if isinstance(binding, Binding):
            yield f"  {' '.join(keys.names_of(binding)) or units.UNKNOWN:<15} {binding.tooltip}"
