"""The filter line never fails, and its comparisons mean what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.model.flow import Pool, Queue
from mcptop.presentation.figures import Figures
from mcptop.presentation.filter import DEEPEST, Subject, completion, parse
from mcptop.presentation.filter_fields import NAMES, NUMBERS, SAME, WORDS
from mcptop.presentation.flow_columns import POOLS, QUEUES
from mcptop.presentation.flows import Flow
from mcptop.presentation.judgement import FINE

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
FLOW = Flow(
    pools=(
        (Pool("db", kind="db", peer="postgres", in_use=5, max=10, waiting=2, wait_s=0.3, timeouts_per_s=0.5), FINE),
    ),
    queues=((Queue("jobs", depth=412, in_per_s=7.0, growth_per_s=-2.0, oldest_age_s=130.0), FINE),),
)
WORKER = Subject(
    "mcp-stack\nmcp-worker\nmcp-stack-worker-1",
    Figures(cores=1.0, working_set=600 << 20, memory_worst=0.76, throttled=0.4, restarts=0, trend=(12 << 20) / 3600,
            network=3 << 20, established=14_000, started_at=NOON - timedelta(hours=3), flow=FLOW),
    {"state": "running", "health": "healthy", "kind": "container", "level": "warning", "project": "mcp-stack",
     "service": "mcp-worker", "image": "registry/worker:1.4", "pool": "db\nhttp", "peer": "postgres"},
    NOON,
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "  ", "WORK", "mcp work", "cpu>50", "cpu>=100 cpu<=100", "cpu=100", "mem>500M", "mem>500MiB", "mem<1g",
     "mem%>75", "mem%>75%", "thr>30 work", "state=run", "health=healthy", "kind=container", "level=warn", "restarts=0",
     "CPU>50", "cpu>0.5c", "cpu!=50", "cpu==100", "cpu=100.4", "trend>10m/h", "trend>10M", "trend>0.1m/min",
     "trend<1m/min", "net>2m/s", "net>100m/min", "sock>12k", "up>2h", "up<1d", "age>10000", "wait>200ms", "wait<1",
     "invain>20/min", "growth<-1", "oldest>2m", "in>6", "queue>100", "pool%=50", "pool>4", "waiting>1",
     "!postgres", "!state=exited", "state!=exited", "!!work", "!cpu<50", "postgres or work", "postgres|work",
     "service=worker", "service==mcp-worker", "project=stack", "ns=stack", "image=1.4", "pool==http", "peer=post",
     '"mcp-worker"', '"mcp-stack', 'service="mcp-worker"', "problem", "level>=warning", "level>unknown", "level!=ok",
     "(postgres | work) cpu>50", "!(postgres | redis)", "work or", "or work", "work and cpu>50", "()", "(((work",
     "work)", "cpu>", "state=", "!", '"'],
)  # fmt: skip
def test_passes(text):
    assert parse(text).passes(WORKER)


@pytest.mark.parametrize(
    "text",
    ["postgres", "work postgres", "cpu>100", "mem>600M", "state=exited", "fd>0", "fd<9", "cpu>x", "cpu>5q", "mem>5h",
     "!work", "!cpu>50", "cpu!=100", "state!=running", "service==worker", "service!=worker", "pool==ht", "net>4m/s",
     "trend>10m/min", "growth>0", "!(work | redis)", "work !state=running", "postgres | redis", "level>warning",
     "!problem", '"mcp worker"', "up<2h", "cpuu>1", "cpu>5/h", "state>running", "health=unhealthy",
     "cpu>50 postgres or x"],
)  # fmt: skip
def test_does_not_pass(text):
    assert not parse(text).passes(WORKER)


@pytest.mark.parametrize("text", ["fd>0", "!fd>0", "fd!=0", "image=x", "!image=x", "image!=x", "fd>0 | image=x"])
def test_what_is_unknown_answers_neither_a_question_nor_its_opposite(text):
    nobody = Subject("somebody", Figures(), {"image": ""})
    assert not parse(text).passes(nobody)
    assert parse(f"{text} | somebody").passes(nobody)


def test_an_empty_filter_is_no_filter():
    assert not any(parse(text) for text in (" ", "or", "()", "!", '""', "and", "cpu>"))
    assert parse("x")


@pytest.mark.parametrize(
    ("text", "part", "says"),
    [
        ("api cpuu>50 x", "cpuu>50", "no field `cpuu` (cpu?); read as text"),
        ("!zzzz=1", "zzzz=1", "no field `zzzz`; read as text"),
        ("mem>5h", "mem>5h", "`mem` wants bytes, or 500M; read as text"),
        ("level=bad", "level=bad", "`level` wants ok unknown warning critical; read as text"),
        ("state>up", "state>up", "`state` wants = or !=; read as text"),
        ("x cpu>", "cpu>", "`cpu>` waits for a value"),
    ],
)
def test_what_was_read_otherwise_is_said_with_its_place(text, part, says):
    (note,) = parse(text).notes
    assert text[note.start : note.end] == part
    assert note.says == says


def test_what_was_understood_has_no_note():
    assert parse('api !cpu>50 (mem%>80 | "a b") service=x problem').notes == ()


@pytest.mark.parametrize("sheet", [POOLS, QUEUES])
def test_the_columns_of_pools_and_queues_can_be_asked_for_by_their_titles(sheet):
    titles = {column.title.lower().replace(" ", "") for column in sheet.columns} - {"!", "drained"}
    assert not [title for title in titles if SAME.get(title, title) not in NAMES]


PARTS = st.one_of(
    st.text(st.characters()),
    st.text(st.characters(categories=("Cs",))),
    st.text('()!|"=<> ab', max_size=60),
    st.builds(
        lambda no, name, sign, value: f"{no}{name}{sign}{value}",
        st.sampled_from(["", "!", "(", "!("]),
        st.sampled_from([*NUMBERS, *WORDS, "level"]),
        st.sampled_from([">", "<", "=", ">=", "<=", ">>", "", "!=", "=="]),
        st.one_of(st.text(), st.floats().map(str), st.integers().map(str)),
    ),
)


@given(st.lists(PARTS).map(" ".join))
def test_any_text_is_a_filter(text):
    read = parse(text)
    assert read.passes(WORKER) in (True, False)
    assert read.text == text
    assert all(0 <= note.start < note.end <= len(text) for note in read.notes)


@pytest.mark.parametrize(
    "text",
    ["(" * 100_000, "!(" * 50_000 + "x", "(!" * 50_000, '"' * 99_999, "cpu>1 " * 20_000, "a|" * 99_999, "=" * 99_999],
)  # fmt: skip
def test_long_and_nested_lines_are_read_and_bounded(text):
    assert parse(text).passes(WORKER) in (True, False)


def test_brackets_are_read_as_deep_as_anybody_types_them():
    assert not parse("!(" * (DEEPEST - 1) + "work" + ")" * (DEEPEST - 1)).passes(WORKER)


@pytest.mark.parametrize(
    ("text", "whole"),
    [("m", None), ("me", "mem"), ("api !sta", "api !state"), ("mem", "mem%"), ("api", None), ("x mem ", None),
     ("", None), ("(lev", "(level"), ("Se", "Service"), ("cpu>", None)],
)  # fmt: skip
def test_the_name_of_a_field_is_completed(text, whole):
    assert completion(text) == whole


@given(st.text(st.characters()))
def test_completion_only_adds(text):
    assert (completion(text) or text).startswith(text)
