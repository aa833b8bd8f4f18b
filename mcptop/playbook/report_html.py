"""A verdict as one HTML file: nothing external, light and dark, charts as inline SVG. Every text is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mcptop import units
from mcptop.model.diagnosis import Verdict
from mcptop.playbook.drawing import Drawing, drawing
from mcptop.verdicts import curves, figures, words
from mcptop.verdicts.words import Badge, Considered

_TEMPLATES = Path(__file__).parent / "templates"


class View(NamedTuple):
    """A verdict with what its page is made of."""

    verdict: Verdict
    badge: Badge
    considered: Considered
    drawings: list[Drawing]
    rest: list[str]
    """What is to be said of the curves that are not drawn."""


def html(verdict: Verdict) -> str:
    """The whole document."""
    return environment().get_template("report.html.j2").render(view=view(verdict))


def view(verdict: Verdict) -> View:
    """What the template `parts.html.j2` shows of a verdict."""
    drawn = curves.drawn(verdict, few=curves.MOST)
    shown = [drawing(curve) for curve in drawn.shown]
    return View(verdict, words.BADGES[verdict.status], words.considered(verdict), shown, curves.rest(drawn))


@cache
def environment(*folders: Path) -> Environment:
    """Templates that escape all they print: those of verdicts, and what else is in these folders."""
    made = Environment(
        loader=FileSystemLoader([*folders, _TEMPLATES]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals.update(words=words, figures=figures.figures, span=units.span)
    return made
