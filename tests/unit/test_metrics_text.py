"""The parser of metrics text, against prometheus_client and against whatever else is served under that name."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from mcptop.model.page import PageKind
from mcptop.sources.metrics_text import MAX_LABELS, MAX_LINE, parse

PAGES = sorted((Path(__file__).parent.parent / "fixtures" / "metrics").glob("*.txt"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_reads_as_prometheus_clients_parser_reads_it(path: Path) -> None:
    text = path.read_text()
    page = parse(text.encode())
    # Told that something is a counter it renames it, so it gets the samples alone.
    samples = "".join(f"{line}\n" for line in text.splitlines() if not line.startswith("#"))
    families = text_string_to_metric_families(samples)
    expected = [(s.name, s.labels, float(s.value)) for family in families for s in family.samples]
    # It gathers the samples of one name from wherever they stand; the order is not part of the comparison.
    found = [(sample.name, sample.labels, sample.value) for sample in page.samples]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert (page.kind, page.bad_lines, page.cut) == (PageKind.METRICS, 0, False)


@given(st.binary(max_size=400), st.sampled_from([None, frozenset({"a"})]))
def test_no_bytes_make_it_raise(data: bytes, wanted: frozenset[str] | None) -> None:
    parse(data, wanted)


@given(st.text(alphabet='ab_:.{}="\\, \n\t#1eN+-', max_size=80))
def test_no_text_that_resembles_metrics_makes_it_raise(text: str) -> None:
    page = parse(text.encode())
    assert page.bad_lines <= text.count("\n") + 1


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60))
def test_every_label_comes_back_as_it_was_before_it_was_escaped(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    (sample,) = parse(f'a{{b="{escaped}"}} 1\n'.encode()).samples
    assert sample.labels == {"b": value}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", PageKind.EMPTY),
        (b" \n\t\n", PageKind.EMPTY),
        (b"<html>a 1</html>", PageKind.HTML),
        (b"\xef\xbb\xbf  <!DOCTYPE html>\n", PageKind.HTML),
        (b"# No active runners\n", PageKind.COMMENTS),
        (b"# HELP a b\n# TYPE a gauge\n", PageKind.COMMENTS),
        (b'{"status": "ok"}', PageKind.OTHER),
        (b"not found\n", PageKind.OTHER),
        (b"a 1\n", PageKind.METRICS),
    ],
)
def test_what_a_body_is(body: bytes, kind: PageKind) -> None:
    page = parse(body)
    assert (page.kind, bool(page.samples)) == (kind, kind is PageKind.METRICS)


def test_comments_that_are_no_metadata_are_kept() -> None:
    assert parse(b"# HELP a b\n#   No active   runners \n").comments == ("No active runners",)


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a one",
        "a 1_000",
        "a 1 2 3",
        'a{b="c} 1',
        "a{b=c} 1",
        'a{b="c"d="e"} 1',
        'a{b="c",b="d"} 1',
        'a{b="c"}',
        "a{" + ",".join(f'l{n}="x"' for n in range(MAX_LABELS + 1)) + "} 1",
        'a{b="' + "x" * MAX_LINE + '"} 1',
        "1a 2",
    ],
    ids=lambda line: line[:20],
)
def test_a_bad_line_is_counted_and_the_others_are_read(line: str) -> None:
    page = parse(f"before 1\n{line}\nafter 2\n".encode())
    assert ([sample.name for sample in page.samples], page.bad_lines) == (["before", "after"], 1)


@pytest.mark.parametrize(
    ("line", "name", "labels", "value"),
    [
        ('{"db.client.connection.count"} 3', "db_client_connection_count", {}, 3),
        ('{"a.b", "c.d"="e", f="g"} 1', "a_b", {"c_d": "e", "f": "g"}, 1),
        ("a.b 4", "a_b", {}, 4),
        ('a{b="c",} 1 1700000000000', "a", {"b": "c"}, 1),
        ('a_bucket{le="1"} 1 # {trace_id="x"} 0.5', "a_bucket", {"le": "1"}, 1),
        ('a { b = "}," } 1', "a", {"b": "},"}, 1),
        ("a +Inf\r", "a", {}, math.inf),
    ],
)
def test_the_forms_a_line_may_have(line: str, name: str, labels: dict[str, str], value: float) -> None:
    page = parse(line.encode())
    assert [(s.name, s.labels, s.value) for s in page.samples] == [(name, labels, value)]


def test_a_nan_stays_one() -> None:
    assert math.isnan(parse(b"a NaN\n").samples[0].value)


def test_a_line_nobody_wants_is_not_parsed() -> None:
    page = parse(b"a 1\nb{broken 2\nwanted 3\nwanted_too 4\n", frozenset({"wanted"}))
    assert ([(s.name, s.value) for s in page.samples], page.bad_lines) == ([("wanted", 3)], 0)


def test_a_page_of_metrics_without_a_wanted_one_is_still_one() -> None:
    page = parse(b"a 1\n", frozenset({"wanted"}))
    assert (page.kind, page.samples) == (PageKind.METRICS, ())


def test_a_wanted_name_is_found_in_its_quoted_form() -> None:
    page = parse(b'x 1\n{"db.client.count"} 2\n', frozenset({"db_client_count"}))
    assert [sample.value for sample in page.samples] == [2]


def test_more_samples_than_the_limit_are_cut_and_said_to_be() -> None:
    page = parse(b"a 1\nb 2\nc 3\n", max_samples=2)
    assert (len(page.samples), page.cut) == (2, True)
    assert not parse(b"a 1\nb 2\n", max_samples=2).cut
