"""The keys of the pane of logs."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from mcptop.ui.widgets.panels import Key


def _key(keys: str, action: str, id: str, tooltip: str) -> Binding:
    return Binding(keys, action, id.replace("-", " ").capitalize(), show=False, id=f"logs.{id}", tooltip=tooltip)


LOG_KEYS: list[BindingType] = [
    _key("up,k", "move(-1)", "up", "One line up; stops following"),
    _key("down,j", "move(1)", "down", "One line down"),
    _key("pageup,ctrl+u", "page(-1)", "page-up", "One page up"),
    _key("pagedown,ctrl+d", "page(1)", "page-down", "One page down"),
    _key("home,g", "first", "first", "The oldest line that is kept"),
    _key("F,end,G", "follow", "follow", "Follow: stay at the newest line"),
    _key("enter", "open", "open", "The whole line: JSON with all its fields, a traceback from its beginning"),
    _key("slash", "search", "search", "Search for a text; a capital letter makes capitals count"),
    _key("n", "hit(1)", "next", "The next hit"),
    _key("N", "hit(-1)", "previous", "The hit before"),
    _key("X", "around", "around", "Only the hits, with the lines next to them; and everything again"),
    _key("L", "level", "level", "All levels, info and worse, warnings and worse, errors"),
    _key("left_square_bracket", "window(-1)", "shorter", "Look back a shorter time"),
    _key("right_square_bracket", "window(1)", "longer", "Look back a longer time"),
    _key("r", "replica", "replica", "All replicas, or one after the other"),
    _key("t", "times", "times", "Time of day, how long ago, or neither"),
    _key("w", "wrap", "wrap", "Wrap long lines, or cut them"),
    _key("v,space", "mark", "mark", "Begin or end a range of lines"),
    _key("y", "copy", "copy", "Copy the line or the marked range"),
    _key("S", "save", "save", "Save the lines that are shown in the current folder"),
    _key("escape", "back", "back", "End the search, the range; then back to the dashboard"),
]

LOG_FOOTER: tuple[Key, ...] = (
    ("F", "follow", "focused.follow"),
    ("/", "search", "focused.search"),
    ("n/N", "hits", "focused.hit(1)"),
    ("L", "level", "focused.level"),
    ("[ ]", "window", "focused.window(1)"),
    ("⏎", "open", "focused.open"),
    ("r", "replica", "focused.replica"),
    ("t", "times", "focused.times"),
    ("w", "wrap", "focused.wrap"),
    ("y", "copy", "focused.copy"),
    ("S", "save", "focused.save"),
    ("?", "help", "app.help"),
    ("q", "quit", "app.quit"),
)
