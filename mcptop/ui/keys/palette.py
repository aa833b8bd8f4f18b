"""The command palette: every action under one word."""

from __future__ import annotations

from typing import NamedTuple

from mcptop.presentation.tabs import TABS


class Command(NamedTuple):
    """A word, what it does, and the action that does it."""

    word: str
    says: str
    action: str
    on_dashboard: bool = False
    """It needs the table."""


COMMANDS = (
    *(Command(tab.word, tab.says, f"screen.tab('{tab.id}')", True) for tab in TABS),
    Command("Open", "the selected service, large", "screen.open", True),
    Command("Diagnose", "the selected service, with a playbook", "screen.diagnose", True),
    Command("Problems", "choose one of those above the table, to diagnose it", "screen.problems", True),
    Command("Report", "what the last diagnosis came to", "app.last_report"),
    Command(
        "Filter",
        "words and comparisons: api cpu>50 mem%>80 !state=running service=ui|service=db",
        "screen.filter",
        True,
    ),
    Command("Actions", "stop, restart, signal or limit the selected one; asks first", "screen.act", True),
    Command("Shell", "in the selected container; asks first", "screen.open_shell", True),
    Command("Command log", "what was done in this session, as shell commands", "app.command_log"),
    Command("Clear", "the filter", "screen.back", True),
    Command("Sort", "choose the column", "screen.sort_menu", True),
    Command("CPU", "sort by CPU", "screen.sort('cpu')", True),
    Command("Memory", "sort by memory", "screen.sort('memory')", True),
    Command("Reverse", "turn the order round", "screen.reverse", True),
    Command("Tree", "groups, or one flat list", "screen.tree", True),
    Command("Columns", "choose which are shown, and in which order", "screen.columns", True),
    Command("Views", "open a saved view", "screen.views", True),
    Command("Save view", "keep tab, filter, order, columns and zoom under a name", "screen.save_view", True),
    Command("Copy", "the selected row as text", "screen.copy"),
    Command("Pause", "freeze or resume the picture; monitoring goes on", "app.pause"),
    Command("Closer", "charts show a shorter time", "app.zoom(-1)"),
    Command("Wider", "charts show a longer time", "app.zoom(1)"),
    Command("Unzoom", "charts show all there is, up to 15 minutes", "app.zoom(0)"),
    Command("Theme", "dark or light", "app.toggle_theme"),
    Command("Save", "the last minutes, for `mcptop replay`", "app.save_minutes"),
    Command("Back", "thirty seconds, while the picture stands still", "app.walk(-30)"),
    Command("Event", "back to where something happened last", "app.event(-1)"),
    Command("Go to", "a time", "app.jump"),
    Command("Compare", "mark this moment; at another one, see both side by side", "app.mark"),
    Command("Faster", "play a recording faster", "app.speed(1)"),
    Command("Slower", "play a recording slower", "app.speed(-1)"),
    Command("Screenshot", "save the screen as SVG in the current folder", "app.save_picture"),
    Command("Handover", "incident report (Markdown, HTML) in the current folder", "app.handover"),
    Command("Help", "keys, columns, symbols, filter", "app.help"),
    Command("Quit", "leave mcptop", "app.quit"),
    Command("q", "leave mcptop, as in other programs", "app.quit"),
)
