"""The engine's answer about a container as sections of facts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcptop import units
from mcptop.closeup import facts as made
from mcptop.model.closeup import Fact
from mcptop.sources.docker_target import Answer, cpu_limit

_CHECKS = 5


def facts(answer: Answer, instance: str) -> Iterator[Fact]:
    """Section by section. What an engine does not say is left out, whatever else it says in its place."""
    config, settings = _part(answer, "Config"), _part(answer, "HostConfig")
    for section, pairs in (
        ("state", _state(answer)),
        ("health", _health(_part(answer, "State"))),
        ("limits", _limits(settings)),
        ("ports", _ports(_part(answer, "NetworkSettings"))),
        ("mounts", _mounts(answer)),
        ("networks", _networks(_part(answer, "NetworkSettings"))),
    ):
        for name, value in pairs:
            if value not in (None, ""):
                yield made.fact(section, name, value, instance)
    for name in ("Entrypoint", "Cmd"):
        if words := _texts(config.get(name)):
            yield made.command("command", name.lower(), words, instance)
    for name, key in (("working directory", "WorkingDir"), ("user", "User")):
        if config.get(key):
            yield made.fact("command", name, config[key], instance)
    for name, value in sorted(_part(config, "Labels").items()):
        yield made.named("labels", str(name), value, instance)
    yield from made.environment(_texts(config.get("Env")), instance)


_Pairs = Iterator[tuple[str, object]]


def _state(answer: Answer) -> _Pairs:
    state = _part(answer, "State")
    yield "name", str(answer.get("Name") or "").lstrip("/")
    yield "id", str(answer.get("Id") or "")
    yield "image", _part(answer, "Config").get("Image")
    yield "state", state.get("Status")
    yield "started", _moment(state.get("StartedAt"))
    if state.get("Status") in ("exited", "dead", "restarting"):
        yield "ended", _moment(state.get("FinishedAt"))
        yield "exit code", state.get("ExitCode")
    if state.get("OOMKilled"):
        yield "killed for lack of memory", "yes, in its last run"
    yield "error", state.get("Error")
    yield "restarts", answer.get("RestartCount")
    policy = _part(_part(answer, "HostConfig"), "RestartPolicy")
    yield "restart policy", policy.get("Name")


def _health(state: Mapping[str, Any]) -> _Pairs:
    health = _part(state, "Health")
    if not health:
        return
    yield "health", health.get("Status")
    yield "failed in a row", health.get("FailingStreak")
    for check in _list(health.get("Log"))[-_CHECKS:]:
        if isinstance(check, Mapping):
            output = " ".join(str(check.get("Output") or "").split())
            yield f"check {_moment(check.get('End')) or ''}".strip(), f"exit {check.get('ExitCode')}: {output}"


def _limits(settings: Mapping[str, Any]) -> _Pairs:
    memory, swap = _number(settings.get("Memory")), _number(settings.get("MemorySwap"))
    yield "memory", units.long_size(memory) if memory else "none"
    if memory and swap is not None:
        yield "memory with swap", "no limit" if swap < 0 else units.long_size(swap)
    try:
        cores = cpu_limit(settings)
    except (TypeError, ValueError):
        cores = None
    yield "cpu", f"{cores:g} cores" if cores else "none"
    yield "cpus it may use", settings.get("CpusetCpus")
    pids = _number(settings.get("PidsLimit"))
    yield "processes and threads", f"{pids:.0f}" if pids and pids > 0 else "none"
    for limit in _list(settings.get("Ulimits")):
        if isinstance(limit, Mapping):
            yield f"ulimit {limit.get('Name')}", f"{limit.get('Soft')} (hard limit {limit.get('Hard')})"
    for name, key in (("privileged", "Privileged"), ("root is read only", "ReadonlyRootfs")):
        if settings.get(key):
            yield name, "yes"
    for name, key in (("capabilities added", "CapAdd"), ("capabilities dropped", "CapDrop")):
        yield name, ", ".join(_texts(settings.get(key)))


def _ports(network: Mapping[str, Any]) -> _Pairs:
    for port, bindings in sorted(_part(network, "Ports").items()):
        found = [each for each in _list(bindings) if isinstance(each, Mapping)]
        places = [f"{each.get('HostIp') or '*'}:{each.get('HostPort')}" for each in found]
        yield str(port), ", ".join(places) or "not published"


def _mounts(answer: Answer) -> _Pairs:
    for mount in _list(answer.get("Mounts")):
        if isinstance(mount, Mapping):
            source = mount.get("Name") or mount.get("Source") or mount.get("Type")
            note = "" if mount.get("RW") else ", read only"
            yield str(mount.get("Destination")), f"{mount.get('Type')} {source}{note}"


def _networks(network: Mapping[str, Any]) -> _Pairs:
    for name, part in sorted(_part(network, "Networks").items()):
        if isinstance(part, Mapping):
            found = [str(part[key]) for key in ("IPAddress", "GlobalIPv6Address") if part.get(key)]
            if gateway := part.get("Gateway"):
                found.append(f"gateway {gateway}")
            if names := _texts(part.get("Aliases")):
                found.append(f"called {', '.join(names)}")
            yield str(name), ", ".join(found) or "no address"


def _part(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = answer.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(found: object) -> Sequence[Any]:
    return found if isinstance(found, list | tuple) else ()


def _texts(found: object) -> list[str]:
    """Some engines write a command as one text."""
    return [found] if isinstance(found, str) else [str(each) for each in _list(found)]


def _number(found: object) -> float | None:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _moment(text: object) -> str | None:
    """To the second, as the engine writes it; None for never."""
    found = str(text or "")[:19]
    return None if not found or found.startswith("0001-") else found.replace("T", " ")
