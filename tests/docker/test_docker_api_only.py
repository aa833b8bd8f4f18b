"""The fallback without kernel files: the engine's stats give the same figures, and what they lack is unknown."""

from __future__ import annotations

import programs
import pytest
from observer import Watch, instance

MIB = 1 << 20


@pytest.fixture
def blind(stack):
    """A watch that may ask the engine only."""
    watch = Watch("--api-only")
    yield watch
    watch.close()


def test_the_engines_figures_agree_with_the_kernels(start, watch, blind):
    burner = start(
        "both", programs.HOLD_100_MIB.replace("time.sleep(100000)", programs.BURN), "--cpus", "0.5", "--memory", "256m"
    )

    def settled(instance):
        assert instance["cpu"]["cores"] == pytest.approx(0.5, rel=0.25)
        assert instance["memory"]["working_set_bytes"] > 100 * MIB

    by_kernel = watch.until_instance(burner, settled, seconds=40)
    by_engine = blind.until_instance(burner, settled, seconds=40)
    assert by_engine["cpu"]["limit_cores"] == 0.5
    assert by_engine["cpu"]["throttled_ratio"] > 0.3
    assert by_engine["memory"]["limit_bytes"] == 256 * MIB
    for name in ("working_set_bytes", "anon_bytes", "usage_bytes"):
        assert by_engine["memory"][name] == pytest.approx(by_kernel["memory"][name], abs=8 * MIB)


def test_what_the_engine_does_not_tell_is_unknown_and_the_reason_is_said(start, blind):
    idle = start("idle", programs.SLEEP)

    def check(frame):
        assert frame["banner"]
        found = instance(frame, idle)
        assert found["memory"]["usage_bytes"] > 0
        assert found["cpu"]["cores"] is not None
        assert found["memory"]["limit_bytes"] is None, "no limit, although the engine reports the host's memory"
        assert found["fds"]["open"] is None
        assert found["sockets"] is None
        assert found["cpu"]["pressure_some_avg10"] is None

    blind.until(check)
