"""One hostile text in every place where a text from outside can be: frame, looks, log, verdict, actions, views."""

from __future__ import annotations

import contextlib
from enum import Enum
from typing import Any, TypeVar

import close_world
import frames
import tomli_w
from actor import Actor
from log_world import EPOCH, Logs, Told
from msgspec import Struct
from msgspec.structs import replace

from mcptop.config import views_folder
from mcptop.model.action import ContainerFacts
from mcptop.model.frame import Frame, Service, Status
from mcptop.model.instance import Instance
from mcptop.playbook.case import verdict_of
from mcptop.playbook.diagnosis import Finished
from mcptop.sources.log_box import Mark, Window
from tests.playbook import examples

HOSTILE = {
    "an action": "[@click=app.quit]x[/]",
    "a link": "[link=file:///etc/passwd]x[/link]",
    "a closing tag": "[/]",
    "sequences": "a\x1b[2J\x07\x9b31m\x1b]52;c;cm0gLXJmIC8=\x07",
    "a title": "\x1b]0;owned\x07\x1b]8;;http://evil.example\x1b\\x",
    "controls": "".join(map(chr, (*range(0x80, 0xA0), *range(0x20), 0x7F))) + "x",
    "lines": "line\nbreak\ttab\r\u2028\u2029\x0b\x0c\x85" * 40,
    "hidden": "\u202egnp.exe\u2066\u200fa\u200bb\u200dc\ufeffd\u2060e\u00ad",
    "joined": "👩\u200d💻❤\ufe0f1\ufe0f\u20e3🇩🇪👍🏽",
    "combined": "Z" + "\u0301\u0327\u0489" * 400 + "algo",
    "blank letters": "\u3164\u115f\u1160\uffa0x",
    "wide": "数据库-服务-名字",
    "surrogates": "\ud800bad\udcff",
    "empty": "",
    "a format": "{0.__class__}%s%(x)s$error",
}
"""By what is wrong with them."""
_KEPT = frozenset({"id", "subject", "started_at", "tag"})
"""Fields of our own making that others find things by."""
T = TypeVar("T")


def soiled(value: T, text: str, *kept: str) -> T:
    """The same with `text` for every text in it, however deep; what is an enumeration stays."""
    return _soiled(value, text, _KEPT.union(kept))


def _soiled(value: Any, text: str, kept: frozenset[str]) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, Struct):
        names = [name for name in value.__struct_fields__ if name not in kept]
        return replace(value, **{name: _soiled(getattr(value, name), text, kept) for name in names})
    if type(value) in (tuple, list):
        return type(value)(_soiled(each, text, kept) for each in value)
    if isinstance(value, dict):
        return {key: _soiled(each, text, kept) for key, each in value.items()}
    return value


def frame(text: str, number: int = 1000) -> Frame:
    """The stack, in which all is called `text`; services differ by a number behind it."""
    clean = frames.frame(number)
    services = tuple(_service(one, text, at) for at, one in enumerate(clean.services))
    host = soiled(clean.host, text)
    sources = zip(clean.sources, Status, strict=False)
    broken = tuple(replace(soiled(source, text), status=status) for source, status in sources)
    more = {"host": host, "sources": broken, "engine": text, "banner": text, "budgets": soiled(clean.budgets, text)}
    events = tuple(replace(soiled(event, text), service=services[at % 3].key) for at, event in enumerate(clean.events))
    judged = frames.frame(number, services, events=events, **more)
    return replace(judged, alerts=(*judged.alerts, *soiled(clean.alerts, text, "service", "project", "instance")))


def _service(one: Service, text: str, at: int) -> Service:
    failing = tuple(
        replace(soiled(each, text), state="running" if n else text or "running", health="unhealthy", health_output=text)
        for n, each in enumerate(one.instances)
    )
    return replace(soiled(one, text), name=f"{text}{at}", instances=failing)


def looks(text: str) -> close_world.ScriptedLooks:
    """Each aspect, once as it is with `text` in it, and once with all of it `text`."""
    closeups = {}
    for aspect, closeup in close_world.CLOSEUPS.items():
        most = soiled(closeup, text, "kind", "state", "section", "at")
        closeups[aspect] = replace(most, lines=(*most.lines, *soiled(closeup, text).lines), cut_at=10)
    return close_world.ScriptedLooks(closeups, soiled(close_world.THREADS, text))


class AllLogs(Logs):
    """Keeps the followers of instances that are called the same."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Told] = []

    def __call__(self, service: Service, instance: Instance, window: Window) -> Told:
        told = super().__call__(service, instance, window)
        self.all.append(told)
        return told


def say(logs: AllLogs, text: str) -> None:
    """Every kind of line, from each follower there is."""
    data = text.encode("utf-8", "surrogatepass")
    for told in logs.all:
        told.put((1, EPOCH + 1, b"ERROR " + data))
        told.put((2, EPOCH + 2, data))
        told.put((1, EPOCH + 3, b'{"level":"error","msg":"' + data + b'","' + data + b'":"x"}'))
        told.put(Mark(EPOCH + 4, text, True))


def finished(text: str) -> Finished:
    """What a diagnosis came to."""
    text = text.encode("utf-8", "replace").decode()  # evidence is decoded so, and bundles are UTF-8
    verdict = soiled(verdict_of(examples.PROBLEM), text, "unit", "level", "schema")
    return Finished(examples.PROBLEM, verdict, ())


def actor(text: str) -> Actor:
    """An engine whose words are these."""
    made = Actor()
    made.host, made.engine = text, text
    made.facts = lambda target: ContainerFacts("running", text, memory_bytes=512 << 20, cpus=0.5)
    return made


def save_views(text: str) -> None:
    """Views with such names and such words, as far as files can have them, and one file that is no view."""
    folder = views_folder()
    folder.mkdir(parents=True)
    words = text[:1000].encode("utf-8", "replace").decode()
    for name in (text[:50], "words"):
        with contextlib.suppress(OSError, ValueError):  # what no file can be called
            (folder / f"{name}.toml").write_text(tomli_w.dumps({"tab": words, "filter": words, "sort": words}))
    (folder / "broken.toml").write_text(f"{words} = [")
