"""Conditions and texts: what is unknown is neither true nor false, and nothing leads out of the evidence."""

from __future__ import annotations

import tracemalloc
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcptop.playbook import expressions
from mcptop.playbook.expressions import FILTERS, ExpressionError, Unknown

NAMES: dict[str, Any] = {
    "watch": {
        "anon": {"slope_per_s": 1024.0, "rising": True, "last": None, "high": float("inf")},
        "ended": False,
        "none": None,
        "empty": {},
    },
    "files": {"paths": ["/a", "/b"], "rows": [{"name": "x", "size": None}, None], "nothing": []},
    "target": {"python": True, "pids": [7, 8], "name": "worker-1", "container": None},
}
UNKNOWN = ("watch.none", "watch.anon.last", "watch.nobody", "nobody.at.all", "files.rows[0].size", "files.rows[1]")


def told(text: str, is_template: bool) -> str:
    """What is said of a mistake, by whoever reads it or by whoever computes it."""
    try:
        list(expressions.names_in(text, template=is_template))
    except ExpressionError as error:
        return str(error)
    with pytest.raises(ExpressionError) as failed:
        expressions.render(text, NAMES) if is_template else expressions.holds(text, NAMES)
    return str(failed.value)


def three(text: str) -> bool | None:
    """A condition's three values."""
    try:
        return expressions.holds(text, NAMES)
    except Unknown:
        return None


@pytest.mark.parametrize(
    "condition",
    ["{}", "not {}", "{} > 1", "{} <= 1", "1 < {}", "{} == 1", "{} != 1", "{} == none", "{} in [1, 2]", "{} in 'abc'",
     "{} not in 'abc'", "'a' in {}", "{} + 1 > 0", "1 - {} > 0", "-{} < 0", "{} * 60 > 5", "60 * {} > 5", "{} / 2 > 1",
     "{} // 2 > 1", "{} % 2 == 0", "2 ** {} > 3", "{} | abs > 1", "{} | round > 1", "{} | max > 1", "{} | length > 1",
     "[1, {}] | max > 0", "{}.below > 1", "{}[0] > 1", "{}['x'] > 1", "1 if {} else 2", "{} and true", "true and {}",
     "{} or false", "false or {}", "({}) == ({})"],
)  # fmt: skip
def test_what_is_unknown_is_neither_true_nor_false(condition: str) -> None:
    assert {name: three(condition.replace("{}", name)) for name in UNKNOWN} == dict.fromkeys(UNKNOWN)


def test_unknown_tells_the_whole_name() -> None:
    for text, name in (("not watch.nobody.at.home", "watch.nobody.at.home"), ("watch.none > 1", "watch.none"),
                       ("2 * nobody.x < 3", "nobody.x"), ("watch['none'] > 1", "watch.none")):  # fmt: skip
        with pytest.raises(Unknown, match=rf"^{name}$"):
            expressions.holds(text, NAMES)


@pytest.mark.parametrize(("text", "expected"), [
    ("false and watch.none", False), ("true or watch.none", True), ("watch.ended and nobody.x > 1", False),
    ("watch.anon.rising or watch.none > 1", True), ("1 if true else watch.none", True),
    ("watch.none is defined", False), ("watch.none is not defined", True), ("nobody.x is undefined", True),
    ("watch.anon.rising is defined", True), ("watch.anon.rising is undefined", False), ("watch.empty is defined", True),
    ("watch.none | default(3) == 3", True), ("nobody.x.y | default(0) > 0", False), ("watch.ended | default(1)", False),
    ("watch.anon.slope_per_s > 1e3 and target.python", True), ("not target.python", False),
    ("target.pids[1] == 8", True),
    ("files.paths[0] == '/a'", True), ("'b' in 'abc'", True), ("'/a' in files.paths", True), ("7 in target.pids", True),
    ("3 in files.nothing", False), ("files.nothing", False), ("files.rows[0].name == 'x'", True),
    ("files.paths | length == 2", True), ("(1.26 | round(1)) == 1.3", True), ("(-3 | abs) == 3", True),
    ("[1, 3] | max == 3", True), ("2 ** 10 == 1024", True), ("1 < 2 < 3", True),
])  # fmt: skip
def test_what_is_known_is_judged_and_only_what_has_to_be(text: str, expected: bool) -> None:
    assert three(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("watch.anon.slope_per_s * 2", 2048.0), ("watch.none", None), ("watch.none * 2", None), ("nobody.x", None),
     ("watch.none > 2", None), ("target.name", "worker-1"), ("watch.none | default(5)", 5), ("watch.none or 5", None)],
)  # fmt: skip
def test_values(text: str, expected: object) -> None:
    assert expressions.value(text, NAMES) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("{{ watch.anon.slope_per_s | per_minute }}", "60 KiB/min"), ("{{ 2048 | size }}", "2.0 KiB"),
    ("{{ 2048 | size_rate }}", "2.0 KiB/s"), ("{{ 0.384 | percent }}", "38%"), ("{{ 90 | duration }}", "1m 30s"),
    ("{{ 0.5 | cores }}", "0.50 cores"), ("{{ 1234.5 | number }}", "1234"), ("{{ 3 | number }}", "3"),
    ("{{ 0.1234 | number }}", "0.12"), ("{{ 12.34 | number }}", "12"), ("{{ 'a\x1b[31mb' | name }}", "a [31mb"),
    ("{{ watch.none }} of {{ nobody.x }}", "- of -"), ("{{ watch.none * 60 | size }}", "-"),
    ("{{ (watch.none * 60) | size }}", "-"), ("{{ 'yes' if watch.none > 3 else 'no' }} it is", "- it is"),
    ("a {% if watch.none > 3 %}b{% else %}c{% endif %} d", "a - d"),
    ("{% if target.python %}{{ watch.none | size }} x{% endif %}", "- x"),
    ("{% if watch.none is defined %}b{% elif watch.ended %}c{% else %}d{% endif %}", "d"),
    ("{% if target.python %}{% if nobody.x %}b{% endif %} c{% endif %}", "- c"),
    ("{{ files.paths | join(', ') }}", "/a, /b"), ("{{ watch.none | join(', ') }}!", "-!"),
    ("{{ watch.anon }} {{ watch }}", "- -"), ("{{ watch | size }}", "-"), ("  two \n lines ", "two lines"),
    ("{{ '{{' }}json{{ '}}' }}", "{{json}}"), ("{{ watch.anon.high | number }}", "-"),
    ("{{ watch.anon.high | cores }}", "-"),
    ("{{ watch.none | default('all') }}", "all"), ("{{ target.pids | join('+') }}", "7+8"),
    ("{{ files.paths }} {{ target.pids }}", "['/a', '/b'] [7, 8]"), ("{{ 1 + 2 }} {{ 'a' + 'b' }}", "3 ab"),
    ("{{ target.name ~ '-' ~ 3 }} {{ 'a' ~ watch.none }}", "worker-1-3 a-"), ("a" * 9_000, "a" * 9_000),
])  # fmt: skip
def test_texts(text: str, expected: str) -> None:
    assert expressions.render(text, NAMES) == expected


