"""`mcptop exporter` as a process: it ends as it is told, says what is wrong in one line, and shows no token."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.prometheus.server import until

from .certificates import Certificates
from .examples import series, value
from .process import Exporter, command, environment

SECRET = "geheim-7431-geheim"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_when_it_is_told_to(number: signal.Signals) -> None:
    assert Exporter().close(number) == (0, "")


def test_figures_come_fresh_and_counters_grow() -> None:
    with Exporter("--processes", "--interval", "0.2", "--no-scrape") as exporter:
        until(lambda: exporter.get("/healthz"))
        labels = {"kind": "process", "service": "mcptop"}

        def at() -> float:
            found = series(exporter.get())
            mine = [key for key in found if key[0] == "mcptop_replica_info" and labels.items() <= dict(key[1]).items()
                    and dict(key[1])["id"].startswith(f"{exporter.process.pid}-")]  # fmt: skip
            replica = dict(mine[0][1])["replica"]
            assert value(found, "mcptop_replica_cpu_usage_seconds_total", replica=replica, **labels)
            return value(found, "mcptop_sample_timestamp_seconds") or 0.0

        def sampled(since: float) -> None:
            assert at() > since

        first = until(at)
        until(lambda: sampled(first))


def test_a_port_that_is_taken_is_one_line_and_exit_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        address = f"127.0.0.1:{held.getsockname()[1]}"
        done = refused("--listen", address)
    assert done == f"mcptop: cannot listen on {address}: address already in use; choose another with --listen\n"


def refused(*words: str) -> str:
    """What it says, in one line, before it ends with exit 2."""
    done = subprocess.run(command(*words), capture_output=True, text=True, env=environment(), timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_beyond_this_machine_only_with_a_token() -> None:
    assert "--allow-unauthenticated" in refused("--listen", "0.0.0.0:0")


def test_the_token_is_asked_for_and_shown_nowhere(tmp_path: Path, certificates: Certificates) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET + "\n")
    words = ("--token-file", str(file), "--tls-cert", str(certificates.cert), "--tls-key", str(certificates.key))
    exporter = Exporter(*words)
    assert exporter.url.startswith("https://")
    until(lambda: exporter.get(token=SECRET, ca=certificates.ca))
    with pytest.raises(OSError, match="401"):
        exporter.get(token=SECRET[:-1], ca=certificates.ca)
    shown = Path(f"/proc/{exporter.process.pid}/cmdline").read_bytes().decode()
    status, said = exporter.close()
    assert (status, said) == (0, "")
    assert SECRET not in shown + said


def test_the_token_of_the_environment() -> None:
    with Exporter(MCPTOP_EXPORTER_TOKEN=SECRET) as exporter, pytest.raises(OSError, match="401"):
        exporter.get()
