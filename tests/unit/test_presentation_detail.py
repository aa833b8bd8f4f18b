"""The selected row in full: why it has its symbol, and what will be a reason soon."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from mcptop.alerts.rules import BY_ID
from mcptop.model.alert import Alert, State
from mcptop.model.frame import Frame
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind
from mcptop.presentation import detail, rows, runs
from mcptop.presentation.lens import Lens
from mcptop.presentation.row import Row, View
from tests.ui import frames

NEAR = Alert(
    "memory-near-limit", "mcp-api", Severity.WARNING, frames.NOON - timedelta(seconds=12), "memory at 92% of its limit",
    state=State.PENDING, project="mcp", kind=Kind.CONTAINER, instance="mcp-api-1",
    for_s=BY_ID["memory-near-limit"].for_s,
)  # fmt: skip


def shown(frame: Frame, row: Row, height: int = 16, width: int = 100) -> str:
    return "\n".join(runs.text_of(line) for line in detail.compose(row, frame, width, height, Lens(frame)))


def pending(of: str) -> tuple[Frame, list[Row]]:
    """A frame in which the first replica of this service is near its limit, and the rows of that service."""
    quiet = replace(frames.frame(alerts=()), pending=())
    services = rows.of_services(quiet)
    row = next(row for row in services if row.name == of)
    assert row.service is not None
    alert = replace(NEAR, service=of, project=row.service.project, instance=row.service.instances[0].name)
    return replace(quiet, pending=(alert,)), [one for one in rows.build(services, View()) if one.service is row.service]


@pytest.mark.parametrize("height", [16, 6])
def test_what_is_pending_is_told_with_the_time_that_is_left(height: int) -> None:
    frame, (api, *_) = pending("mcp-api")
    assert " ◔ memory at 92% of its limit (fires in 18s)" in shown(frame, api, height)
    assert "◔" not in shown(replace(frame, pending=()), api, height)


def test_it_is_told_of_whom_it_is_about() -> None:
    frame, of_worker = pending("mcp-worker")
    assert ["◔" in shown(frame, row) for row in of_worker] == [True, True, False]
    _, (api, *_) = pending("mcp-api")
    assert "◔" not in shown(frame, api)
