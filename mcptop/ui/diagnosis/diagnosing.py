"""From a selected row to a running diagnosis, and back to its report: which screen comes after which."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from mcptop.model.value import Kind
from mcptop.presentation.runs import safe
from mcptop.ui.diagnosis.whom import Whom
from mcptop.verdicts import words

if TYPE_CHECKING:
    from mcptop.playbook.diagnosis import Finished
    from mcptop.playbook.offers import Offer
    from mcptop.ui.app import McptopApp
    from mcptop.ui.diagnosis.running import Job
    from mcptop.ui.screens.diagnosis import DiagnosisScreen


def choose(app: McptopApp, whom: Whom | None) -> None:
    """Offer the playbooks for whoever is selected."""
    if whom is None or not whom.instances:
        app.notify("select a service or an instance to diagnose", markup=False, timeout=4)
        return
    if whom.service.kind is Kind.SERVER:
        app.notify("no playbook is for a server: diagnose its clients", markup=False, timeout=4)
        return
    if app.reach.elsewhere:
        hosts = sorted({safe(one.host) for one in whom.instances if one.host})
        where = " or ".join(hosts[:3]) or "its host"
        says = f"a diagnosis looks into the processes themselves: run `mcptop diagnose` on {where}"
        app.notify(says, severity="warning", markup=False, timeout=8)
        return
    from mcptop.playbook.offers import offers
    from mcptop.ui.screens.playbooks import PlaybookMenu

    running = app.diagnoses.running
    found = offers(app.diagnoses.recent(), whom.service)
    found.sort(key=lambda offer: offer.entry.name != whom.playbook)
    menu = PlaybookMenu(whom.name, found, running.says if running else "")
    app.push_screen(menu, partial(_begin, app, whom))


def _begin(app: McptopApp, whom: Whom, offer: Offer | None) -> None:
    if offer is None or offer.outline is None:
        return
    if (running := app.diagnoses.running) is not None:
        says = f"one diagnosis at a time: {running.says} is coming to its end"
        app.notify(says, severity="warning", markup=False, timeout=4)
        return
    from mcptop.ui.screens.diagnosis import DiagnosisScreen

    app.push_screen(DiagnosisScreen(app.diagnoses.start(whom.asked(offer.entry, offer.outline))))


def show_last(app: McptopApp) -> None:
    """What the last diagnosis came to."""
    if app.diagnoses.reports:
        _show(app, app.diagnoses.reports[-1])
    else:
        app.notify("nothing was diagnosed yet: d diagnoses the selected service", markup=False, timeout=4)


def commands(app: McptopApp) -> Iterable[SystemCommand]:
    """Every report of this session, the newest first."""
    for finished in reversed(app.diagnoses.reports):
        verdict = finished.verdict
        word, says = f"Report {verdict.playbook} {verdict.target.service}", f"{verdict.status}: {verdict.says}"
        yield SystemCommand(unmarked(word), unmarked(says), partial(_show, app, finished))


def unmarked(text: str) -> str:
    """Without brackets: the palette takes them for markup, when it searches even where they are escaped."""
    return words.safe(text).replace("[", "(").replace("]", ")")


def _show(app: McptopApp, finished: Finished) -> None:
    from mcptop.ui.screens.diagnosis import DiagnosisScreen

    app.push_screen(DiagnosisScreen(finished=finished))


def screens_of(app: McptopApp, job: Job) -> list[DiagnosisScreen]:
    """Those that show it."""
    from mcptop.ui.screens.diagnosis import DiagnosisScreen

    return [one for one in app.screen_stack if isinstance(one, DiagnosisScreen) and one.job is job]
