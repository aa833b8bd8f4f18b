"""The recorded cases of the shipped playbooks: real evidence of the demo's faults and controls, judged again."""

from __future__ import annotations

import pytest

from mcptop.playbook import cases, shelf
from mcptop.playbook.shelf import Origin

SHIPPED = [entry for entry in shelf.entries() if entry.origin is Origin.SHIPPED]


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.name)
def test_every_recorded_case_is_judged_right(entry: shelf.Entry) -> None:
    results = list(cases.run(entry))
    assert results, f"{entry.name} has no recorded case"
    assert not [result for result in results if not result.right]
