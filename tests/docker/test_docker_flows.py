"""Connections of real containers by the name of who is at the other end, and connections nobody accepts."""

from __future__ import annotations

import programs


def pool_of(frame, container):
    (service,) = [s for s in frame["services"] if any(i["id"] == container.id for i in s["instances"])]
    return {pool["name"]: pool for pool in service["pools"]}, {queue["name"]: queue for queue in service["queues"]}


def test_connections_have_the_name_of_the_service_at_the_other_end(start, watch):
    server = start("server", programs.SERVE_20_CLOSE_5)
    client = start("client", programs.connect_20(server.address))

    def check(frame):
        pools, _ = pool_of(frame, client)
        assert list(pools) == ["server"], "no connection yet, or another name"
        pool = pools["server"]
        assert (pool["open"], pool["close_wait"], pool["in_use"]) == (15, 5, 0)
        assert (pool["source"], pool["confidence"]) == ("kernel", "inferred")

    watch.until(check, seconds=40)


def test_what_nobody_accepts_stands_in_the_accept_queue(start, watch):
    server = start("deaf", programs.LISTEN_AND_NEVER_ACCEPT)
    start("callers", programs.connect_20(server.address))

    def check(frame):
        _, queues = pool_of(frame, server)
        assert ":9000" in queues
        queue = queues[":9000"]
        assert (queue["kind"], queue["capacity"]) == ("accept", 4)
        assert queue["depth"] == 5
        assert queue["rejected"] > 0

    watch.until(check, seconds=60)


def test_who_shares_a_network_has_its_own_connections_and_a_name_for_its_neighbour(start, watch):
    server = start("server", programs.SERVE_20_CLOSE_5)
    sidecar = start("sidecar", programs.connect_20("127.0.0.1"), "--network", f"container:{server.id}")

    def check(frame):
        pools, queues = pool_of(frame, sidecar)
        assert list(pools) == ["server"], "no connection yet, or another name"
        assert (pools["server"]["open"], pools["server"]["close_wait"]) == (15, 5)
        assert queues == {}
        pools, queues = pool_of(frame, server)
        assert (pools, list(queues)) == ({}, [":9000"])

    watch.until(check, seconds=40)


def test_who_is_on_the_hosts_network_has_connections_of_its_own(start, watch):
    server = start("server", programs.SERVE_20_CLOSE_5)
    guest = start("guest", programs.connect_20(server.address), "--network", "host")

    def check(frame):
        pools, _ = pool_of(frame, guest)
        assert list(pools) == ["server"], "no connection yet, or another name"
        assert (pools["server"]["open"], pools["server"]["close_wait"]) == (15, 5)
        (service,) = [s for s in frame["services"] if s["name"] == guest.service]
        assert service["instances"][0]["sockets"]["close_wait"] == 5

    watch.until(check, seconds=40)
