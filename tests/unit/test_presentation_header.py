"""The lines around the table, at every width."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcptop.model.frame import EMPTY, Frame, Own, SourceReport, Status
from mcptop.model.host import Filesystem, Host, HostPressure, Pressure
from mcptop.presentation import header, runs
from mcptop.presentation.when import LIVE, When, lateness

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOST = Host(
    "a-machine-with-a-long-name.example.org", 2, 0.63, 24 << 30, 12 << 30,
    pressure=HostPressure(Pressure(0.2), None, Pressure(0.0)),
    disks=(Filesystem("/", "vda1", 100, 29, 0.71), Filesystem("/data", "vdb", 100, 5, 0.95)),
)  # fmt: skip
SOURCES = (
    SourceReport("cgroups", Status.OK, "", 0.0),
    SourceReport("sockets", Status.NO_DATA, "", 0.0),
    SourceReport("docker", Status.ERROR, "permission\x1b denied", 0.0),
)
FRAME = Frame(1, NOON, HOST, SOURCES, (), (), Own(0.009, 61 << 20, 0.004), 1.0, "docker 28.2", "no\x07 engine")


@pytest.mark.parametrize("width", [*range(1, 130), 200])
@pytest.mark.parametrize("frame", [FRAME, EMPTY], ids=["full", "empty"])
def test_every_line_fits(frame, width):
    lines = [
        header.title_line(frame, width, 3, When(behind_s=12.0)),
        header.title_line(frame, width, 3, LIVE, actions_on=True),
        header.status_line(frame, width),
        header.banner_line(frame, width),
        *header.meters(frame, width),
    ]
    assert all(runs.width(line) <= width for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_that_actions_are_on_is_never_left_out(width):
    assert " actions on " in runs.text_of(header.title_line(FRAME, width, 30, When(behind_s=1e6), actions_on=True))
    assert "actions on" not in runs.text_of(header.title_line(FRAME, width, 0, LIVE))


def test_the_fullest_disk_is_the_one_shown():
    assert "DISK /data" in runs.text_of(header.meters(FRAME, 120)[0])


def test_the_broken_source_comes_first_with_its_message_made_harmless():
    text = runs.text_of(header.status_line(FRAME, 120))
    assert text.startswith(" ✖ docker permission  denied")
    assert "○ sockets no data" in text
    assert "tick 4.0 ms" in text


def test_sources_that_are_well_become_a_number_where_their_names_have_no_room():
    names = ("host", "processes", "docker", "containers", "sockets", "service sockets", "files")
    well = tuple(SourceReport(name, Status.OK, "", 0.0) for name in names)
    frame = Frame(1, NOON, HOST, well, (), (), FRAME.own, 1.0)
    assert "● service sockets  ● files" in runs.text_of(header.status_line(frame, 140))
    assert runs.text_of(header.status_line(frame, 120)).startswith(" ● 7 sources ")
    ill = (*well[:-1], SourceReport("files", Status.ERROR, "too many open", 0.0))
    frame = Frame(1, NOON, HOST, ill, (), (), FRAME.own, 1.0)
    assert runs.text_of(header.status_line(frame, 110)).startswith(" ✖ files too many open  ● 6 of 7 sources ")


def test_paused_goes_before_live_and_before_the_own_cost():
    assert "PAUSED 12s" in runs.text_of(header.title_line(FRAME, 60, 3, When(behind_s=12.0)))
    assert "source error" in runs.text_of(header.title_line(FRAME, 120, 3, LIVE))


def test_unknown_is_a_dash():
    nothing = Frame(1, NOON, Host("x", 1), (), (), (), Own(), 1.0)
    text = runs.text_of(header.meters(nothing, 120)[0])
    assert "CPU               - " in text
    assert "↓   - ↑   -/s" in text
    assert runs.text_of(header.status_line(nothing, 80)).strip() == ""


def test_late_is_told_before_a_broken_source_whose_report_is_as_old():
    assert " LATE 12s " in runs.text_of(header.title_line(FRAME, 120, 3, When(late_s=12.0)))
    slow = Frame(1, NOON, HOST, (), (), (), Own(), 5.0)
    assert [lateness(slow, at) for at in (15.0, 15.1)] == [None, 15.1]
    assert [lateness(FRAME, at) for at in (3.0, 3.1)] == [None, 3.1]
    assert lateness(EMPTY, 99.0) is None
