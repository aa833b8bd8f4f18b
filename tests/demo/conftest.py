"""One running demo for the tests of a file, and a strict end: nothing of it may be left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stack import Demo


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """The stack as processes, with enough load that every fault shows within seconds."""
    demo = Demo(LOAD_PER_MINUTE="1200")
    yield demo
    status, said = demo.close()
    assert status == 0, said
    assert "Traceback" not in said
    assert not demo.folder.exists()
