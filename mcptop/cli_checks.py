"""What only the dashboard can tell of the settings, told before anything has begun."""

from __future__ import annotations

import os
from pathlib import Path

import click

from mcptop.config import Settings, file_in_force, views_folder
from mcptop.views import saved


def check_screen(settings: Settings) -> None:
    """Raise `ConfigError` or `ViewError` where the dashboard could not do as the settings say."""
    if settings.view is not None:
        saved.find(views_folder(), settings.view)
    if settings.keymap or settings.keys:
        from mcptop.ui.listeners import keymap_of

        keymap_of(settings, f"{_file()}")


def _file() -> Path:
    context = click.get_current_context()
    named = context.params.get("config") or context.find_root().params.get("config")
    return file_in_force(named, os.environ)[0]
