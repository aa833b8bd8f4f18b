"""The keys of the dashboard: one list for bindings, footer, help and command palette."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from mcptop.presentation.tabs import TABS
from mcptop.ui.panels import Key

APP_KEYS: list[BindingType] = [
    Binding("q,ctrl+c", "quit", "Quit", id="app.quit", tooltip="Leave mcptop", priority=False),
    Binding("question_mark,f1", "help", "Help", id="app.help", tooltip="Keys, columns and the filter line"),
    Binding("colon", "command_palette", "Commands", id="app.commands", tooltip="Every command, by name"),
    Binding("f2", "toggle_theme", "Theme", id="app.theme", tooltip="Dark or light"),
    Binding("Z", "pause", "Pause", id="app.pause", tooltip="Freeze the picture; monitoring goes on"),
    Binding(
        "ctrl+s",
        "save_picture",
        "Screenshot",
        id="app.screenshot",
        tooltip="Save the screen as SVG in the current folder",
    ),
    Binding("plus", "zoom(-1)", "Zoom in", id="app.zoom-in", tooltip="Charts show a shorter time"),
    Binding("minus", "zoom(1)", "Zoom out", id="app.zoom-out", tooltip="Charts show a longer time"),
    Binding(
        "equals_sign",
        "zoom(0)",
        "Zoom reset",
        id="app.zoom-reset",
        tooltip="Charts show all there is, up to 15 minutes",
    ),
]

DASHBOARD_KEYS: list[BindingType] = [
    *(
        Binding(tab.key, f"tab('{tab.id}')", tab.word, id=f"dashboard.tab-{tab.id}", tooltip=f"{tab.word}: {tab.says}")
        for tab in TABS
    ),
    Binding("slash,f4", "filter", "Filter", id="dashboard.filter", tooltip="Words and comparisons: api cpu>50 mem%>80"),
    Binding("s,f6", "sort_menu", "Sort", id="dashboard.sort", tooltip="Choose the column to sort by"),
    Binding("P", "sort('cpu')", "By CPU", id="dashboard.sort-cpu", tooltip="Sort by CPU"),
    Binding("M", "sort('memory')", "By memory", id="dashboard.sort-memory", tooltip="Sort by memory"),
    Binding(
        "less_than_sign",
        "sort_step(-1)",
        "Sort left",
        id="dashboard.sort-left",
        tooltip="Sort by the column to the left",
    ),
    Binding(
        "greater_than_sign",
        "sort_step(1)",
        "Sort right",
        id="dashboard.sort-right",
        tooltip="Sort by the column to the right",
    ),
    Binding("I", "reverse", "Reverse", id="dashboard.reverse", tooltip="Turn the order round"),
    Binding("t,f5", "tree", "Tree", id="dashboard.tree", tooltip="Groups, or one flat list"),
    Binding("y", "copy", "Copy", id="dashboard.copy", tooltip="Copy the selected row as text"),
    Binding("escape", "back", "Back", id="dashboard.back", tooltip="Clear the filter; never quits", show=False),
]

FOOTER: tuple[Key, ...] = (
    ("⏎", "open", "screen.open"),
    ("/", "filter", "screen.filter"),
    ("s", "sort", "screen.sort_menu"),
    ("t", "tree", "screen.tree"),
    ("Z", "pause", "app.pause"),
    ("+/-", "zoom", "app.zoom(1)"),
    ("?", "help", "app.help"),
    (":", "commands", "app.command_palette"),
    ("q", "quit", "app.quit"),
    ("y", "copy", "screen.copy"),
    ("^S", "screenshot", "app.save_picture"),
    ("F2", "theme", "app.toggle_theme"),
)


def footer(*, paused: bool, filtered: bool, tree: bool) -> tuple[Key, ...]:
    """The keys that work now, with the word that fits the state; `tree`: the table has groups."""
    keys = tuple(
        ("Z", "resume", action) if key == "Z" and paused else (key, word, action)
        for key, word, action in FOOTER
        if tree or key != "t"
    )
    return (("Esc", "clear filter", "screen.back"), *keys) if filtered else keys
