"""The response cache: bounded, timed, and keyed by everything that matters (defect 19)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.demo.systems.response_cache import ENTRY_BYTES, ResponseCache, cache_key

BASE = {"model": "llama3-8b", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.2, "tools": None}


def test_defect_19_the_key_does_not_depend_on_the_order_of_keys() -> None:
    turned = {name: BASE[name] for name in reversed(BASE)}
    turned["messages"] = [{"content": "hi", "role": "user"}]
    assert cache_key(turned) == cache_key(BASE)
    assert len(cache_key(BASE)) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.3},
        {"tools": [{"name": "clock"}]},
        {"model": "llama3-70b"},
        {"messages": [{"role": "user", "content": "hi "}]},
        {"stream": True},
    ],
)
def test_defect_19_the_key_depends_on_every_parameter(change: dict[str, object]) -> None:
    assert cache_key({**BASE, **change}) != cache_key(BASE)


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text()))
def test_any_json_has_a_key(params: dict[str, object]) -> None:
    assert cache_key(params) == cache_key(dict(reversed(params.items())))


def test_what_json_cannot_hold_has_no_key() -> None:
    with pytest.raises(ValueError, match="JSON"):
        cache_key({"temperature": float("nan")})
    with pytest.raises(TypeError):
        cache_key({"tools": object()})


@pytest.mark.parametrize("value", [b"x" * 100, b""])
def test_defect_19_ten_thousand_distinct_keys_stay_within_the_bound(value: bytes) -> None:
    cache = ResponseCache(64 * 1024)
    for number in range(10_000):
        cache.set(cache_key({"n": number}), value)
    now = cache.stats()
    assert now.bytes <= now.max_bytes == 64 * 1024
    assert now.entries == 64 * 1024 // (ENTRY_BYTES + len(value))
    assert now.evictions == 10_000 - now.entries
    assert now.expirations == 0


def test_defect_19_expired_entries_are_not_held_and_not_returned() -> None:
    clock = [0.0]
    cache = ResponseCache(1 << 20, ttl_s=300, clock=lambda: clock[0])
    cache.set("a", b"1")
    clock[0] = 299.0
    assert cache.get("a") == b"1"
    cache.set("b", b"2")
    clock[0] = 300.0
    assert cache.stats().entries == 1
    assert cache.get("a") is None
    assert cache.get("b") == b"2"
    now = cache.stats()
    assert (now.hits, now.misses, now.expirations, now.evictions) == (2, 1, 1, 0)


def test_the_least_recently_used_goes_first() -> None:
    cache = ResponseCache(2 * (ENTRY_BYTES + 1))
    cache.set("a", b"1")
    cache.set("b", b"2")
    assert cache.get("a") == b"1"
    cache.set("c", b"3")
    assert [cache.get(key) for key in "abc"] == [b"1", None, b"3"]
    assert cache.stats().evictions == 1


def test_a_value_larger_than_the_cache_is_not_kept_and_evicts_nothing() -> None:
    cache = ResponseCache(ENTRY_BYTES + 10)
    cache.set("a", b"1")
    cache.set("b", b"x" * 11)
    assert (cache.get("a"), cache.get("b")) == (b"1", None)
    cache.set("a", b"x" * 11)
    assert cache.get("a") is None


def test_an_empty_value_is_a_hit() -> None:
    cache = ResponseCache(1 << 20)
    cache.set("a", b"")
    assert cache.get("a") == b""
    assert (cache.stats().hits, cache.stats().misses) == (1, 0)


def test_clearing_is_neither_eviction_nor_expiration() -> None:
    cache = ResponseCache(1 << 20)
    cache.set("a", b"1")
    cache.clear()
    now = cache.stats()
    assert (now.entries, now.bytes, now.evictions, now.expirations) == (0, 0, 0, 0)
    assert cache.get("a") is None
