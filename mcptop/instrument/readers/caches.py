"""Caches: cachetools and what looks like it (`maxsize`, `currsize`), and functions with a `cache_info()`.

A cache with a `getsizeof` is taken to be sized in bytes, as `sys.getsizeof` is; one without counts its entries.
Counts the cache itself keeps (`hits`, `misses`, `evictions`, `expirations`) are read where it has them.
"""

from __future__ import annotations

from typing import Any

from mcptop.instrument.family import Facts, Family, named
from mcptop.instrument.figures import CACHE

_COUNTS = ("hits", "misses", "evictions", "expirations")


def _base(cache: Any) -> Any:
    """The class whose length and size only look: those of caches with a time to live put out what is too old."""
    return next((c for c in type(cache).__mro__ if c.__module__ == "cachetools" and c.__name__ == "Cache"), None)


def _held(cache: Any) -> tuple[int, int | float]:
    base = _base(cache)
    if base is None:
        return len(cache), cache.currsize
    return base.__len__(cache), base.currsize.fget(cache)


def _room(cache: Any) -> Facts:
    entries, size = _held(cache)
    base = _base(cache)
    if cache.maxsize is None:
        return {"entries": entries}
    if base is None or getattr(cache.getsizeof, "__func__", cache.getsizeof) is base.getsizeof:
        return {"entries": entries, "max_entries": cache.maxsize}
    return {"entries": entries, "bytes": size, "max_bytes": cache.maxsize}


def _counts(cache: Any) -> Facts:
    return {name: getattr(cache, name, None) for name in _COUNTS}


def _function(function: Any) -> Facts:
    info = function.cache_info()
    lookups = {"hits": info.hits, "misses": info.misses}
    # cachetools' functions tell the size in the cache's own unit.
    if (cache := getattr(function, "cache", None)) is not None and hasattr(type(cache), "currsize"):
        return {**lookups, **_room(cache)}
    return {**lookups, "entries": info.currsize, "max_entries": info.maxsize}


def _function_name(function: Any) -> str:
    return str(function.__qualname__)


MAPPING = Family(CACHE, named("cache"), (_room, _counts))
FUNCTION = Family(CACHE, _function_name, (_function,))
FAMILIES = {("cachetools", "Cache"): MAPPING}
