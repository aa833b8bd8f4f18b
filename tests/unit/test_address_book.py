"""Addresses to names: who has an address, who had it then, and what the host's ports are."""

from __future__ import annotations

from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources.address_book import KEPT_S, AddressBook


def container(id: str, service: str, *addresses: str, project: str = "shop", **more) -> Target:
    """A container of a project."""
    return Target(
        id=id, name=f"{project}-{service}-1", kind=Kind.CONTAINER, project=project, service=service,
        addresses=addresses, gateways=("172.18.0.1",), **more,
    )  # fmt: skip


API = container("a", "api", "172.18.0.2")
DB = container("b", "db", "172.18.0.3", "fd00::3")


def book_of(*targets: Target, at: float = 0.0) -> AddressBook:
    """A book that knows these."""
    book = AddressBook()
    book.learn(targets, at)
    return book


def test_a_container_is_called_by_its_service_in_both_families() -> None:
    book = book_of(API, DB)
    assert book.peer(API, "172.18.0.3", 5432, 1.0) == "db"
    assert book.peer(API, "fd00::3", 5432, 1.0) == "db"
    assert book.owner("172.18.0.2", 40000) == "a"
    assert book.server("172.18.0.3", 5432) == book.server("db", 5432) == "b"


def test_another_project_is_named() -> None:
    other = container("c", "cache", "172.18.0.4", project="bank")
    assert book_of(API, other).peer(API, "172.18.0.4", 6379, 1.0) == "bank/cache"


def test_an_address_that_changed_hands_keeps_its_old_name_for_then() -> None:
    book = book_of(API, DB, at=10.0)
    new = container("d", "search", "172.18.0.3")
    book.learn((API, new), 20.0)
    assert book.peer(API, "172.18.0.3", 5432, 15.0) == "db"
    assert book.peer(API, "172.18.0.3", 5432, 25.0) == "search"


def test_who_is_gone_keeps_the_name_for_a_while() -> None:
    book = book_of(API, DB, at=10.0)
    book.learn((API,), 20.0)
    assert book.peer(API, "172.18.0.3", 5432, 25.0) == "db"
    assert book.owner("172.18.0.3", 40000) is None
    book.learn((API, container("e", "other")), 20.0 + KEPT_S + 1)
    assert book.peer(API, "172.18.0.3", 5432, 30.0 + KEPT_S) == "172.18.0.3:5432"


def test_ports_of_the_host() -> None:
    published = container("f", "ui", "172.18.0.5", published=((8080, 80),))
    on_host = Target(id="7-1", name="pg[7]", kind=Kind.PROCESS, project=None, service="postgres")
    book = book_of(API, published, on_host)
    book.learn_spaces({"7-1": 1, "a": 2, "f": 3}, host=1)
    book.learn_sharers(1, {5432: "7-1"}, {45000: "7-1"})
    assert book.peer(on_host, "127.0.0.1", 8080, 1.0) == "shop/ui"
    assert book.peer(API, "172.18.0.1", 5432, 1.0) == "postgres"
    assert book.peer(API, "172.18.0.1", 9999, 1.0) == "host:9999"
    assert book.peer(API, "127.0.0.1", 9999, 1.0) == "localhost:9999"
    assert book.owner("127.0.0.1", 45000) == "7-1"
    assert book.owner("127.0.0.1", 45001) is None


def test_what_is_no_services() -> None:
    book = book_of(API)
    assert book.peer(API, "10.1.2.3", 5432, 1.0) == "10.1.2.3:5432"
    assert book.peer(API, "8.8.8.8", 443, 1.0) == "internet:443"
    assert book.peer(API, "fd00::9", 443, 1.0) == "[fd00::9]:443"


def test_those_on_the_hosts_network_and_those_who_share_one_are_told_apart_by_port() -> None:
    agent = container("g", "agent")
    side = container("h", "side")
    book = book_of(API, agent, side)
    assert book.address(side) is None
    book.learn_spaces({"a": 2, "g": 1, "h": 2}, host=1)
    book.learn_sharers(1, {9100: "g"}, {45000: "g"})
    book.learn_sharers(2, {8000: "a", 9000: "h"}, {46000: "h"})
    assert [book.address(each) for each in (API, agent, side)] == ["172.18.0.2", "127.0.0.1", "172.18.0.2"]
    assert book.peer(side, "127.0.0.1", 8000, 1.0) == "api"
    assert book.peer(API, "127.0.0.1", 9000, 1.0) == "side"
    assert book.peer(API, "127.0.0.1", 9001, 1.0) == "localhost:9001"
    assert book.peer(agent, "172.18.0.2", 9000, 1.0) == "side"
    assert book.peer(agent, "127.0.0.1", 9100, 1.0) == book.peer(API, "172.18.0.1", 9100, 1.0) == "agent"
    assert (book.owner("172.18.0.2", 46000), book.owner("172.18.0.2", 46001)) == ("h", "a")
    assert (book.server("172.18.0.2", 9000), book.server("localhost", 9100)) == ("h", "g")
