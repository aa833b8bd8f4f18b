"""Parsers of controller files: units, missing limits, and input nobody thought of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.sources import cgroup_files as files

PARSERS = [
    files.number, files.memory_limit, files.pressure, files.cpu_stat_v1, files.cpu_stat_v2, files.cpu_max,
    files.nanoseconds, files.memory_stat_v1, files.memory_stat_v2, files.oom_kills, files.io_service_bytes,
    files.io_stat,
]  # fmt: skip


def test_both_versions_give_seconds_and_bytes() -> None:
    assert files.nanoseconds(b"1500000000\n") == 1.5
    v2 = files.cpu_stat_v2(b"usage_usec 1500000\nuser_usec 1\nnr_periods 10\nnr_throttled 4\nthrottled_usec 9\n")
    assert v2 == (1.5, 10, 4)
    assert files.cpu_stat_v1(b"nr_periods 10\nnr_throttled 4\nthrottled_time 9\n") == (None, 10, 4)
    assert files.memory_stat_v1(b"rss 1\ntotal_rss 2\ntotal_cache 3\ntotal_shmem 4\ntotal_inactive_file 5\n") == (
        2,
        3,
        4,
        5,
    )
    assert files.memory_stat_v2(b"anon 2\nfile 3\nshmem 4\ninactive_file 5\n") == (2, 3, 4, 5)


@pytest.mark.parametrize("text", [b"max\n", b"-1\n", b"9223372036854771712\n", b"", b"nonsense"])
def test_no_limit_is_none(text: bytes) -> None:
    assert files.memory_limit(text) is None


def test_the_quota_is_in_cores() -> None:
    assert files.cpu_max(b"50000 100000\n") == 0.5
    assert files.cpu_max(b"max 100000\n") is None
    assert files.cpu_max(b"50000 0\n") is None


def test_pressure_is_a_ratio_and_full_may_be_missing() -> None:
    both = files.pressure(
        b"some avg10=18.70 avg60=1.00 avg300=0.00 total=5\nfull avg10=1.00 avg60=0 avg300=0 total=1\n"
    )
    assert both is not None
    assert both.some_avg10 == pytest.approx(0.187)
    assert both.full_avg10 == pytest.approx(0.01)
    some = files.pressure(b"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
    assert some is not None
    assert some.full_avg10 is None
    assert files.pressure(b"") is None


def test_block_io_of_both_versions() -> None:
    v1 = files.io_service_bytes(b"8:0 Read 4096\n8:0 Write 10\n8:0 Sync 5\n8:0 Total 4106\n9:1 Read 1\nTotal 4107\n")
    assert v1 == (("8:0", 4096, 10), ("9:1", 1, 0))
    v2 = files.io_stat(b"8:0 rbytes=4096 wbytes=10 rios=1 wios=1 dbytes=0 dios=0\n7:0 \n")
    assert v2 == (("8:0", 4096, 10),)


def test_oom_kills_of_both_versions() -> None:
    assert files.oom_kills(b"low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n") == 2
    assert files.oom_kills(b"oom_kill_disable 0\nunder_oom 0\noom_kill 1\n") == 1
    assert files.oom_kills(b"oom_kill_disable 0\nunder_oom 0\n") is None


@given(st.binary(max_size=300))
def test_no_input_raises(data: bytes) -> None:
    for parse in PARSERS:
        parse(data)


@given(st.dictionaries(st.sampled_from(["anon", "file", "shmem", "inactive_file", "slab"]), st.integers(0, 1 << 50)))
def test_memory_stat_keeps_what_is_there_and_nothing_else(values: dict[str, int]) -> None:
    data = "".join(f"{key} {value}\n" for key, value in values.items()).encode()
    found = files.memory_stat_v2(data)
    assert found == tuple(values.get(key) for key in ("anon", "file", "shmem", "inactive_file"))
