"""A handover as one HTML file: nothing external, light, dark and on paper. Every text is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from mcptop.handover import gather
from mcptop.handover.contents import SECRETS, TONES, Chart, Contents, said_of_events
from mcptop.playbook import report_html
from mcptop.playbook.drawing import Drawing, drawing
from mcptop.presentation.event_rows import clock

_TEMPLATES = Path(__file__).parent / "templates"


def html(contents: Contents) -> str:
    """The whole document."""
    return report_html.environment(_TEMPLATES).get_template("handover.html.j2").render(
        contents=contents,
        views=[report_html.view(each) for each in contents.verdicts],
        draw=_draw,
        tones=TONES,
        secrets=SECRETS,
        said_of_events=said_of_events,
        clock=clock,
        day_and_time=gather.day_and_time,
    )  # fmt: skip


def _draw(chart: Chart) -> Drawing:
    """With the time of day below it."""
    return drawing(chart.curve, chart.marks, lambda at: clock(datetime.fromtimestamp(chart.began + at, UTC)))
