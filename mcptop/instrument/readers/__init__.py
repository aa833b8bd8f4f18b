"""What is known of each library, one file each, and which of it a thing belongs to.

A library is recognised by the names of a type's modules. Nothing of it is imported: what a service does not use is
not loaded, and what it uses is there already.
"""

from __future__ import annotations

from typing import Any

from mcptop.instrument.family import Family
from mcptop.instrument.readers import (
    aiohttp,
    asyncpg,
    caches,
    http,
    places,
    psycopg,
    queues,
    redis,
    sqlalchemy,
    urllib3,
)

_FAMILIES: dict[tuple[str, str], Family] = {
    key: family
    for reader in (sqlalchemy, asyncpg, psycopg, http, aiohttp, redis, urllib3, queues, places, caches)
    for key, family in reader.FAMILIES.items()
}


def family_of(thing: Any) -> Family | None:
    """Who can read it: by the nearest of its classes that is known, then by what it looks like. None: nobody."""
    for each in type(thing).__mro__:
        if found := _FAMILIES.get((each.__module__.partition(".")[0], each.__qualname__)):
            return found
    if callable(getattr(thing, "cache_info", None)):
        return caches.FUNCTION
    if hasattr(thing, "currsize") and hasattr(thing, "maxsize"):
        return caches.MAPPING
    return None
