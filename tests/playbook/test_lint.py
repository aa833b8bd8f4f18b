"""Every mistake has its file, its line, and what would be right."""

from __future__ import annotations

import pytest

from mcptop.playbook import lint, shelf
from tests.playbook import examples
from tests.playbook.kinds import KINDS


def found(playbook: str, shared: str = examples.SHARED, **more: bool) -> list[str]:
    return lint.mistakes(playbook, "p.yaml", {"h.yaml": shared}, kinds=KINDS, **more)


def test_nothing_to_say() -> None:
    assert found(examples.PLAYBOOK, is_shipped=True) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("run: lsof", "run: lsoff", "p.yaml:7: `lsoff`: no such kind of step; nearest: lsof"),
        ("run: lsof", "run: lsof, else: lsoff", "p.yaml:7: `lsoff`: no such kind of step; nearest: lsof"),
        ("{for: 60s}", "{for: 60x}", "p.yaml:4: watch: for: `60x`: expected a duration such as 90s or 2m"),
        ("{for: 60s}", "{form: 60s}", "p.yaml:4: watch: form: object contains unknown field `form`"),
        ("{for: 60s}", "{metrics: 5}", "p.yaml:4: watch: metrics: expected `array`, got `int`"),
        ("run: lsof", "run: lsof, with: {x: 1}", "p.yaml:7: lsof: x: object contains unknown field `x`"),
        ("{for: 60s}", "{for: 60s}, else: lsof", "p.yaml:4: lsof: for: object contains unknown field `for`"),
        ("when: target.python", "when: target.pyton",
         "p.yaml:6: `target.pyton`: no step that is over by then emits this; nearest: target.python"),
        ("when: target.python", "when: files.open > 3",
         "p.yaml:6: `files.open`: no step that is over by then emits this"),
        ("when: target.python", "when: stacks.top", "p.yaml:6: `stacks.top`: no step that is over by then emits this"),
        ("when: target.python", "when: growth.up_s >", "p.yaml:6: `growth.up_s >`: "),
        ("{id: files", "{id: target", "p.yaml:7: `target` is what the target itself goes by"),
        ("title:", "focus: cup\ntitle:", "p.yaml:2: `cup`: expected one of cpu, memory"),
        ("title:", "applies_to: [container, pod]\ntitle:", "p.yaml:2: `pod`: expected one of container, process"),
        ("needs: [growth.anon]", "needs: [growth.anno]",
         "p.yaml:15: `growth.anno`: no step emits this; nearest: growth.anon"),
        ("needs: [growth.anon]", "needs: [grwth]", "p.yaml:15: `grwth`: no step emits this; nearest: growth."),
        ("if: growth.anon.floors >= 6", "if: growth.anon.floor >= 6",
         "p.yaml:17: `growth.anon.floor`: no step emits this; nearest: growth.anon.floors"),
        ("if: growth.anon.floors >= 6", "if: growth.anon.floors is big", "p.yaml:17: `growth.anon.floors is big`: "),
        ("if: growth.anon.floors >= 6", "if: growth.anon.floors.x >= 6",
         "p.yaml:17: `growth.anon.floors.x`: no step emits"),
        ("floors rise {{ growth.anon.floors }}", "floors rise {{ floors }}", "p.yaml:17: `floors`: no step emits this"),
        ("| per_minute }}", "| per_hour }}", "p.yaml:11: "),
        ("culprit: {function: stacks.top", "culprit: {function: stacks.tops",
         "p.yaml:22: `stacks.tops`: no step emits this"),
        ("docker restart {{ target.name }}", "docker restart {{ target.nam }}",
         "p.yaml:24: `target.nam`: no step emits this; nearest: target.name"),
        ("id: heap-leak", "id: heap-lek", "p.yaml:10: `heap-lek`: no known mechanism; nearest: heap-leak"),
        ("severity: critical", "severity: none", "p.yaml:14: `heap-leak` is not harmless"),
        ("playbook:", "book:", "p.yaml:1: "),
    ],
)  # fmt: skip
def test_a_mistake(old: str, new: str, says: str) -> None:
    assert old in examples.PLAYBOOK
    (mistake,) = found(examples.PLAYBOOK.replace(old, new), is_shipped=True)
    assert mistake.startswith(says)
    assert "\n" not in mistake


def test_the_users_own_may_name_other_mechanisms() -> None:
    assert found(examples.PLAYBOOK.replace("heap-leak", "heap-lek")) == []


def test_steps_that_watch_are_over_last_and_begin_first() -> None:
    steps = "  - {id: watch, run: watch}\n  - {id: files, run: lsof, when: watch.ended}\n"
    text = f"playbook: x\ntitle: x\nsteps:\n{steps}hypotheses: []\n"
    says = "no step that is over by then emits this; nearest: target."
    (mistake,) = lint.mistakes(text, "p.yaml", {})
    assert mistake.startswith(f"p.yaml:5: `watch.ended`: {says}")
    other = text.replace("watch.ended", "target.python").replace("{id: watch", "{id: a, run: lsof}\n  - {id: watch")
    assert lint.mistakes(other, "p.yaml", {}) == []
    (mistake,) = lint.mistakes(other.replace("run: watch", "run: watch, when: a.total > 1"), "p.yaml", {})
    assert mistake.startswith(f"p.yaml:5: `a.total`: {says}")


def test_what_a_step_does_instead_emits_too() -> None:
    other = examples.PLAYBOOK.replace("timeout: 10s", "else: proc-stacks").replace(
        "'remember' in stacks.top", "stacks.state"
    )
    assert found(other) == []


@pytest.mark.parametrize(
    "condition",
    ["growth.by_state.close_wait > 3", "growth.series", "growth.anon", "growth", "target.pid",
     "[1, 2] | length > growth.up_s", "target.pids[0] == 3", "growth['up_s'] > 3"],
)  # fmt: skip
def test_what_may_stand_in_a_condition(condition: str) -> None:
    assert found(examples.PLAYBOOK.replace("growth.anon.floors >= 6", f'"{condition}"')) == []


def test_shared_hypotheses_know_steps_that_do_not_run_here_but_do_not_need_them() -> None:
    other = examples.SHARED.replace("stats.cache_ratio >", "elsewhere.cache_ratio >")
    assert found(examples.PLAYBOOK, other) == []
    assert found(examples.PLAYBOOK, examples.SHARED.replace("[growth.file]", "[elsewhere.file]")) == [
        "p.yaml:35: `use: page-cache` needs `elsewhere.file`: no step emits this"
    ]
    assert found(examples.PLAYBOOK, examples.SHARED.replace("[growth.file]", "[growth.fil]")) == [
        "h.yaml:4: `growth.fil`: no step emits this; nearest: growth.file.last, growth.up_s, growth.file.relative"
    ]
    assert found(examples.PLAYBOOK, examples.SHARED.replace("if: stats.cache_ratio", "if: stats.ratio")) == [
        "h.yaml:7: `stats.ratio`: no step emits this; nearest: stats.cache_ratio, stacks.top, stacks.line"
    ]
    assert found(examples.PLAYBOOK, "- [") == ["h.yaml:1: expected the node content, but found '<stream end>'"]


def test_shipped_playbooks_have_no_mistakes() -> None:
    for texts in (shelf.texts(entry) for entry in shelf.entries() if entry.origin is shelf.Origin.SHIPPED):
        assert lint.mistakes(texts.text, texts.file, texts.library, is_shipped=True) == []
        assert texts.playbook().name == texts.entry.name
