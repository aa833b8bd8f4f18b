"""Sockets, open files and traffic of real containers."""

from __future__ import annotations

import programs


def test_connections_by_state_those_the_server_closed_apart(start, watch):
    server = start("server", programs.SERVE_20_CLOSE_5)
    client = start("client", programs.connect_20(server.address))

    def check_client(instance):
        assert instance["sockets"]["established"] == 15
        assert instance["sockets"]["close_wait"] == 5

    def check_server(instance):
        assert instance["sockets"]["established"] == 15
        assert instance["sockets"]["listen"] == 1
        assert instance["sockets"]["close_wait"] == 0

    watch.until_instance(client, check_client, seconds=40)
    watch.until_instance(server, check_server)


def test_open_files_against_the_limit(start, watch):
    holder = start("files", programs.OPEN_300_FILES, "--ulimit", "nofile=1024:1024")

    def check(instance):
        assert 300 <= instance["fds"]["open"] < 330
        assert instance["fds"]["limit"] == 1024
        assert 0.29 <= instance["fds"]["limit_ratio"] < 0.33

    watch.until_instance(holder, check, seconds=40)


def test_traffic_has_its_direction_and_about_its_rate(start, watch):
    receiver = start("receiver", programs.SLEEP)
    sender = start("sender", programs.send_paced(receiver.address))

    def check_sender(instance):
        # 100 kB/s and the headers of fragmented datagrams; the receiver answers a few with "port unreachable".
        assert 50_000 < instance["network"]["tx_bytes_per_s"] < 200_000
        assert instance["network"]["rx_bytes_per_s"] < 20_000

    def check_receiver(instance):
        assert 50_000 < instance["network"]["rx_bytes_per_s"] < 200_000
        assert instance["network"]["tx_bytes_per_s"] < 20_000

    watch.until_instance(sender, check_sender, seconds=40)
    watch.until_instance(receiver, check_receiver)


def test_the_hosts_network_is_nobodys_traffic(start, watch):
    guest = start("guest", programs.SLEEP, "--network", "host")

    def check(instance):
        assert instance["state"] == "running"
        assert instance["memory"]["usage_bytes"] > 0
        assert instance["network"]["rx_bytes_per_s"] is None
        assert instance["network"]["tx_bytes_per_s"] is None

    watch.until_instance(guest, check)
