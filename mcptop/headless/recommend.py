"""`mcptop recommend`: what was observed, to limits, reservations and replicas, as text, JSON, .env or Compose."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum

from mcptop.advice.observed import Observed
from mcptop.advice.recommend import Recommendation, Status, recommended
from mcptop.exit_status import ExitStatus
from mcptop.headless import report
from mcptop.headless.observing import Seen
from mcptop.headless.pipe import put
from mcptop.headless.snapshot import UnknownService
from mcptop.units import many, nearest, plain

_HOW = "record some hours (`mcptop record FILE`) and ask again with --from FILE, or ask a Prometheus (--prometheus URL)"
_LATER = "ask again when that Prometheus has some hours of it"


class Form(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"
    ENV = "env"
    COMPOSE = "compose"


class SeveralProjects(Exception):
    """A Compose file is of one project; the message names those there are."""


def tell(seen: Seen, form: Form, service: str | None, explain: bool) -> ExitStatus:
    """Print it, and say with which code to end. Raises `UnknownService`, `SeveralProjects`."""
    found = recommended(chosen(seen.services, service), seen.budgets)
    for note in seen.notes:
        print(f"mcptop: {plain(note)}", file=sys.stderr)
    _print(seen, found, form, explain)
    status = status_of(found)
    if status is ExitStatus.INCONCLUSIVE or any(one.status is Status.UNKNOWN for one in found):
        how = _LATER if seen.is_of_server else _HOW
        print(f"mcptop: not enough was seen of {_unknown(found)}: {how}", file=sys.stderr)
    return status


def chosen(services: Sequence[Observed], wanted: str | None) -> tuple[Observed, ...]:
    """Those called `wanted` (`name` or `project/name`); all without it. Raises `UnknownService`."""
    if wanted is None:
        return tuple(services)
    found = tuple(s for s in services if wanted in (s.name, f"{s.project}/{s.name}"))
    if found:
        return found
    names = sorted({f"{s.project}/{s.name}" for s in services if s.project}) + sorted({s.name for s in services})
    raise UnknownService(f"no service `{plain(wanted)}`; {nearest(wanted, names)}")


def status_of(found: Sequence[Recommendation]) -> ExitStatus:
    """3: something cannot wait; 4: something should change; 0: all fits; 5: too little was seen of everything."""
    states = {one.status for one in found}
    if Status.ACUTE in states:
        return ExitStatus.PROBLEM
    if Status.CHANGE in states:
        return ExitStatus.WARNING
    return ExitStatus.OK if Status.FITS in states else ExitStatus.INCONCLUSIVE


def _print(seen: Seen, found: Sequence[Recommendation], form: Form, explain: bool) -> None:
    if form is Form.JSON:
        from mcptop.presentation.advice_document import document

        report.print_json(document(found, seen.source, seen.span, seen.looks))
    elif form is Form.TEXT:
        from mcptop.presentation.advice_lines import lines

        width, colour = report.look()
        put(report.printed(lines(found, _source(seen), explain), width, colour))
    else:
        from mcptop.export import advised

        projects = advised.projects(found)
        if form is Form.COMPOSE and len(projects) > 1:
            names = ", ".join(map(plain, projects))
            raise SeveralProjects(f"a Compose file is of one project, and there are {names}: give --project NAME")
        put(advised.env(found) if form is Form.ENV else advised.compose(found))


def _source(seen: Seen) -> str:
    from mcptop.advice.sized import hours

    span = "" if seen.span is None else f": {hours(seen.span[1] - seen.span[0])}, {many(seen.looks, 'look')}"
    return f"limits by what was observed ({seen.source}{span})"


def _unknown(found: Sequence[Recommendation]) -> str:
    names = [plain(one.seen.name, 40) for one in found if one.status is Status.UNKNOWN]
    if not names:
        return "anything"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"
