"""The settings every command that looks at a machine takes as flags."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mcptop.config import ConfigError, Settings, file_in_force, load, paths_exist
from mcptop.model.rule import RuleSet

Command = TypeVar("Command", bound=Callable[..., Any])


def _hosts(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> str | tuple[str, ...] | None:
    """One is as it always was."""
    return (given[0] if len(given) == 1 else given) or None


_SETTINGS = (
    click.option("--config", "config", type=click.Path(path_type=Path), help="Configuration file (TOML)."),
    click.option("--interval", type=float, help="Seconds between samples (0.2 to 60; default 1)."),
    click.option(
        "--host",
        "docker_host",
        multiple=True,
        callback=_hosts,
        help="Docker Engine to ask: unix://, tcp://, ssh://; may be repeated.",
    ),
    click.option("--api-only", is_flag=True, default=None, help="Do not read the kernel's files for containers."),
    click.option("--scrape/--no-scrape", default=None, help="Read the metrics that services name (default: yes)."),
    click.option("--probe", is_flag=True, default=None, help="Look for metrics on ports that services listen on."),
    click.option("--prometheus", metavar="URL", help="The services of many hosts, as this Prometheus server has them."),
    click.option("--path-procfs", help="Another /proc: a recorded tree, or the host's mounted in a container."),
    click.option("--path-sysfs", help="Another /sys, likewise."),
)

with_view = click.option("--view", metavar="NAME", help="Begin with a saved view, such as memory or problems.")
"""Of the commands that show the dashboard."""


def with_settings(command: Command) -> Command:
    """Give a command these flags."""
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


def settings_of(context: click.Context, **flags: Any) -> Settings:
    """Flags may stand before the command or after it; after it they win. Raises `ConfigError`."""
    given = {key: value for key, value in flags.items() if value is not None}
    given = {**(context.obj or {}), **given}
    path = given.pop("config", None)
    settings = load(path, os.environ, given)
    paths_exist(settings)
    if settings.alerts or settings.alert:
        rules_of(settings)
    return settings


def rules_of(settings: Settings) -> RuleSet:
    """The rules of the alerts that are in force. Raises `ConfigError`."""
    from mcptop.alerts.in_force import rule_set

    found = rule_set(settings.alerts, settings.alert, str(file()))
    _playbooks_are_there(settings, str(file()))
    return found


def _playbooks_are_there(settings: Settings, where: str) -> None:
    """Of those the rules are to be explained by. Raises `ConfigError`: an alert would send to one that is not there."""
    named = {f"alerts.{id}": table.get("playbook") for id, table in settings.alerts.items()}
    named |= {f"alert[{at}]": alert.playbook for at, alert in enumerate(settings.alert)}
    if not any(named.values()):
        return
    from mcptop.playbook.shelf import UnknownPlaybook, entry_of

    for key, playbook in named.items():
        try:
            if playbook:
                entry_of(playbook)
        except UnknownPlaybook as problem:
            raise ConfigError(f"{where}: {key}.playbook: {problem}") from None


def file() -> Path:
    """The configuration file of the command that runs."""
    context: click.Context | None = click.get_current_context()
    named = None
    while context is not None and named is None:
        named, context = context.params.get("config"), context.parent
    return file_in_force(named, os.environ)[0]
