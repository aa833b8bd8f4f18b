"""The report of a verdict: as it must look, and harmless whatever is in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mcptop.headless import report
from mcptop.model.diagnosis import Argument, Culprit, Evidence, Outcome, RunnerUp, StepStatus, Subject, Verdict, Weighed
from mcptop.model.playbook import Remedy, Severity
from mcptop.playbook.case import verdict_of
from mcptop.presentation import runs
from mcptop.presentation.verdict import lines
from mcptop.verdicts import curves, words
from tests.playbook import examples

SNAPSHOTS = Path(__file__).parent / "snapshots"
VERDICTS = {name: verdict_of(case) for name, case in examples.ALL.items()}
HOSTILE = [
    "[bold red]x[/]",
    "a\x1b[2Jb\x9b31m\x07",
    "two\nlines\r\t",
    "\u202egnp",
    "数据库-服务",
    "<b>&amp;\"'`|*_#~",
    "x" * 6000,
    "",
    "`",
]


def hostile(text: str) -> Verdict:
    """A verdict in which every text is this one."""
    values = {
        "series": {
            text: {"unit": text, "seconds": [0, 1], "values": [1, 2]},
            "x": text,
            "y": {"seconds": [0, 1], "values": [text, None]},
            "z": {"unit": 5, "seconds": [text, 10**400, 2, 1], "values": [True, 1, float("nan"), 10**400]},
            "w": {"seconds": 5},
        }
    }
    evidence = tuple(Evidence(text, text, status, text, values) for status in StepStatus)
    arguments = (Argument(text, 1.0),)
    weighed = tuple(Weighed(text, 0.5, Severity.NONE, arguments, arguments, (text,), (text,)) for _ in range(9))
    return Verdict(
        playbook=text, title=text, target=Subject(text, text, text, text, chosen=text, pid=1, replicas=2),
        status=Outcome.PROBLEM, mechanism=text, severity=Severity.CRITICAL, confidence=0.5, level=text, says=text,
        culprit=Culprit(text, text, 1, 2, text, text, text, 3), runner_up=RunnerUp(text, 0.1, text),
        do=Remedy(text, text, text), hypotheses=weighed, evidence=evidence, started_at=text, duration_s=1.0,
        cost=examples.RUN.cost, cancelled=True, version=text,
    )  # fmt: skip


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", VERDICTS)
def test_as_it_must_look(name: str, width: int) -> None:
    """MCPTOP_UPDATE_SNAPSHOTS=1 keeps the present one."""
    path = SNAPSHOTS / f"{name}-{width}.txt"
    text = report.render(VERDICTS[name], width, colour=False)
    if os.environ.get("MCPTOP_UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", VERDICTS)
def test_every_width(name: str) -> None:
    for width in range(1, 240):
        for line in lines(VERDICTS[name], width):
            assert runs.width(line) <= width
            # A raised ground goes from edge to edge.
            assert runs.width(line) == width or not any(style.startswith("head") for _, style in line)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_command_is_cut(width: int) -> None:
    command = (
        "docker run --rm --network container:worker-1 --env A=1 --env B=2 registry/image:tag /bin/check --all --deep"
    )
    verdict = replace(VERDICTS["problem"], do=Remedy(now=f"first: `{command}` and then wait"))
    text = report.render(verdict, width, colour=False)
    assert command in " ".join(text.split())
    assert "…" not in text.partition("WHAT TO DO")[2]


def test_colours_are_the_terminals_own_and_only_where_asked_for() -> None:
    plain = report.render(VERDICTS["problem"], 120, colour=False)
    coloured = report.render(VERDICTS["problem"], 120, colour=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    assert "\x1b[1;31mheap-leak" in coloured
    assert not re.search(r"\x1b\[[^m]*[34]8;", coloured)


def test_no_line_has_spaces_at_its_end() -> None:
    for verdict in VERDICTS.values():
        assert not re.search(r"[ \u00a0]\n|\n\n\n", report.render(verdict, 100, colour=False))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_harmless(text: str) -> None:
    for width in (1, 40, 80, 120):
        found = lines(hostile(text), width)
        assert all(runs.width(line) <= width for line in found)
        assert all(part.isprintable() for line in found for part, _ in line)
    shown = report.render(hostile(text), 120, colour=True)
    assert not set(re.sub(r"\x1b\[[\d;]*m", "", shown)) & {"\x1b", "\x9b", "\x07", "\r", "\u202e"}


def test_markup_is_text() -> None:
    assert "[bold red]x[/]" in report.render(hostile("[bold red]x[/]"), 120, colour=True)


@given(st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_text(text: str) -> None:
    assert all(runs.width(line) <= 80 for line in lines(hostile(text), 80))


def test_the_best_comes_first_and_no_more_than_six() -> None:
    many = tuple(
        Weighed(f"m{at}", 0.9 - at / 10, Severity.WARNING, (Argument(f"because {at}", 1),), (), ()) for at in range(8)
    )
    silent = Weighed("silent", 0.0, Severity.NONE, (), (), (), ("x.y",))
    text = report.render(replace(VERDICTS["problem"], hypotheses=(*many, silent)), 120, colour=False)
    assert re.findall(r"^   (m\d) ", text, re.M) == ["m0", "m1", "m2", "m3", "m4", "m5"]
    assert "less likely: m6, m7\n" in text
    assert "nothing for or against: silent\n" in text


def test_a_stopped_one_says_so() -> None:
    text = report.render(replace(VERDICTS["problem"], cancelled=True), 120, colour=False)
    assert "stopped after 58s" in text.splitlines()[0]


@pytest.mark.parametrize(
    ("culprit", "says"),
    [
        (Culprit(), "Where: worker-1"),
        (Culprit(service="mcp-worker", pid=7, inner_pid=7), "Where: worker-1, pid 7"),
        (Culprit(service="postgres", thread="writer"), "Where: postgres, thread writer"),
        (Culprit(file="/a/b.py"), "Where: worker-1: /a/b.py"),
        (Culprit(function="f()", file="b.py", line=3), "Where: worker-1: f() in b.py:3"),
        (None, ""),
    ],
)
def test_where(culprit: Culprit | None, says: str) -> None:
    assert words.plain(words.where(replace(VERDICTS["problem"], culprit=culprit))) == says


def curve(*values: float | None, limit: float | None = None, unit: str = "bytes") -> curves.Curve:
    return curves.Curve("s.x", unit, tuple(map(float, range(len(values)))), values, limit)


@pytest.mark.parametrize(
    ("values", "limit", "scale", "spark"),
    [
        ((0, 10, 20), None, (0, 20), "▁▅█"),
        ((100, 100, 100), None, (0, 200), "▅▅▅"),
        ((100, None, 100.5), None, (0, 201), "▄ ▅"),
        ((350, 355, 360), 512, (350, 360), "▁▅█"),
        ((350, 400, 450), 512, (350, 512), "▁▃▅"),
        ((200, 300, 390), 400, (0, 400), "▅▆█"),
        ((10, 20, 30), 60, (0, 60), "▂▃▅"),
        ((10, 20, 30), 6000, (0, 30), "▃▆█"),
        ((-5, 0, 5), None, (-5, 5), "▁▅█"),
        ((0, 0, 0), None, (0, 1), "▁▁▁"),
    ],
)
def test_a_scale_begins_at_0_or_says_where(
    values: tuple[float | None, ...], limit: float | None, scale: tuple[float, float], spark: str
) -> None:
    one = curve(*values, limit=limit)
    assert one.scale == scale
    assert curves.spark(one, 3) == spark
    assert ("drawn from" in curves.summary(one)) == (scale[0] != 0)


def test_a_peak_is_not_lost() -> None:
    one = curve(*([0.0] * 50), 90.0, *([0.0] * 49))
    assert "█" in curves.spark(one, 10)
    assert curves.summary(one) == "0 B, at most 90 B, over 1m 39s"
    assert (
        curves.summary(curve(1 << 20, 2 << 20, limit=4 << 20)) == "1.0 MiB → 2.0 MiB (+100%), limit 4.0 MiB, over 1.0s"
    )


def test_what_was_0_throughout_takes_no_line_and_room_is_limited() -> None:
    idle = {"unit": "count", "seconds": [0, 1], "values": [0, 0]}
    series = {"idle": idle} | {f"s{at}": idle | {"values": [1, 2]} for at in range(14)}
    verdict = replace(VERDICTS["problem"], evidence=(Evidence("a", "a", StepStatus.OK, "", {"series": series}),))
    text = report.render(verdict, 80, colour=False)
    assert len(re.findall(r"^   a\.s\d+ ", text, re.M)) == 12
    assert "   0 throughout: a.idle\n   not drawn: a.s12, a.s13\n" in text


def test_among_many_what_hardly_moved_takes_no_line() -> None:
    moving, flat = (
        {"unit": "bytes", "seconds": [0, 1], "values": [1, 2]},
        {"unit": "bytes", "seconds": [0, 1], "values": [2, 2]},
    )
    few = {"m": moving, "f": flat}
    many = {f"m{at}": moving for at in range(4)} | {"f": flat}
    for series, line in ((few, r"^   a\.f +▅+ +2 B"), (many, r"^   steady: a\.f 2 B$")):
        verdict = replace(VERDICTS["problem"], evidence=(Evidence("a", "a", StepStatus.OK, "", {"series": series}),))
        assert re.search(line, report.render(verdict, 80, colour=False), re.M)


def test_a_curve_of_few_points_is_as_wide_as_the_others() -> None:
    assert curves.spark(curve(0, 4), 8) == "▁▁▁▁████"
    assert curves.spark(curve(0, None, 4), 6) == "▁▁  ██"
