"""Keys, columns, symbols and the filter line, on one page that scrolls."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from mcptop import units
from mcptop.presentation.filter_fields import LEVEL, NUMBERS, WORDS
from mcptop.presentation.sheet import ON_REQUEST, Column
from mcptop.presentation.tabs import TABS, Tab
from mcptop.ui.keys.bindings import ACTION_KEYS, APP_KEYS, DASHBOARD_KEYS, DIAGNOSIS_KEYS
from mcptop.ui.keys.keymap import Keymap
from mcptop.ui.logs.keys import LOG_KEYS
from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.screens.diagnosis import DiagnosisScreen
from mcptop.ui.screens.service import ServiceScreen
from mcptop.ui.widgets.lines import keymap
from mcptop.ui.widgets.pages import Scroll
from mcptop.ui.widgets.problems import Problems
from mcptop.ui.widgets.table import SheetTable

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

    def __init__(self, before: Screen[object]) -> None:
        """`before`: where the reader comes from."""
        super().__init__()
        self._place = place_of(before)

    def compose(self) -> ComposeResult:
        """One page of text, never markup."""
        with VerticalScroll(id="box") as box:
            box.border_title = "help"
            box.border_subtitle = "Esc back"
            yield Static(page(keymap(self), self._place), markup=False)


def page(keys: Keymap, first: str = "") -> str:
    """The page, made from the bindings and columns themselves, so that it cannot be out of date.

    `first`: the keys that work where the reader comes from.
    """
    parts = [
        *(line for section in _sections(keys, first) for line in (*section, "")),
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
        "  POOL of a project: who waits, or the share of the fullest; queues are added up as far as they are measured.",
        "  Sums count what is known; THR, PSI and shares show the worst instance.",
    ]
    return "\n".join(parts)


def _sections(keys: Keymap, first: str) -> list[list[str]]:
    """The keys of each place, those of `first` before the others."""
    places: dict[str, tuple[str, Sequence[BindingType]]] = {
        "": ("KEYS", [*SheetTable.BINDINGS, *DASHBOARD_KEYS, *ACTION_KEYS, *APP_KEYS]),
        "problems": ("KEYS OF THE PROBLEMS ABOVE THE TABLE", Problems.BINDINGS),
        "log": ("KEYS OF A LOG", LOG_KEYS),
        "service": ("KEYS OF THE SCREEN OF A SERVICE", [*ServiceScreen.BINDINGS, *ACTION_KEYS]),
        "diagnosis": ("KEYS OF A DIAGNOSIS", [*DIAGNOSIS_KEYS, *Scroll.BINDINGS]),
    }
    order = sorted(places, key=lambda place: place != first)
    return [[places[place][0], *_keys(keys, places[place][1])] for place in order]


def place_of(screen: Screen[object]) -> str:
    """Which of the places a screen is."""
    match screen:
        case ServiceScreen():
            return "service"
        case DiagnosisScreen():
            return "diagnosis"
        case Dashboard() if screen.focused is screen.problems:
            return "problems"
        case Dashboard() if screen.tab.is_log:
            return "log"
    return ""


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
