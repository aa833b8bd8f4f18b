"""The examples of docs/instrument.md do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mcptop.instrument.figures import KINDS

DOC = (Path(__file__).parents[2] / "docs" / "instrument.md").read_text()
ASK = """
import asyncio
async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orders") as client:
        print((await client.get("/metrics")).text)
    await worker.aclose()
    await engine.dispose()
asyncio.run(ask())
"""
SHOWN = [
    (
        'mcp_connection_pool_max{service="orders",pool="db"} 15',
        'mcp_connection_pool_max{service="orders",pool="worker"} 20',
    ),
    (
        'mcp_queue_depth{queue="jobs",service="orders"} 2.0',
        'mcp_queue_rejected_total{queue="jobs",service="orders"} 1.0',
    ),
]


@pytest.mark.parametrize(("number", "after"), [(0, ASK), (1, "")])
def test_an_example(number: int, after: str, tmp_path: Path) -> None:
    examples = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    assert len(examples) == len(SHOWN)
    done = subprocess.run(
        [sys.executable, "-c", examples[number] + after], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.stderr == ""
    assert set(SHOWN[number]) <= set(done.stdout.splitlines())


def test_every_figure_is_in_the_document() -> None:
    for kind in KINDS:
        for figure in kind.figures:
            assert f"`{figure.name}_total` (`{figure.field}`)" in DOC or f"`{figure.name}`" in DOC
            assert f"`{figure.field}`" in DOC
