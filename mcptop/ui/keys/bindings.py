"""The keys of the dashboard: one list for bindings, footer, help and command palette."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType

from mcptop.model.closeup import Aspect
from mcptop.presentation.tabs import TABS
from mcptop.ui.logs.keys import LOG_FOOTER
from mcptop.ui.widgets.panels import Key

APP_KEYS: list[BindingType] = [
    Binding("q,ctrl+c", "quit", "Quit", id="app.quit", tooltip="Leave mcptop", priority=False),
    Binding("question_mark,f1", "help", "Help", id="app.help", tooltip="Keys, columns and the filter line"),
    Binding("colon", "command_palette", "Commands", id="app.commands", tooltip="Every command, by name"),
    Binding("f2", "toggle_theme", "Theme", id="app.theme", tooltip="Dark or light"),
    Binding("Z", "pause", "Pause", id="app.pause", tooltip="Freeze the picture; monitoring goes on"),
    Binding("comma", "walk(-1)", "Back", id="app.back", tooltip="A second back, or a sample; the picture stands still"),
    Binding("full_stop", "walk(1)", "Forward", id="app.forward", tooltip="A second forward, or a sample"),
    Binding("left_parenthesis", "walk(-30)", "Far back", id="app.far-back", tooltip="Thirty seconds back"),
    Binding("right_parenthesis", "walk(30)", "Far forward", id="app.far-forward", tooltip="Thirty seconds forward"),
    Binding("left_curly_bracket", "event(-1)", "Last event", id="app.last-event", tooltip="To what happened last"),
    Binding("right_curly_bracket", "event(1)", "Next event", id="app.next-event", tooltip="To what happened next"),
    Binding("left_square_bracket", "speed(-1)", "Slower", id="app.slower", tooltip="Play a recording slower"),
    Binding("right_square_bracket", "speed(1)", "Faster", id="app.faster", tooltip="Play a recording faster"),
    Binding("at", "jump", "Go to", id="app.jump", tooltip="Go to a time"),
    Binding("m", "mark", "Compare", id="app.mark", tooltip="Mark this moment; at another one, compare both"),
    Binding(
        "ctrl+s",
        "save_minutes",
        "Save minutes",
        id="app.save",
        tooltip="Save the last minutes for a replay",
    ),
    Binding("f12", "save_picture", "Screenshot", id="app.screenshot", tooltip="Save the screen as SVG here"),
    Binding(
        "H",
        "handover",
        "Handover",
        id="app.handover",
        tooltip="Incident report (Markdown, HTML) in the current folder, without secrets",
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

ACTION_KEYS: list[BindingType] = [
    Binding("x,f9", "act", "Actions", id="actions.menu",
            tooltip="Stop, restart, signal or limit it; asks first (--allow-actions)"),
    Binding("e", "open_shell", "Shell", id="actions.shell",
            tooltip="A shell in the container; asks first (--allow-actions)"),
    Binding("X", "app.command_log", "Command log", id="actions.log", tooltip="What was done, as shell commands"),
]  # fmt: skip
DASHBOARD_KEYS: list[BindingType] = [
    *(
        Binding(
            tab.keys,
            f"tab('{tab.id}')",
            tab.word,
            id=tab.binding,
            tooltip=f"{tab.word}: {tab.says}",
        )
        for tab in TABS
    ),
    Binding("shift+left", "tab_step(-1)", "Tab left", id="dashboard.tab-left", tooltip="The tab before"),
    Binding("shift+right", "tab_step(1)", "Tab right", id="dashboard.tab-right", tooltip="The next tab"),
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
    Binding("d", "diagnose", "Diagnose", id="dashboard.diagnose", tooltip="Diagnose the selected service or instance"),
    Binding("D", "app.last_report", "Last report", id="dashboard.report", tooltip="What the last diagnosis came to"),
    Binding(
        "p,tab,shift+tab",
        "problems",
        "Problems",
        id="dashboard.problems",
        tooltip="To the problems above the table (Enter diagnoses), and back",
    ),
    Binding("J", "subject(1)", "Next service", id="dashboard.next", tooltip="On a tab of one service: the next one"),
    Binding("K", "subject(-1)", "Service before", id="dashboard.before", tooltip="Likewise the one before"),
    Binding("u", "reveal(False)", "Unmask", id="dashboard.reveal", tooltip="On Inspect: show the masked value"),
    Binding("U", "reveal(True)", "Unmask all", id="dashboard.reveal-all", tooltip="Likewise all; again: secrets too"),
    Binding(
        "c", "columns", "Columns", id="dashboard.columns", tooltip="Choose the columns of this tab, and their order"
    ),
    Binding("v", "views", "Views", id="dashboard.views", tooltip="Open a saved view"),
    Binding(
        "V", "save_view", "Save view", id="dashboard.save-view", tooltip="Keep tab, filter, order, columns and zoom"
    ),
    Binding("y", "copy", "Copy", id="dashboard.copy", tooltip="Copy the selected row as text"),
    Binding("escape", "back", "Back", id="dashboard.back", tooltip="Clear the filter; never quits", show=False),
]

OF_TABLES = {"filter", "sort_menu", "sort", "sort_step", "reverse", "tree", "columns", "copy", "open", "reveal"}
"""Actions there are none of where a log is shown: it has no rows but its lines, and keys of its own."""

FOOTER: tuple[Key, ...] = (
    ("⏎", "open", "screen.open"),
    ("d", "diagnose", "screen.diagnose"),
    ("l", "logs", "screen.tab('logs')"),
    ("x", "actions", "screen.act"),
    ("/", "filter", "screen.filter"),
    ("s", "sort", "screen.sort_menu"),
    ("Z", "pause", "app.pause"),
    ("?", "help", "app.help"),
    (":", "commands", "app.command_palette"),
    ("q", "quit", "app.quit"),
    ("p", "problems", "screen.problems"),
    ("t", "tree", "screen.tree"),
    ("+/-", "zoom", "app.zoom(1)"),
    ("y", "copy", "screen.copy"),
    ("D", "last report", "app.last_report"),
    ("^S", "save last minutes", "app.save_minutes"),
    (",.", "walk back", "app.walk(-1)"),
    ("F12", "screenshot", "app.save_picture"),
    ("F2", "theme", "app.toggle_theme"),
    ("c", "columns", "screen.columns"),
    ("v", "views", "screen.views"),
)
IN_TIME: tuple[Key, ...] = (
    (", .", "walk", "app.walk(1)"),
    ("{ }", "what happened", "app.event(1)"),
    ("@", "time", "app.jump"),
    ("m", "compare", "app.mark"),
)
"""First of all while one walks through the past or through a recording."""
IN_PROBLEMS: tuple[Key, ...] = (
    ("↑↓", "choose", "screen.problems"),
    ("⏎", "diagnose", "screen.diagnose"),
    ("Esc", "table", "screen.problems"),
    ("?", "help", "app.help"),
    (":", "commands", "app.command_palette"),
    ("q", "quit", "app.quit"),
)


class Now(NamedTuple):
    """What decides which keys work."""

    paused: bool = False
    filtered: bool = False
    tree: bool = False
    """The table has groups."""
    problems: bool = False
    """There are some."""
    report: bool = False
    """Something was diagnosed."""
    actions: bool = False
    """They are allowed."""
    in_problems: bool = False
    """The keys belong to the problems."""
    log: bool = False
    """A log is shown."""
    walking: bool = False
    """Through the past, or a recording."""
    recording: bool = False
    aspect: Aspect | None = None
    """What of one service is looked at closely."""


def _of_one(aspect: Aspect | None) -> tuple[Key, ...]:
    """The keys there are only where one service is looked at closely."""
    if aspect is None:
        return ()
    others: Key = ("J/K", "service", "screen.subject(1)")
    return (others, ("U", "unmask", "screen.reveal(True)")) if aspect is Aspect.INSPECT else (others,)


def footer(now: Now) -> tuple[Key, ...]:
    """The keys that work now, with the word that fits the state."""
    if now.in_problems:
        return IN_PROBLEMS
    if now.log:
        return LOG_FOOTER
    there = (("t", now.tree), ("p", now.problems), ("D", now.report), ("x", now.actions))
    missing = {key for key, is_there in there if not is_there}
    if now.aspect is not None:
        missing.add("⏎")  # there is nothing closer to open
    keys = tuple(
        ("Z", "resume", action) if key == "Z" and now.paused else (key, word, action)
        for key, word, action in (*_of_one(now.aspect), *FOOTER)
        if key not in missing
    )
    if now.walking:
        first = ("Z", "play" if now.paused else "stop", "app.pause") if now.recording else ("Z", "now", "app.pause")
        speed = (("[ ]", "speed", "app.speed(1)"),) if now.recording else ()
        keys = (first, *IN_TIME, *speed, *(key for key in keys if key[0] not in ("Z", ",.", "^S")))
    return (("Esc", "clear filter", "screen.back"), *keys) if now.filtered else keys


DIAGNOSIS_KEYS: list[BindingType] = [
    Binding("escape", "back", "Back", id="diagnosis.back",
            tooltip="While it runs: stop, with what is known so far; then back"),
    Binding("b", "bundle", "Bundle", id="diagnosis.bundle",
            tooltip="Save all that was seen, without secrets, for `mcptop judge`"),
    Binding("r", "report", "Report", id="diagnosis.report", tooltip="Save the report as Markdown and as HTML"),
    Binding("e", "evidence", "Evidence", id="diagnosis.evidence", tooltip="Every value, and where it comes from"),
    Binding("y", "copy", "Copy", id="diagnosis.copy", tooltip="Copy the report as text"),
]  # fmt: skip
LAST_KEYS: tuple[Key, ...] = (("?", "help", "app.help"), ("q", "quit", "app.quit"))
DIAGNOSIS_FOOTER: tuple[Key, ...] = (
    ("b", "save bundle", "screen.bundle"),
    ("r", "report (md, html)", "screen.report"),
    ("e", "evidence", "screen.evidence"),
    ("y", "copy", "screen.copy"),
    ("Esc", "back", "screen.back"),
    *LAST_KEYS,
)
