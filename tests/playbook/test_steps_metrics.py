"""What a metrics page counts: rates over resets, caches, batches, repeats; read from a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.playbook.steps.base import StepFailure
from mcptop.playbook.steps.metrics import Look
from tests.playbook.step_world import check, looked, read
from tests.ui.frames import frame, instance, seen, service

API = Subject("container", "mcp-stack", "api", "api-1", container="id-api-1")


def made(*looks: tuple[str, dict[str, float]], **more: Any) -> dict[str, Any]:
    """Values of looks a second apart for each service; counters by kind."""
    times: dict[str, int] = {}
    found = []
    for name, counts in looks:
        times[name] = times.get(name, -1) + 1
        found.append(Look(float(times[name]), name, counts, **more))
    return read("metrics", ("metrics.json", msgspec.json.encode(found)), subject=API)


def api(*counts: dict[str, float]) -> list[tuple[str, dict[str, float]]]:
    return [("api", each) for each in counts]


def test_rates_of_what_is_counted() -> None:
    values = made(*api(*({"requests": 100 + 5 * at, "errors": 3 + at, "latency_s": 2.0 * at, "latency_n": 5.0 * at,
                          "hits": 8 * at, "misses": 2 * at, "evictions": 7 * at, "gc_s": 0.25 * at,
                          "retries": at, "timeouts": 0} for at in range(11))))  # fmt: skip
    assert (values["looks"], values["requests_per_s"], values["done_per_s"]) == (11, 5.0, 4.0)
    assert (values["errors_ratio"], values["latency_s"], values["hit_ratio"]) == (0.2, 0.4, 0.8)
    assert (values["evictions_per_s"], values["gc_share"], values["retries_per_s"]) == (7.0, 0.25, 1.0)
    assert (values["timeouts_per_s"], values["misses_per_s"]) == (0.0, 2.0)
    assert (values["requests_high"], values["requests_low"], values["requests"]["flat"]) == (5.0, 5.0, True)
    assert len(values["series"]["requests"]["values"]) == 10
    assert (values["peer"], values["amplification"]) == ({"service": None, "requests_per_s": None}, None)


def test_a_restart_sets_the_counters_back() -> None:
    values = made(*api(*({"requests": each} for each in (1000, 1010, 1020, 4, 8, 12))))
    assert values["requests_per_s"] == 4.0
    assert values["series"]["requests"]["values"] == [10.0, 10.0, None, 4.0, 4.0]
    only = made(*api({"requests": 1000}, {"requests": 4}))
    assert (only["requests_per_s"], only["series"]) == (None, {})


def test_what_a_page_does_not_count_is_unknown() -> None:
    values = made(*api({}, {}))
    known = {key for key, value in values.items() if value not in (None, {})}
    assert known == {"looks", "batch", "peer"}
    late = made(*api({"requests": 5}, {"requests": 6, "errors": 1}, {"requests": 9, "errors": 2}))
    assert (late["requests_per_s"], late["errors_ratio"]) == (2.0, 0.5)
    idle = made(*api({"requests": 5, "errors": 0, "hits": 0, "misses": 0}, {"requests": 5, "errors": 0, "hits": 0,
                                                                           "misses": 0}))  # fmt: skip
    assert (idle["requests_per_s"], idle["errors_ratio"], idle["hit_ratio"]) == (0.0, None, None)


def test_requests_behind_it_for_each_in_front_of_it() -> None:
    front = api({"requests": 0}, {"requests": 10}, {"requests": 20})
    behind = [("runner", {"requests": 30.0 * at, "jobs": 50.0 * at}) for at in range(3)]
    other = [("store", {"requests": 1.0 * at}) for at in range(3)]
    values = made(*front, *behind, *other)
    assert values["peer"] == {"service": "runner", "requests_per_s": 50.0}
    assert values["amplification"] == 5.0
    behindhand = made(*[(name, counts | {"jobs": counts["requests"] * 2}) for name, counts in front], *behind)
    assert behindhand["amplification"] == 2.5
    silent = made(*front, ("runner", {"requests": 3}))
    assert silent["amplification"] is None


def test_batches() -> None:
    values = made(*api(*({"batches": 2.0 * at, "batched": 16.0 * at, "batch_wait_s": 4.0 * at} for at in range(3))),
                  oldest_batch_s=1.5)  # fmt: skip
    assert values["batch"] == {"size": 8.0, "wait_s": 0.25, "oldest_s": 1.5, "per_s": 2.0}


@contextmanager
def page(content: Callable[[int], str]) -> Iterator[str]:
    """A server whose page is another at each look; its address."""

    class Handler(BaseHTTPRequestHandler):
        number = 0

        def do_GET(self) -> None:
            body = content(Handler.number).encode()
            Handler.number += 1
            self.send_response(200 if body else 500)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *about: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/metrics"
        finally:
            server.shutdown()
            thread.join()


PAGE = """\
http_requests_total{{status="200"}} {}
http_requests_total{{status="500"}} {}
http_requests_total{{status="408"}} {}
http_request_duration_seconds_count {}
cache_hits_total {}
batch_oldest_age_seconds 2.5
"""


def watched(front: str | None, behind: str | None = None) -> dict[str, Any]:
    """The target names one page, a service it calls another."""
    own = service("api", instance("api-1", 0.1, 9, metrics_url=front), pools=(seen("runner", 1), seen("nobody", 1)))
    runner = service("runner", instance("runner-1", 0.1, 9, metrics_url=behind))
    return looked("metrics", API, [frame(1, (own, runner))], **{"for": "1.5s", "every": "60ms"})[0]


def test_real_pages() -> None:
    def front(at: int) -> str:
        return PAGE.format(10 * at, at, at, 12 * at, 0)

    def behind(at: int) -> str:
        return f"runner_requests_total {48 * at}\nrunner_queue_entered_total 1\n" if at != 2 else ""

    with page(front) as one, page(behind) as two:
        values = watched(one, two)
    check("metrics", values)
    assert values["requests_per_s"] > 0
    assert values["errors_ratio"] == pytest.approx(1 / 6, abs=1e-4)
    assert values["amplification"] == pytest.approx(4.0, rel=0.4)
    assert (values["peer"]["service"], values["batch"]["oldest_s"]) == ("runner", 2.5)


def test_a_page_without_a_status_does_not_say_what_failed() -> None:
    def page_of(label: str) -> Callable[[int], str]:
        return lambda at: f"http_server_request_duration_seconds_count{{{label}}} {10 * at}\n"

    seen = {}
    for label in ('method="GET"', 'http_response_status_code="500"', 'http_response_status_code="200"'):
        with page(page_of(label)) as url:
            values = watched(url)
        seen[label] = values["errors_ratio"], values["done_per_s"] is None
    assert list(seen.values()) == [(None, True), (1.0, False), (0.0, False)]


def test_requests_behind_it_count_only_where_all_of_them_are_its_own() -> None:
    """Not with replicas, on either side, nor where others call the same service more; who watches it does not count."""
    with (
        page(lambda at: f"requests_total {10 * at}\n") as front,
        page(lambda at: f"requests_total {50 * at}\n") as behind,
    ):
        one = instance("api-1", 0.1, 9, metrics_url=front)
        api = service("api", one, pools=(seen("runner", 4),))
        watches = service("ui", instance("ui-1", 0.1, 9), pools=(seen("runner", 1),))
        runner = service("runner", instance("runner-1", 0.1, 9, metrics_url=behind))
        two = service("runner", *runner.instances, instance("runner-2", 0.1, 9, metrics_url=behind))
        other = service("jobs", instance("jobs-1", 0.1, 9), pools=(seen("runner", 9),))
        many = msgspec.structs.replace(API, replicas=2)
        found = [
            looked("metrics", subject, [frame(1, services)], **{"for": "300ms", "every": "60ms"})[0]["amplification"]
            for subject, services in (
                (API, (api, watches, runner)),
                (API, (api, two)),
                (API, (api, runner, other)),
                (many, (api, runner)),
            )
        ]
    assert found[0] == pytest.approx(5.0, rel=0.4)
    assert found[1:] == [None, None, None]


@pytest.mark.parametrize(
    ("content", "says"), [("", "500"), ("<html>hello</html>", "no page of metrics"), ("{}", "no page of metrics")]
)
def test_a_page_that_says_nothing(content: str, says: str) -> None:
    with page(lambda at: content) as url, pytest.raises(StepFailure, match=says) as failed:
        watched(url)
    assert failed.value.status is StepStatus.NO_DATA
    assert failed.value.applies


def test_no_page_and_nobody_at_the_other_end() -> None:
    with pytest.raises(StepFailure, match="api names no metrics page") as none:
        watched(None)
    assert (none.value.status, none.value.applies) == (StepStatus.SKIPPED, False)
    with page(lambda at: "a_total 1\n") as url:
        pass
    with pytest.raises(StepFailure) as failed:
        watched(url)
    assert (failed.value.status, failed.value.applies) == (StepStatus.NO_DATA, True)
