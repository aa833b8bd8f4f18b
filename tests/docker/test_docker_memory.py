"""Memory of real containers: what is held, what is only cache, and what the OOM killer did."""

from __future__ import annotations

import kernel
import programs
import pytest

MIB = 1 << 20


def test_held_memory_is_anonymous_and_measured_against_the_limit(start, watch):
    holder = start("holder", programs.HOLD_100_MIB, "--memory", "256m")

    def check(instance):
        memory = instance["memory"]
        assert 100 * MIB <= memory["anon_bytes"] <= 120 * MIB
        assert memory["limit_bytes"] == 268435456
        assert memory["limit_ratio"] == pytest.approx(memory["working_set_bytes"] / 268435456)
        assert memory["anon_bytes"] * 0.98 <= memory["working_set_bytes"] <= memory["usage_bytes"]
        charged = kernel.memory(instance["pid"])
        assert memory["anon_bytes"] == pytest.approx(charged.anon, abs=2 * MIB)
        assert memory["working_set_bytes"] == pytest.approx(charged.usage - charged.inactive_file, abs=4 * MIB)

    watch.until_instance(holder, check)


def test_without_a_limit_the_limit_is_unknown_and_not_the_hosts_memory(start, watch):
    free = start("free", programs.SLEEP)

    def check(instance):
        assert instance["memory"]["usage_bytes"] > 0
        assert instance["memory"]["limit_bytes"] is None
        assert instance["memory"]["limit_ratio"] is None

    watch.until_instance(free, check)


def test_cache_of_a_written_file_is_not_working_set(start, watch):
    writer = start("writer", programs.WRITE_200_MIB)

    def check(instance):
        assert instance["memory"]["file_bytes"] >= 190 * MIB
        assert instance["memory"]["working_set_bytes"] < 100 * MIB
        assert instance["memory"]["anon_bytes"] < 50 * MIB

    watch.until_instance(writer, check, seconds=60)


def test_cache_of_a_file_in_use_is_working_set_as_the_kernel_has_it_and_never_anonymous(start, watch):
    reader = start("reader", programs.READ_200_MIB_TWICE)

    def check(instance):
        memory, charged = instance["memory"], kernel.memory(instance["pid"])
        assert memory["file_bytes"] >= 190 * MIB
        assert memory["anon_bytes"] < 50 * MIB
        assert memory["file_bytes"] == pytest.approx(charged.file, abs=4 * MIB)
        assert memory["working_set_bytes"] == pytest.approx(charged.usage - charged.inactive_file, abs=4 * MIB)

    watch.until_instance(reader, check, seconds=60)


def test_a_container_killed_for_memory_says_so(start, watch):
    eater = start("eater", programs.EAT_MEMORY, "--memory", "48m")

    def check(instance):
        assert instance["state"] == "exited"
        assert instance["exit_code"] == 137
        assert instance["oom_kills"] >= 1

    watch.until_instance(eater, check, seconds=60)


def test_a_killed_child_counts_although_the_container_lives_on(start, watch):
    parent = start("parent", programs.LOSE_A_CHILD_TO_THE_OOM_KILLER, "--memory", "48m")

    def check(instance):
        assert instance["oom_kills"] >= 1
        assert instance["state"] == "running"
        assert instance["exit_code"] is None

    watch.until_instance(parent, check, seconds=60)