@pytest.mark.parametrize(
    "part",
    ["{{ a.text }}", "{{ a.texts }}", "{{ a.texts | join(a.text) }}", "{{ a.texts | first }}",
     "{{ a.texts[0] ~ a.text }}", "{{ a.texts | max }}", "{{ a.texts | name }}", "{% if 1 %}{{ a.text }}{% endif %}"],
)  # fmt: skip
def test_what_evidence_of_any_size_makes_of_a_text_is_bounded(part: str) -> None:
    evidence = {"a": {"text": "x" * 300_000, "texts": ["y" * 300_000] * 4}}
    text = part * (9_000 // len(part))
    expressions.render(text, {})
    tracemalloc.start()
    try:
        found = expressions.render(text, evidence)
        assert len(found) <= 10_001
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("made", ["a.text", "(a.texts | first)", "(a.texts + a.texts)", "(a.text ~ a.text)"])
def test_no_condition_makes_a_text_or_list_of_any_size(made: str) -> None:
    evidence = {"a": {"text": "x" * 10_000, "texts": ["y" * 10_000] * 9_000}}
    with pytest.raises(ExpressionError, match="too long to be put together"):
        expressions.holds(f"({made} + {made}) == 1", evidence)


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_leaves_unknown_unknown(name: str) -> None:
    assert {expressions.render(f"{{{{ {missing} | {name} }}}}", NAMES) for missing in UNKNOWN} == {"-"}


@pytest.mark.parametrize(
    "name",
    ["watch", "watch.anon", "watch.none", "nobody", "files.paths", "target.name", "'text'", "3", "watch.anon.rising"],
)
def test_no_attribute_of_an_object_can_be_reached(name: str) -> None:
    for attribute in ("__class__", "__dict__", "__init__", "_refuse", "_values", "_name", "_undefined_name",
                      "_fail_with_undefined_error", "under", "upper", "append", "real", "format", "items"):  # fmt: skip
        for way in (f"{name}.{attribute}", f"{name}['{attribute}']"):
            assert expressions.value(way, NAMES) is None
            assert expressions.render("{{ " + way + " }}", NAMES) == "-"
            assert three(way) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [("1 +", "unexpected"), ("", "unexpected"), ("(1", "unexpected end"), ("1 2", "something stands behind its end"),
     ("a) or (b", "unexpected"), ("a is odd", "No test named 'odd'"), ("a | upper", "no filter `upper`"),
     ("x.upper()", "nothing can be called here"), ("range(3)", "nothing can be called here"), ("1 < 'a'", "TypeError"),
     ("watch > 3", "TypeError"), ("2 ** 100 > 1", "a power too large"),
     ("(9 ** 64) ** 64 > 1", "a power too large"), ("'a' * 1000000000 > 'b'", "`*` is for numbers"),
     ("'%99999999d' % 3 == 'x'", "`%` is for numbers"), ("[1] * 1000000000", "`*` is for numbers"),
     ("(" * 3000 + "1" + ")" * 3000, "nested too deeply"), ("9" * 6000, "digits"), ("1" + " + 1" * 3000, "longer than"),
     ("1\n+", "unexpected"), ("'\x1b[31m' +", "unexpected")],
)  # fmt: skip
def test_a_condition_that_is_wrong_is_told_in_one_line(text: str, says: str) -> None:
    message = told(text, is_template=False)
    assert says in message
    assert message.isprintable()
    assert len(message) < 400


