"""Reading a playbook: what it means, and every mistake with its file and line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcptop.model.playbook import Budget, Playbook, Safety, Severity, Step
from mcptop.playbook import load
from mcptop.playbook.load import PlaybookError
from mcptop.playbook.yaml_marks import Marked
from tests.playbook import examples

TEXT = """\
playbook: slow
title: It is slow
budget: {wall: 2m}
steps:
  - id: watch
    run: watch
    with: {for: 60s}
    when: target.python
    timeout: 500ms
    else: lsof
  - {id: files, run: lsof}
hypotheses:
  - id: one
    says: first
    supports:
      - {if: watch.x > 1, because: x}
    contradicts:
      - if: watch.x < 1
        weight: 2.5
        because: y
    do: {now: restart}
  - use: page-cache
"""


def read(text: str, shared: str = examples.SHARED) -> Playbook:
    return load.playbook(text, "p.yaml", load.library({"h.yaml": shared}))


def mistakes(text: str, shared: str = examples.SHARED) -> list[str]:
    """What is said of it; each is one printable line that begins with file and line."""
    with pytest.raises(PlaybookError) as error:
        read(text, shared)
    found = error.value.mistakes
    assert found
    assert all(each.isprintable() for each in found)
    assert str(error.value).startswith(found[0])
    return found


def test_what_stands_there_is_what_comes_out() -> None:
    found = read(TEXT)
    watch, files = found.steps
    assert (found.name, found.title, found.focus, found.file) == ("slow", "It is slow", "cpu", "p.yaml")
    assert (found.budget.wall_s, found.budget.safety) == (120.0, Safety.SAMPLING)
    assert (watch.options, watch.when, watch.timeout_s) == ({"for": "60s"}, "target.python", 0.5)
    assert (watch.otherwise, watch.line) == ("lsof", 5)
    assert (files.options, files.when, files.timeout_s, files.otherwise, files.line) == ({}, None, None, None, 11)
    one, shared = found.hypotheses
    assert (one.id, one.severity, one.needs, one.prior, one.line) == ("one", Severity.WARNING, (), 0.0, 13)
    assert [(rule.weight, rule.line) for rule in (*one.supports, *one.contradicts)] == [(1.0, 16), (2.5, 18)]
    assert (one.do.now, one.do.fix, one.culprit.pid) == ("restart", "", "")
    assert (shared.id, shared.file, shared.line) == ("page-cache", "h.yaml", 1)


def test_what_is_left_out() -> None:
    found = read("playbook: a\ntitle: b\nsteps: [{id: c, run: d}]\nhypotheses: [{id: e, says: f}]\n")
    assert (found.applies_to, found.budget.wall_s) == (("container", "process"), Budget().wall_s)
    assert found.steps[0].timeout_s is Step("", "", {}).timeout_s


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: It is slow\n", "", "1: the playbook: `title` is missing"),
        ("title: It is slow", "title: 5", "2: title: expected `str`, got `int`"),
        ("title: It is slow", "title: x\ncolour: red", "3: the playbook: unknown key `colour`"),
        ("title: It is slow", "title: x\ntitle: y", "3: `title` stands here twice"),
        ("playbook: slow", "playbook: Slow Service", "1: `Slow Service`: expected small letters, digits and dashes"),
        ("{wall: 2m}", "{wall: 2 minutes}", "3: `2 minutes`: expected a duration such as 90s or 2m"),
        ("{wall: 2m}", "{wall: -2m}", "3: `-2m`: expected a duration such as 90s or 2m"),
        ("{wall: 2m}", "{wall: 0s}", "3: `0s`: expected more than no time"),
        ("{wall: 2m}", "{wall: 25h}", "3: `25h`: expected at most 24h"),
        ("{wall: 2m}", "{wall: true}", "3: budget.wall: expected `int | float | str`, got `bool`"),
        ("{wall: 2m}", "{wall: .inf}", "3: `inf`: expected a duration such as 90s or 2m"),
        ("{wall: 2m}", "{safety: harmless}", "3: `harmless`: expected one of passive, sampling, pausing, injecting"),
        ("{wall: 2m}", "{time: 2m}", "3: budget: unknown key `time`"),
        ("timeout: 500ms", "timeout: soon", "9: `soon`: expected a duration such as 90s or 2m"),
        ("timeout: 500ms", "timeout: 0", "9: `0`: expected more than no time"),
        ("    run: watch\n", "", "5: steps.0: `run` is missing"),
        ("    when:", "    wenn:", "8: steps.0: unknown key `wenn`"),
        ("with: {for: 60s}", "with: 60s", "7: steps.0.with: expected `object`, got `str`"),
        ("id: files", "id: watch", "11: id `watch` stands here twice"),
        ("id: files", "id: Files", "11: id `Files`: expected [a-z]"),
        ("id: files", "id: not", "11: id `not`: is a word of conditions"),
        ("id: one", "id: page-cache", "22: id `page-cache` stands here twice"),
        ("id: one", "id: One", "13: id `One`: expected [a-z]"),
        ("    says: first\n", "", "13: hypotheses.0: `says` is missing"),
        ("    says: first", "    says: first\n    severity: bad", "15: `bad`: expected one of none, warning, critical"),
        ("    says: first", "    says: first\n    prior: 11", "15: prior 11: expected -10 to 10"),
        ("    says: first", "    says: first\n    prior: .nan", "15: prior nan: expected -10 to 10"),
        ("    says: first", "    says: first\n    needs: watch", "15: hypotheses.0.needs: expected `array`, got `str`"),
        ("weight: 2.5", "weight: 11", "19: weight 11: expected more than 0, at most 10"),
        ("weight: 2.5", "weight: 0", "19: weight 0: expected more than 0, at most 10"),
        ("weight: 2.5", "weight: .nan", "19: weight nan: expected more than 0, at most 10"),
        ("weight: 2.5", "weight: much", "19: hypotheses.0.contradicts.0.weight: expected `float`, got `str`"),
        ("weight: 2.5", "wait: 2.5", "19: hypotheses.0.contradicts.0: unknown key `wait`"),
        ("{if: watch.x > 1, because: x}", "{if: watch.x > 1}", "16: hypotheses.0.supports.0: `because` is missing"),
        ("do: {now: restart}", "do: {know: restart}", "21: hypotheses.0.do: unknown key `know`"),
        ("do: {now: restart}", "culprit: {pidd: x}", "21: hypotheses.0.culprit: unknown key `pidd`"),
        ("use: page-cache", "use: page-cash", "22: `use: page-cash`: no such hypothesis; known are: page-cache"),
        ("use: page-cache", "use: [page-cache]", "22: `use: ['page-cache']`: no such hypothesis"),
        ("use: page-cache", "{use: page-cache, prior: 1}", "22: hypotheses.1: unknown key `use`"),
        ("- use: page-cache", "- page-cache", "22: hypotheses.1: expected `object`, got `str`"),
        ("wall: 2m", 'wall: "a\\n\\eb"', "3: `a  b`: expected a duration"),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, says: str) -> None:
    assert TEXT.count(old) == 1
    (found,) = mistakes(TEXT.replace(old, new))
    assert found.startswith(f"p.yaml:{says}")


def test_all_mistakes_are_told_at_once() -> None:
    text = TEXT.replace("2m", "soon").replace("weight: 2.5", "weight: 99").replace("id: files", "id: watch")
    assert [each.split(":")[1] for each in mistakes(text)] == ["3", "19", "11"]
    with pytest.raises(PlaybookError, match="and 2 more"):
        read(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1: the playbook: expected `object`, got `null`"),
        ("# nothing\n", "1: the playbook: expected `object`, got `null`"),
        ("- a", "1: the playbook: expected `object`, got `array`"),
        ("a: [", "1: expected the node content"),
        ("a: b\nc: 'd", "2: found unexpected end of stream"),
        ("a:\n\tb: c", "2: found character '\\t' that cannot start any token"),
        ("a: \x00", "1: unacceptable character"),
        ("a: b\n---\nc: d", "2: but found another document"),
        ("a: *b", "1: found undefined alias 'b'"),
        ("a: !!python/object/apply:os.system [x]", "1: a tag (`tag:yaml.org,2002:python/object/apply:os.system`)"),
        ("a: !!python/name:os.system x", "1: could not determine a constructor for the tag"),
        ("a: !mine {b: c}", "1: a tag (`!mine`) is not for playbooks"),
        ("a: !!int ''", "1: `` is not what its tag or form says"),
        ("a: !!bool maybe", "1: `maybe` is not what its tag or form says"),
        ("a: b\nc: 2024-13-45", "2: `2024-13-45` is not what its tag or form says"),
        ("a: b\n? [c]\n: d", "2: a key has to be a word"),
        ("<<: {playbook: a}", "1: the playbook: unknown key `<<`"),
        ("a: &x [*x]", "1: nested too deeply"),
        ("a: &x {b: *x}", "1: nested too deeply"),
        ("a: " + "[" * 40 + "]" * 40, "1: nested too deeply"),
        ("[" * 3000, "1: nested too deeply"),
        ("a: " + "x" * (1 << 20), "1: larger than any playbook"),
    ],
)
def test_what_is_no_playbook_at_all(text: str, says: str) -> None:
    (found,) = mistakes(text)
    assert found.startswith(f"p.yaml:{says}")


def test_few_lines_that_stand_for_billions_are_refused() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for inner, outer in zip("abcdefghi", "bcdefghij", strict=True):
        bomb += f"{outer}: &{outer} [{', '.join([f'*{inner}'] * 10)}]\n"
    (found,) = mistakes(bomb)
    assert found.endswith("more than 50000 values")


def test_anchors_may_be_used() -> None:
    text = TEXT.replace("title: It is slow", "title: &t It is slow").replace("says: first", "says: *t")
    assert read(text).hypotheses[0].says == "It is slow"


@pytest.mark.parametrize(
    ("shared", "says"),
    [
        ("5", "h.yaml:1: expected a list of hypotheses"),
        ("page-cache: {}", "h.yaml:1: expected a list of hypotheses"),
        ("- {id: a, says: b}\n- {id: a, says: c}", "h.yaml:2: `a` stands in h.yaml already"),
        ("- {id: a}", "h.yaml:1: 0: `says` is missing"),
        ("- a", "h.yaml:1: 0: expected `object`, got `str`"),
        ("- [", "h.yaml:1: "),
    ],
)
def test_a_mistake_in_a_shared_file(shared: str, says: str) -> None:
    (found,) = mistakes(TEXT, shared)
    assert found.startswith(says)


def test_a_shared_file_may_be_empty() -> None:
    assert load.library({"h.yaml": "# none yet\n"}) == {}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("90s", 90), ("2m", 120), ("1.5h", 5400), ("500ms", 0.5), (" 3 s ", 3), ("3", 3), (7, 7), (0.5, 0.5), ("0s", 0)],
)
def test_durations(given: str | float, seconds: float) -> None:
    assert load.seconds(given) == seconds


@pytest.mark.parametrize("given", ["", "s", "-1s", "1d", "1e3s", "1,5s", "nan", "inf", "1s2", "9" * 400])
def test_what_is_no_duration(given: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        load.seconds(given)


def test_the_line_of_what_is_not_there_is_that_of_what_it_would_be_in() -> None:
    marked = Marked("a:\n  b: 1\n  c:\n    - 2\n    - d: 3\n")
    paths = {(): 1, ("a",): 1, ("a", "b"): 2, ("a", "x", "y"): 1, ("a", "c", 1): 5, ("a", "c", 1, "d"): 5, ("z",): 1}
    assert {path: marked.line(path) for path in paths} == paths


edits = st.lists(
    st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), st.sampled_from(list(":{}[]-\n &*!'\"?|>%@`#,a0\x00é"))),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(deadline=None)
@given(edits)
def test_whatever_is_typed_into_it_nothing_but_mistakes_comes_out(edits: list[tuple[int, int, str]]) -> None:
    text = TEXT
    for at, length, new in edits:
        text = text[:at] + new + text[at + length :]
    said = ["p.yaml:1: nothing"]
    try:
        assert read(text).steps
    except PlaybookError as error:
        said = error.mistakes
    assert all(each.startswith("p.yaml:") and each.isprintable() for each in said)
