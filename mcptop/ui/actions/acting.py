"""From a selected row to an action that is carried out: menu, what it still needs, the question, the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mcptop.actions import limits, offers, words
from mcptop.actions.offers import Offer
from mcptop.actions.sequence import Performs
from mcptop.actions.signals import SIGNALS
from mcptop.config import Settings
from mcptop.model.action import Action, ActionTarget, Look, Verb
from mcptop.model.swarm import is_task
from mcptop.model.value import Kind
from mcptop.sources.procfs import Roots
from mcptop.ui.actions.running import ActionsAsked
from mcptop.ui.diagnosis.whom import Whom
from mcptop.ui.messages import ActionsLooked

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp

Then = Callable[[], None]


def performer(settings: Settings) -> Performs:
    """Who acts for real."""
    from mcptop.actions.performing import Performer

    return Performer(settings.engines, roots=Roots(settings.path_procfs, settings.path_sysfs))


def open_menu(app: McptopApp, whom: Whom | None) -> None:
    """Offer what can be done to whoever is selected; where actions are off, say so and nothing else."""
    _ask(app, whom, wants_shell=False)


def open_shell(app: McptopApp, whom: Whom | None) -> None:
    """A shell in whoever is selected."""
    _ask(app, whom, wants_shell=True)


def show_log(app: McptopApp) -> None:
    """The commands of this session."""
    from mcptop.ui.screens.command_log import CommandLogScreen

    if not isinstance(app.screen, CommandLogScreen):
        app.push_screen(CommandLogScreen(app.actions.log))


def _ask(app: McptopApp, whom: Whom | None, wants_shell: bool) -> None:
    if app.actions.off:
        app.tell(app.actions.off, trouble=False)
    elif whom is None or not (whom.instances or whom.service.swarm):
        app.tell("select a service or an instance to act on", trouble=False)
    elif not whom.is_service and all(is_task(one.id) for one in whom.instances):
        app.tell(f"it is on {whom.instances[0].host}, which mcptop does not sample: act there, or on its service")
    elif whom.service.kind is Kind.SERVER:
        app.tell("a server that is only asked cannot be acted on from here", trouble=False)
    elif wants_shell and whom.service.kind is Kind.PROCESS:
        app.tell("a host process has no shell of its own: this machine's is the one you came from", trouble=False)
    else:
        host = app.frame.host
        app.actions.look(_asked(app, whom, wants_shell), host.name if host else "this machine")


def _asked(app: McptopApp, whom: Whom, wants_shell: bool) -> ActionsAsked:
    service = whom.service
    targets = tuple(
        ActionTarget(one.id, one.name, service.kind, service.project, service.name, one.state,
                     one.memory.working_set_bytes)
        for one in whom.instances if not is_task(one.id)
    )  # fmt: skip
    chosen = {one.id for one in whom.instances}
    others = sum(one.state == "running" and one.id not in chosen for one in service.instances)
    return ActionsAsked(targets, others, app.screen, wants_shell, service if whom.is_service else None)


def looked(app: McptopApp, message: ActionsLooked) -> None:
    """Show the menu, if the reader is still where it was asked for."""
    if message.look is None:
        app.tell(message.problem)
    elif app.screen is message.asked.screen:
        _offer(app, message.asked, message.look)


def _offer(app: McptopApp, asked: ActionsAsked, look: Look) -> None:
    single = _singles(asked, look)
    if asked.wants_shell:
        _offer_shells(app, asked, look, [one for part in single for one in _shells(*part)])
    else:
        _menu(app, asked, look, offers.offers(asked.targets, look, asked.others_running), single)


def _offer_shells(app: McptopApp, asked: ActionsAsked, look: Look, found: Sequence[Offer]) -> None:
    if len(found) == 1:
        _chosen(app, asked, look, found[0].action)
    elif found:
        _menu(app, asked, look, found, [])
    else:
        app.tell("it does not run: there is nothing to open a shell in", trouble=False)


def _shells(asked: ActionsAsked, look: Look) -> list[Offer]:
    return [one for one in offers.offers(asked.targets, look) if one.action.verb is Verb.SHELL]


def _singles(asked: ActionsAsked, look: Look) -> list[tuple[ActionsAsked, Look]]:
    """Each target by itself, with what is known of it."""
    running = [one.state == "running" for one in asked.targets]
    return [
        (
            asked._replace(
                targets=(one,), service=None, others_running=asked.others_running + sum(running) - running[at]
            ),
            replace(look, facts=(look.facts[at],)),
        )
        for at, one in enumerate(asked.targets)
    ]


def _menu(
    app: McptopApp, asked: ActionsAsked, look: Look, found: Sequence[Offer], single: list[tuple[ActionsAsked, Look]]
) -> None:
    from mcptop.ui.actions import scaling
    from mcptop.ui.screens.action_menu import ActionMenu, Entry

    entries = [
        Entry(
            words.menu_word(offer.action),
            words.example(offer.action),
            offer.refused,
            then=partial(_chosen, app, asked, look, offer.action),
        )
        for offer in found
    ]
    narrower = [
        Entry("only", part.targets[0].name, then=partial(_offer, app, part, known))
        for part, known in (single if len(single) > 1 else ())
    ]
    entries += scaling.entries(app, asked.service, look, partial(_chosen, app, asked, look))
    if entries or narrower:
        app.push_screen(ActionMenu(_title(asked), entries, narrower), _go_on)
    else:
        known = next((facts.state for facts in look.facts if facts), None)
        state = known or next((one.state for one in asked.targets), "away")
        app.tell(f"nothing can be done to it while it is {state}", trouble=False)


def _title(asked: ActionsAsked) -> str:
    if len(asked.targets) == 1:
        return f"act on {asked.targets[0].name}"
    name = asked.targets[0].service if asked.targets or asked.service is None else asked.service.name
    return f"act on {name}: {len(asked.targets)} instances"


def _go_on(then: Then | None) -> None:
    if then is not None:
        then()


def _chosen(app: McptopApp, asked: ActionsAsked, look: Look, action: Action) -> None:
    """What it needs before it can be asked about."""
    match action.verb:
        case Verb.SIGNAL if not action.signal:
            _signals(app, asked, look, action)
        case Verb.UPDATE if not action.limits:
            from mcptop.ui.screens.limits_form import LimitsForm

            form = LimitsForm(action, offers.facts_for(action, look, asked.targets))
            app.push_screen(form, partial(_confirm_if, app, look))
        case _:
            _confirm(
                app,
                action,
                words.noticed(
                    action, () if action.verb is Verb.SCALE else offers.facts_for(action, look, asked.targets)
                ),
            )


def _signals(app: McptopApp, asked: ActionsAsked, look: Look, action: Action) -> None:
    from mcptop.ui.screens.action_menu import ActionMenu, Entry

    entries = [
        Entry(name, says, note=words.example(each), then=partial(_chosen, app, asked, look, each))
        for name, says in SIGNALS.items()
        for each in (replace(action, signal=name),)
    ]
    app.push_screen(ActionMenu(_title(asked).replace("act on", "signal", 1), entries), _go_on)


def _confirm_if(app: McptopApp, look: Look, action: Action | None) -> None:
    """Limits were chosen: below what is in use takes a second yes."""
    if action is None:
        return
    again = limits.below_use(action.targets, action.limits)
    _confirm(app, action, words.noticed(action), again)


def _confirm(app: McptopApp, action: Action, noticed: list[str], again: str = "") -> None:
    from mcptop.ui.screens.confirm import ConfirmScreen

    def answered(yes: bool | None) -> None:
        if not yes:
            return
        if again:
            _confirm(app, action, [again])
        elif action.verb is Verb.SHELL:
            from mcptop.ui.actions import visit

            visit.enter(app, action)
        else:
            app.actions.begin(action)

    app.push_screen(ConfirmScreen(action, noticed), answered)
