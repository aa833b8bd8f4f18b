"""A server of one page on loopback, and what these tests share with those of Prometheus."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mcptop.exporter.answers import Answers
from mcptop.exporter.pages import Pages
from mcptop.exporter.plan import plan
from mcptop.exporter.server import Server
from tests.prometheus.conftest import promtool as promtool

from .certificates import Certificates, make
from .examples import everything, pages

Serve = Callable[..., Server]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(pages)`: it listens on a free port; `token`, `tls` (certificates) as wanted."""
    with ExitStack() as ends:

        def start(shown: Pages | None = None, token: str = "", tls: Certificates | None = None) -> Server:
            files: tuple[Path | None, Path | None] = (tls.cert, tls.key) if tls else (None, None)
            planned = plan("127.0.0.1:0", None, files, False, {"MCPTOP_EXPORTER_TOKEN": token})
            server = ends.enter_context(Server(planned, Answers(shown or pages(*everything()), planned.gate)))
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            ends.callback(server.shutdown)
            return server

        yield start
