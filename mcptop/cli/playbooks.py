"""The commands around playbooks that need no live machine: `judge` and `playbooks`."""

from __future__ import annotations

from pathlib import Path

import click

from mcptop.exit_status import ExitStatus

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("bundle", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--markdown", type=_FILE, help="Write the report to this file as Markdown.")
@click.option("--html", type=_FILE, help="Write the report to this file as HTML: one file, nothing external.")
def judge(bundle: Path, as_json: bool, markdown: Path | None, html: Path | None) -> ExitStatus:
    """The verdict again, from the evidence in BUNDLE alone."""
    from mcptop.headless import judge as command
    from mcptop.headless.pipe import guard_pipe

    return guard_pipe(lambda: command.run(bundle, as_json, markdown, html))


@click.group()
def playbooks() -> None:
    """The scripts of `diagnose`: shipped ones and your own."""


@playbooks.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_all(as_json: bool) -> ExitStatus:
    """Which there are."""
    from mcptop.headless import playbooks as command
    from mcptop.headless.pipe import guard_pipe

    return guard_pipe(lambda: command.list_all(as_json))


@playbooks.command()
@click.argument("name")
@click.option("--yaml", "as_yaml", is_flag=True, help="As it is written.")
def show(name: str, as_yaml: bool) -> ExitStatus:
    """What one collects, and what it can find. NAME may be a file."""
    from mcptop.headless import playbooks as command
    from mcptop.headless.pipe import guard_pipe

    return guard_pipe(lambda: command.show(name, as_yaml))


@playbooks.command()
@click.argument("files", nargs=-1, metavar="[FILE...]")
def lint(files: tuple[str, ...]) -> ExitStatus:
    """What is wrong with them, with file and line. Without FILE: all of them."""
    from mcptop.headless import playbooks as command
    from mcptop.headless.pipe import guard_pipe

    return guard_pipe(lambda: command.check(files))


@playbooks.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def test(name: str | None, as_json: bool) -> ExitStatus:
    """Judge the recorded cases beside them again: right or wrong."""
    from mcptop.headless import playbooks as command
    from mcptop.headless.pipe import guard_pipe

    return guard_pipe(lambda: command.test(name, as_json))


@playbooks.command()
@click.argument("kind", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def steps(kind: str | None, as_json: bool) -> ExitStatus:
    """Which kinds of steps there are; of KIND, what it takes and every value it gives."""
    from mcptop.headless import steps as command
    from mcptop.headless.pipe import guard_pipe

    return guard_pipe(lambda: command.run(kind, as_json))
