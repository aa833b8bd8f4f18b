"""What is said of names that nobody has."""

from __future__ import annotations

import pytest

from mcptop import units


@pytest.mark.parametrize(
    ("name", "known", "says"),
    [
        ("mcp-apy", ["mcp-api", "mcp-worker"], "nearest: mcp-api"),
        ("nonsense", ["slow-service"], "there are slow-service"),
        ("x", list("abcdefg"), "there are a, b, c, d, e and 2 more"),
        ("x", [], "there is none at all"),
        ("a\x1b", ["a\x1bb"], "nearest: a b"),
    ],
)
def test_only_what_looks_like_it_is_near(name, known, says):
    assert units.nearest(name, known) == says


def test_one_has_no_plural():
    assert [units.many(number, "thread") for number in (0, 1, 2)] == ["0 threads", "1 thread", "2 threads"]
