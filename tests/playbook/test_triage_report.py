"""What `mcptop diagnose` without a playbook prints."""

from __future__ import annotations

from mcptop.headless import report, triage_report
from mcptop.model.playbook import Severity
from mcptop.playbook.triage import Problem, Triage
from mcptop.presentation import runs

COMMAND = "mcptop diagnose memory-leak --service shop/mcp-worker"
FOUND = Triage(
    (
        Problem(
            "mcp-worker", "shop", "worker-1", "memory at 92% of its limit", Severity.CRITICAL, "memory-leak", COMMAND
        ),
        Problem("host", None, "host", "\x1b[2J[red]x", Severity.WARNING, "disk-full", "mcptop diagnose disk-full"),
    ),
    12,
    15.2,
    "0.1.0",
)


def shown(found: Triage, width: int) -> str:
    return report.printed(triage_report.lines(found, width), width, False)


def test_what_shows_and_what_to_run() -> None:
    assert shown(FOUND, 120) == (
        " ✖ shop/mcp-worker  memory at 92% of its limit\n"
        f"                    {COMMAND}\n"
        " ▲ host             [2J[red]x\n"
        "                    mcptop diagnose disk-full\n"
        " 12 services looked at for 15s: 2 symptoms\n"
    )


def test_a_command_is_whole_on_any_width() -> None:
    assert all(COMMAND in shown(FOUND, width) for width in (20, 40, 80))


def test_nobody() -> None:
    found = Triage((), 3, 9.9, "0.1.0")
    assert [runs.text_of(line) for line in triage_report.lines(found, 80)] == [
        " 3 services looked at for 9.9s: nobody shows a symptom"
    ]
