"""A real Prometheus of a test's own: loopback, a free port, a folder that goes away with it."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.demo.servers import Server

Seen = TypeVar("Seen")
_READY_S = 30.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def until(check: Callable[[], Seen], seconds: float = 20.0) -> Seen:
    """What `check` returns once it does not object (AssertionError, OSError); its last objection is the failure."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except (AssertionError, OSError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


@dataclass(frozen=True)
class Scrape:
    """A job with one target."""

    address: str
    """`host:port`."""
    job: str = "mcptop"
    labels: dict[str, str] = field(default_factory=dict)
    """Put on every series of it."""
    path: str = "/metrics"
    token_file: Path | None = None
    ca_file: Path | None = None
    """With it the target is asked by TLS."""

    def config(self) -> dict[str, Any]:
        """As Prometheus' configuration file has it."""
        found: dict[str, Any] = {"job_name": self.job, "metrics_path": self.path}
        found["static_configs"] = [{"targets": [self.address], "labels": self.labels}]
        if self.token_file:
            found["authorization"] = {"credentials_file": str(self.token_file)}
        if self.ca_file:
            found |= {"scheme": "https", "tls_config": {"ca_file": str(self.ca_file)}}
        return found


class Prometheus(Server):
    """Scrapes its targets, and evaluates its rule files, every `interval`. A context manager: started and ended.

    `data` is where its blocks are: `promtool tsdb create-blocks-from openmetrics FILE data` may fill it before `start`.
    """

    def __init__(self, scrapes: Sequence[Scrape] = (), rules: Sequence[Path] = (), interval: str = "1s") -> None:
        super().__init__()
        self.scrapes, self.rules, self.interval = list(scrapes), list(rules), interval
        self.folder = Path(tempfile.mkdtemp(prefix="mcptop-test-prometheus-"))
        self.data = self.folder / "data"

    @property
    def url(self) -> str:
        """Of its API and its pages."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """On loopback, with a configuration that is written now."""
        self._configure()
        return [
            "prometheus", f"--config.file={self._config}", f"--storage.tsdb.path={self.data}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error",
        ]  # fmt: skip

    @property
    def _config(self) -> Path:
        return self.folder / "prometheus.yml"

    def _configure(self) -> None:
        asked_by = {"scrape_interval": self.interval, "scrape_timeout": self.interval}
        document = {
            "global": asked_by | {"evaluation_interval": self.interval},
            "rule_files": [str(path) for path in self.rules],
            "scrape_configs": [scrape.config() for scrape in self.scrapes],
        }
        self._config.write_text(json.dumps(document))  # every JSON document is YAML

    def start(self) -> None:
        """Return once it answers queries."""
        super().start()
        until(lambda: self._get("/-/ready"), _READY_S)

    def reload(self, scrapes: Sequence[Scrape] | None = None, rules: Sequence[Path] | None = None) -> None:
        """Go on with other targets or rule files; it takes them over within a moment."""
        self.scrapes = self.scrapes if scrapes is None else list(scrapes)
        self.rules = self.rules if rules is None else list(rules)
        self._configure()
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it and remove its folder."""
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Prometheus:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _get(self, path: str) -> bytes:
        try:
            with _DIRECT.open(self.url + path, timeout=10) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from None

    def api(self, path: str, **parameters: str) -> Any:
        """`data` of `/api/v1/PATH`. Raises AssertionError with what the server objects to."""
        answer = json.loads(self._get(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels (with `__name__`) and value of every series of an instant vector now."""
        result = self.api("query", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]

    def value(self, expression: str) -> float:
        """Of the only series there is. Raises AssertionError where there are none or more."""
        found = self.query(expression)
        assert len(found) == 1, f"{expression}: {found}"
        return found[0][1]

    def until_up(self, seconds: float = 20.0) -> None:
        """Return once every target was scraped and answered."""

        def check() -> None:
            active = self.api("targets", state="active")["activeTargets"]
            assert len(active) == len(self.scrapes), active
            assert all(each["health"] == "up" for each in active), [each["lastError"] for each in active]

        until(check, seconds)

    def alerts(self, state: str = "firing") -> list[dict[str, Any]]:
        """Alerts of its rules in that state: labels, annotations, activeAt, value."""
        return [each for each in self.api("alerts")["alerts"] if each["state"] == state]
