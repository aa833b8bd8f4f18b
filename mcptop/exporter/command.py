"""`mcptop exporter`: samples without a screen, and serves what was sampled until it is stopped."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mcptop import __version__
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.exporter.answers import Answers
from mcptop.exporter.pages import Pages
from mcptop.exporter.plan import Plan
from mcptop.exporter.server import Server
from mcptop.exposition.families import Choice
from mcptop.exposition.service_rows import Late
from mcptop.live import LiveSource
from mcptop.model.rule import RuleSet
from mcptop.monitor import Monitor

_ENGINE_WAIT_S, _STEP_S = 20.0, 0.2
"""So long the first sample waits for the engine to name its containers, looking in between whether it shall end."""


def run(settings: Settings, rules: RuleSet, plan: Plan, all_processes: bool, most_series: int) -> ExitStatus:
    """Until a signal comes; `rules` are those of the alerts. Raises `ListenError`."""
    pages = Pages(__version__, _choice(settings, all_processes), most_series)
    server = Server(plan, Answers(pages, plan.gate))
    with server, _stopped() as stop:
        threading.Thread(target=server.serve_forever, name="mcptop-exporter", daemon=True).start()
        with suppress(OSError):  # whoever started it may not listen
            if plan.warning:
                print(f"mcptop: {plan.warning}", file=sys.stderr)
            print(f"mcptop: {server.url}metrics", flush=True)
        source = LiveSource(settings)
        monitor = Monitor(source, settings.interval, pages, rules=rules)
        try:
            for _ in range(round(_ENGINE_WAIT_S / _STEP_S)):
                if not stop.is_set():
                    source.wait_for_engine(_STEP_S)
            if not stop.is_set():
                monitor.start(pages.show)
            stop.wait()
        finally:
            server.shutdown()
            monitor.stop()
    return ExitStatus.OK


def _choice(settings: Settings, all_processes: bool) -> Choice:
    # Metrics of services are read at the reader's own pace; what was read twice as long ago as that is old.
    flow_s = max(Late().flow_s, 2 * settings.scrape_interval)
    return Choice(all_processes, Late(max(Late().replica_s, 5 * settings.interval), flow_s))


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """Set by what means an end; who was started by `nohup` goes on without its terminal."""
    stop = threading.Event()
    ends = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ends.append(signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in ends}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
