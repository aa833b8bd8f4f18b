"""Runs a service as a process: its settings, its socket, its end."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn

from mcptop.demo.services.base import BACKLOG, Service
from mcptop.demo.services.settings import Settings, SettingsError, from_environment

_PR_SET_PDEATHSIG = 1


def _listen(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.listen_host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.listen_host, settings.listen_port))
        listener.listen(BACKLOG)
    except OSError as problem:
        where = f"{settings.listen_host}:{settings.listen_port}"
        hint = "end who holds it or choose another --port"
        raise SettingsError(f"cannot listen on {where}: {problem.strerror}; {hint}") from None
    listener.setblocking(False)
    return listener


def _end_with(keeper: int) -> None:
    """Have the kernel send SIGTERM when the keeper ends, however it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != keeper:
        sys.exit("the keeper ended before this service began")


def _prepare(settings: Settings) -> None:
    if settings.demo_keeper:
        _end_with(settings.demo_keeper)
    if settings.demo_open_files:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (settings.demo_open_files, hard))


def serve(make: Callable[[Settings], Service]) -> None:
    """Run a service until SIGTERM; exit code 2 with one line where it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = from_environment()
        _prepare(settings)
        listener = _listen(settings)
        service = make(settings)
    except SettingsError as problem:
        sys.exit(f"{os.environ.get('MCPTOP_SERVICE', 'service')}: {problem}")
    service.listener = listener
    config = uvicorn.Config(
        service.app(),
        loop="asyncio",
        http="h11",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
        backlog=BACKLOG,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        # uvicorn has written down the whole story and leaves; the last line is for whoever started us.
        if service.refusal:
            sys.exit(f"{service.name}: {service.refusal}")
