"""Exporters that stopped before mcptop came: what is within Prometheus' lookback has its age, what is older is gone."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from . import pages
from .conftest import Start
from .looking import Looking, instance, source_says
from .server import Prometheus

EVERY_S = 15
AGES = {"fresh": 10, "stopped": 200, "gone": 420}
"""Seconds since the last scrape of each machine."""


def written(now: float) -> str:
    """Twelve scrapes of each, as OpenMetrics with times; the series of a family together."""
    lines: dict[str, list[str]] = {}
    for host, age_s in AGES.items():
        says = pages.exporter_says(host, services=(host,))
        for back in range(11, -1, -1):
            at = now - age_s - back * EVERY_S
            for line in says(at).splitlines():
                name, _, rest = line.partition("{")
                labels, _, value = rest.rpartition("} ")
                labels += f',job="{host}",instance="{host}:9477"'
                lines.setdefault(name, []).append(f"{name}{{{labels.lstrip(',')}}} {value} {at:.3f}")
    return "\n".join(each for name in sorted(lines) for each in lines[name]) + "\n# EOF\n"


def test_ages_and_rates_of_what_was_scraped_before(promtool: str, prometheus: Start, tmp_path: Path) -> None:
    now = time.time()
    page = tmp_path / "page.txt"
    page.write_text(written(now))
    server = Prometheus()
    words = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(page), str(server.data)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with server, Looking(server.url, interval=5.0) as looking:
        frame = looking.settled()
        elapsed = time.time() - now
    assert [one.name for one in frame.services] == ["fresh", "stopped"]
    fresh, stopped = instance(frame, "shop-fresh-1"), instance(frame, "shop-stopped-1")
    assert fresh.age_s is None
    assert fresh.cpu.cores == pytest.approx(0.25, rel=1e-5)
    assert stopped.age_s is not None
    assert 199 <= stopped.age_s <= 201 + elapsed
    assert stopped.memory.working_set_bytes == 100 * pages.MIB
    assert source_says(frame, "prometheus")[0] == "ok"
