"""Who can tell what an instance logs."""

from __future__ import annotations

from collections.abc import Callable

from mcptop.config import Settings
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.swarm import is_task
from mcptop.model.value import Kind
from mcptop.sources.docker_hosts import connect
from mcptop.sources.log_box import Follower, LogError, Window
from mcptop.sources.log_container import ContainerLog
from mcptop.sources.log_process import ProcessLog
from mcptop.sources.procfs import Roots

LogSource = Callable[[Service, Instance, Window], Follower]
"""The follower of an instance's log, from so far back on. Raises `LogError` where there is none; asks nobody yet."""


def live(settings: Settings) -> LogSource:
    """The engine for containers, /proc for host processes."""
    roots = Roots(settings.path_procfs, settings.path_sysfs)

    def source(service: Service, instance: Instance, window: Window) -> Follower:
        if is_task(instance.id):
            raise LogError(f"{instance.name} is on {instance.host}, which mcptop does not sample: docker service logs")
        if service.kind is Kind.CONTAINER:
            return ContainerLog(lambda: connect(settings.engines, instance.id), instance.id, instance.name, window)
        if service.kind is Kind.SERVER or instance.pid is None:
            raise LogError(f"{instance.name}: it is asked over the network, and its log is elsewhere")
        return ProcessLog(roots, instance.pid, instance.name, window)

    return source