@pytest.mark.parametrize(
    ("text", "says"),
    [("{{ 1 +", "unexpected"), ("{% if x %}", "Unexpected end"), ("{% if %}a{% endif %}", "Expected an expression"),
     ("{{ x | shout }}", "no filter `shout`"), ("{% for x in files.paths %}{% endfor %}", "`{% for %}` is not"),
     ("{% set x = 3 %}", "`{% assign %}` is not"), ("{% include '/etc/passwd' %}", "`{% include %}` is not"),
     ("{% macro x() %}{% endmacro %}", "`{% macro %}` is not"), ("{% filter size %}3{% endfilter %}", "is not for"),
     ("{{ self.x() }}", "nothing can be called"), ("{{ 'x' | size }}", "TypeError"),
     ("{{ 'x' * 3000000000 }}", "`*` is for numbers"),
     ("{% if 1 %}" * 300 + "{% endif %}" * 300, "nested too deeply")],
)  # fmt: skip
def test_a_text_that_is_wrong_is_told_in_one_line(text: str, says: str) -> None:
    message = told(text, is_template=True)
    assert says in message
    assert message.isprintable()


def test_rounding_to_a_million_digits_takes_no_time() -> None:
    assert expressions.holds("(5 | round(-100000000)) == 0", NAMES)
    assert expressions.holds("(5.5 | round(100000000)) == 5.5", NAMES)


@pytest.mark.parametrize(("text", "names"), [
    ("a.b.c > 1 and not d", {"a.b.c", "d"}), ("target.pids[0] == a.b", {"target.pids", "a.b"}), ("a['b'].c", {"a.b.c"}),
    ("a[b.c].d", {"a", "b.c"}), ("[a.b, a.c] | max > (d.e | default(f.g))", {"a.b", "a.c", "d.e", "f.g"}),
    ("a.b is defined", {"a.b"}), ("1 > 2", set()), ("1 if a.b else c.d", {"a.b", "c.d"}), ("'a.b' in c", {"c"}),
])  # fmt: skip
def test_names_of_a_condition(text: str, names: set[str]) -> None:
    assert set(expressions.names_in(text, template=False)) == names


def test_names_of_a_text() -> None:
    text = "a {{ b.c | size }}{% if d.e is defined %} {{ f }}{% elif g.h %}{% else %}{{ i['j'] }}{% endif %}"
    assert set(expressions.names_in(text, template=True)) == {"b.c", "d.e", "f", "g.h", "i.j"}


def kleene(text: str, values: dict[str, bool | None]) -> bool | None:
    """What an expression of `and`, `or` and `not` has to give, read from left to right."""

    class Asked(Exception):
        pass

    class Value:
        def __init__(self, known: bool | None) -> None:
            self.known = known

        def __bool__(self) -> bool:
            if self.known is None:
                raise Asked
            return self.known

    try:
        return bool(eval(text, {name: Value(known) for name, known in values.items()}))
    except Asked:
        return None


def formulas(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from("abc")
    if not depth:
        return leaf
    below = formulas(depth - 1)
    return st.one_of(
        leaf,
        below.map("(not {})".format),
        st.tuples(below, st.sampled_from(["and", "or"]), below).map("({0[0]} {0[1]} {0[2]})".format),
    )


@settings(deadline=None)
@given(formulas(3))
def test_and_or_and_not_look_at_no_more_than_they_have_to(text: str) -> None:
    for known in product((True, False, None), repeat=3):
        values = dict(zip("abc", known, strict=True))
        try:
            found: bool | None = expressions.holds(text, values)
        except Unknown:
            found = None
        assert found is kleene(text, values)


WORDS = [
    "watch", "watch.none", "nobody", "target.pids", "files.rows", ".", "_", "__class__", "(", ")", "[", "]", "{", "}",
    "{{", "}}", "{%", "%}", "if", "else", "endif", "for", "in", "not", "and", "or", "is", "defined", "none", "true",
    "|", "size", "default", "round", "max", "join", ":", ",", "1", "0", "-", "+", "*", "**", "/", "//", "%", "~", "<",
    "==", "'a'", '"', "'", "#", "{#", "9999999999", "1e400", "self", "loop", "é", "\n", "\x00",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=3)), max_size=12).map(" ".join)


@settings(deadline=None)
@given(texts)
def test_nothing_but_its_own_errors_comes_out(text: str) -> None:
    said = []
    for work in (
        lambda: expressions.holds(text, NAMES),
        lambda: expressions.value(text, NAMES),
        lambda: expressions.render(text, NAMES),
        lambda: list(expressions.names_in(text, template=False)),
        lambda: list(expressions.names_in(text, template=True)),
    ):
        try:
            work()
        except (ExpressionError, Unknown) as error:
            said.append(str(error))
    assert all(said)
    assert all(each.isprintable() for each in said)
