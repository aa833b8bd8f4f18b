"""Who listens to keys at the same time, screen by screen: what a remapped key must not meet twice."""

from __future__ import annotations

from mcptop.config import Settings
from mcptop.ui.keys.keymap import Chain, Keymap, read


def chains() -> dict[str, Chain]:
    """Screen -> the bindings of what has the focus, of the screen, and of the app unless a menu stands before it."""
    from mcptop.ui.keys.bindings import ACTION_KEYS, APP_KEYS, DASHBOARD_KEYS, DIAGNOSIS_KEYS
    from mcptop.ui.logs.keys import LOG_KEYS
    from mcptop.ui.screens.action_menu import ActionMenu
    from mcptop.ui.screens.columns import ColumnsMenu
    from mcptop.ui.screens.command_log import CommandLogScreen
    from mcptop.ui.screens.comparing import ComparingScreen
    from mcptop.ui.screens.confirm import ConfirmScreen
    from mcptop.ui.screens.evidence import EvidenceScreen
    from mcptop.ui.screens.help import HelpScreen
    from mcptop.ui.screens.jump import JumpScreen
    from mcptop.ui.screens.limits_form import LimitsForm
    from mcptop.ui.screens.log_line import LogLineScreen
    from mcptop.ui.screens.playbooks import PlaybookMenu
    from mcptop.ui.screens.service import ServiceScreen
    from mcptop.ui.screens.sort import SortMenu
    from mcptop.ui.screens.views import NameOfView, ViewsMenu
    from mcptop.ui.widgets.pages import Scroll
    from mcptop.ui.widgets.problems import Problems
    from mcptop.ui.widgets.table import SheetTable

    return {
        "dashboard": (SheetTable.BINDINGS, DASHBOARD_KEYS, ACTION_KEYS, APP_KEYS),
        "list of problems": (Problems.BINDINGS, DASHBOARD_KEYS, ACTION_KEYS, APP_KEYS),
        "screen of a service": (ServiceScreen.BINDINGS, ACTION_KEYS, APP_KEYS),
        "screen of a diagnosis": (Scroll.BINDINGS, DIAGNOSIS_KEYS, APP_KEYS),
        "comparison": (Scroll.BINDINGS, ComparingScreen.BINDINGS, APP_KEYS),
        "evidence": (Scroll.BINDINGS, EvidenceScreen.BINDINGS, APP_KEYS),
        "help": (HelpScreen.BINDINGS,),
        # While it has the focus its keys stand before those of the dashboard, on purpose.
        "log": (LOG_KEYS,),
        "line of a log": (Scroll.BINDINGS, LogLineScreen.BINDINGS),
        "line for a time": (JumpScreen.BINDINGS,),
        "menu of columns to sort by": (SortMenu.BINDINGS,),
        "menu of columns": (ColumnsMenu.BINDINGS,),
        "menu of views": (ViewsMenu.BINDINGS,),
        "name of a view": (NameOfView.BINDINGS,),
        "menu of actions": (ActionMenu.BINDINGS,),
        "question before an action": (ConfirmScreen.BINDINGS,),
        "form for limits": (LimitsForm.BINDINGS,),
        "command log": (Scroll.BINDINGS, CommandLogScreen.BINDINGS, APP_KEYS),
        "menu of playbooks": (PlaybookMenu.BINDINGS,),
    }


def keymap_of(settings: Settings, path: str) -> Keymap:
    """The keys as the settings want them; `path` of the file, for the message. Raises `ConfigError`."""
    # Without a wish the other screens need not be loaded yet.
    return read(settings, path, chains()) if settings.keymap or settings.keys else Keymap()
