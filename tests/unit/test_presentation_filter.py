"""The filter line never fails, and its comparisons mean what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.presentation.figures import Figures
from mcptop.presentation.filter import NUMBERS, WORDS, Subject, parse

WORKER = Subject(
    "mcp-stack\nmcp-worker\nmcp-stack-worker-1",
    Figures(cores=1.0, working_set=600 << 20, memory_worst=0.76, throttled=0.4, restarts=0),
    {"state": "running", "health": "healthy", "kind": "container", "level": "warning"},
)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "WORK", "mcp work", "cpu>50", "cpu>=100 cpu<=100", "cpu=100", "mem>500M", "mem>500MiB", "mem<1g",
     "mem%>75", "mem%>75%", "thr>30 work", "state=run", "health=healthy", "kind=container", "level=warn", "restarts=0"],
)  # fmt: skip
def test_passes(text):
    assert parse(text).passes(WORKER)


@pytest.mark.parametrize(
    "text", ["postgres", "work postgres", "cpu>100", "mem>600M", "state=exited", "fd>0", "fd<9", "cpu>", "cpu>x"]
)
def test_does_not_pass(text):
    assert not parse(text).passes(WORKER)


def test_an_empty_filter_is_no_filter():
    assert not parse(" ")
    assert parse("x")


PARTS = st.one_of(
    st.text(),
    st.builds(
        lambda name, sign, value: f"{name}{sign}{value}",
        st.sampled_from([*NUMBERS, *WORDS]),
        st.sampled_from([">", "<", "=", ">=", "<=", ">>", ""]),
        st.one_of(st.text(), st.floats().map(str), st.integers().map(str)),
    ),
)


@given(st.lists(PARTS).map(" ".join))
def test_any_text_is_a_filter(text):
    assert parse(text).passes(WORKER) in (True, False)
    assert parse(text).text == text
