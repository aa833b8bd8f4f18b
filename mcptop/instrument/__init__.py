"""Publish a service's connection pools, queues and caches as Prometheus metrics.

    from mcptop.instrument import CONTENT_TYPE, render, watch

    engine = watch(create_async_engine(url), "db")
    ...
    return Response(render(), media_type=CONTENT_TYPE)

Needs the standard library and nothing else, starts no thread, costs nothing between two scrapes, and raises nothing
into the service. What is not known has no sample; 0 would be a claim. See docs/instrument.md.
"""

from __future__ import annotations

from typing import TypeVar

from mcptop.instrument.page import service_name, tables
from mcptop.instrument.prometheus import PageCollector
from mcptop.instrument.registry import Registry
from mcptop.instrument.text import CONTENT_TYPE, written

__all__ = ["CONTENT_TYPE", "collector", "forget", "read", "render", "watch"]

Thing = TypeVar("Thing")

_REGISTRY = Registry()


def watch(thing: Thing, name: str | None = None, also: object = None) -> Thing:
    """Publish a thing from now on, and return it, so that this can stand around a constructor.

    `name` is its value of the `pool`, `queue` or `cache` label; a second thing of one name gets a number.
    `also` is an object with counts the library does not keep, as attributes called like the fields in `figures`
    (`waits`, `wait_s`, `timeouts`; `in_flight`, `oldest_age_s`, `entered`, `left`, `rejected`; `hits`, `misses`,
    ...); what it has counts before what the thing says. Both are held weakly.
    """
    _REGISTRY.watch(thing, name, also)
    return thing


def forget(thing: object) -> None:
    """Publish it no more."""
    _REGISTRY.forget(thing)


def read(thing: object) -> dict[str, float]:
    """A thing's own figures now, by field, watched or not: `in_use`, `idle`, `max`, ... Only what is known."""
    return _REGISTRY.read(thing)


def render(service: str | None = None) -> str:
    """The page, to be sent as `CONTENT_TYPE`. `service` None: `MCPTOP_SERVICE`, or the program's name."""
    return written(tables(_REGISTRY, service or service_name()))


def collector(service: str | None = None) -> PageCollector:
    """For `prometheus_client`: `REGISTRY.register(collector())`. Raises ImportError where that is not installed."""
    return PageCollector(lambda: tables(_REGISTRY, service or service_name()))
