"""Another number of replicas for the selected Swarm service, in the menu of actions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mcptop.actions import scaling, words
from mcptop.model.action import Action, ActionTarget, Look, Verb
from mcptop.model.frame import Service
from mcptop.model.value import Kind
from mcptop.ui.screens.action_menu import ActionMenu, Entry
from mcptop.units import plain

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp

Chosen = Callable[[Action], None]


def entries(app: McptopApp, service: Service | None, look: Look, chosen: Chosen) -> list[Entry]:
    """One that leads to the numbers; none of a service that Swarm does not know."""
    if service is None or service.swarm is None:
        return []
    swarm = service.swarm
    target = ActionTarget(swarm.id, swarm.name, Kind.CONTAINER, service.project, service.name)
    action = Action(Verb.SCALE, (target,), look.host, look.manager, replicas_before=swarm.desired)
    refused = scaling.mistake(swarm, swarm.desired)
    return [Entry(words.menu_word(action), words.example(action), refused,
                  then=partial(_numbers, app, service, action, chosen))]  # fmt: skip


def numbers(now: int) -> list[int]:
    """What one would want next: some more, twice as many, fewer, none."""
    wanted = [now + 1, now + 2, now + 3, 2 * now, now - 1, now - 2, now // 2, 1, 0]
    return [each for each in dict.fromkeys(wanted) if 0 <= each <= scaling.MOST and each != now]


def _numbers(app: McptopApp, service: Service, action: Action, chosen: Chosen) -> None:
    found = [
        Entry(words.menu_word(each), words.example(each), _refused(app, service, each), then=partial(chosen, each))
        for number in numbers(action.replicas_before or 0)
        for each in (replace(action, replicas=number),)
    ]
    title = f"scale {plain(action.targets[0].name)}: {action.replicas_before} replicas now"

    def go_on(then: Callable[[], None] | None) -> None:
        if then is not None:
            then()

    app.push_screen(ActionMenu(title, found), go_on)


def _refused(app: McptopApp, service: Service, action: Action) -> str:
    """The sum, where a database does not give the connections; `mcptop scale --over-budget` does it all the same."""
    wanted = action.replicas or 0
    if wanted <= (action.replicas_before or 0):
        return ""
    exceeded = scaling.over_budget(app.frame.budgets, service, wanted)
    return f"{plain(exceeded[0].server, 40)}: {plain(exceeded[0].says, 200)}" if exceeded else ""
