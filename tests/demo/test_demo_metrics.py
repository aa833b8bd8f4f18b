"""The metrics pages of the running demo, read by Prometheus' own parser."""

from __future__ import annotations

import urllib.request

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from stack import Demo, until

GUIDE = {
    "mcp_service_memory_bytes": {"service"},
    "mcp_service_cpu_percent": {"service"},
    "mcp_service_disk_bytes": {"service", "mount"},
    "mcp_connection_pool_size": {"service", "pool"},
    "mcp_connection_pool_active": {"service", "pool"},
    "mcp_model_memory_bytes": {"service", "model_id"},
    "mcp_model_inference_queue_size": {"service", "model_id"},
}
SERVICES = ("mcp-api", "mcp-worker", "model-runner", "ui", "load")


def page(demo: Demo, service: str) -> dict[str, Metric]:
    """Metric name -> family."""
    with urllib.request.urlopen(f"{demo.services[service]}/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return {family.name: family for family in text_string_to_metric_families(answer.read().decode())}


def labels(family: Metric, **wanted: str) -> list[dict[str, str]]:
    return [sample.labels for sample in family.samples if wanted.items() <= sample.labels.items()]


@pytest.mark.parametrize("service", SERVICES)
def test_every_page_has_the_guides_resource_metrics(demo: Demo, service: str) -> None:
    demo.settle()
    found = page(demo, service)
    for name in ("mcp_service_memory_bytes", "mcp_service_cpu_percent", "mcp_service_disk_bytes"):
        assert labels(found[name], service=service), name
    assert not [n for n, f in found.items() if any(s.value < 0 for s in f.samples)]


def test_the_guides_names_have_the_labels_they_need(demo: Demo) -> None:
    def there() -> None:
        # Models are loaded by the first request for them.
        pages = [page(demo, service) for service in SERVICES]
        for name, wanted in GUIDE.items():
            found = [sample for each in pages if name in each for sample in each[name].samples]
            assert found, name
            assert all(set(sample.labels) == wanted for sample in found), name

    until(there)


def test_each_pool_of_a_service_has_its_own_figures(demo: Demo) -> None:
    """In the guide the database's pool overwrites the HTTP client's."""
    found = page(demo, "mcp-api")
    for what in ("size", "max", "active", "idle", "waiting", "waits", "wait_seconds", "timeouts"):
        assert {at["pool"] for at in labels(found[f"mcp_connection_pool_{what}"])} == {"db", "worker", "requests"}
    maxima = {s.labels["pool"]: s.value for s in found["mcp_connection_pool_max"].samples}
    assert maxima == {"db": 50, "worker": 100, "requests": 10}


def test_the_memory_limit_is_the_services_own(demo: Demo) -> None:
    """In the guide it is the host's."""
    limits = {
        service: page(demo, service)["mcp_service_memory_limit_bytes"].samples[0].value
        for service in ("mcp-api", "mcp-worker", "model-runner", "ui")
    }
    mib = 1024 * 1024
    assert limits == {"mcp-api": 512 * mib, "mcp-worker": 512 * mib, "model-runner": 2048 * mib, "ui": 256 * mib}


def test_what_the_guide_lacks(demo: Demo) -> None:
    def there() -> None:
        worker, api = page(demo, "mcp-worker"), page(demo, "mcp-api")
        assert {"mcp_queue_depth", "mcp_queue_capacity", "mcp_queue_entered", "mcp_queue_rejected"} <= worker.keys()
        assert {"mcp_batch_size", "mcp_batch_oldest_age_seconds", "mcp_batch_wait_seconds"} <= worker.keys()
        assert labels(worker["mcp_cache_evictions"], cache="models")
        assert labels(api["mcp_cache_hits"], cache="responses")
        assert next(s.value for s in api["mcp_cache_hits"].samples if s.name.endswith("_total")) > 0

    until(there)


def test_the_runner_speaks_llama_cpp(demo: Demo) -> None:
    found = page(demo, "model-runner")
    for name in ("prompt_tokens", "tokens_predicted", "n_decode"):
        assert found[f"llamacpp:{name}"].type == "counter"
    for name in ("requests_processing", "requests_deferred", "n_busy_slots_per_decode"):
        assert found[f"llamacpp:{name}"].type == "gauge"

    def it_counts() -> None:
        samples = page(demo, "model-runner")["llamacpp:tokens_predicted"].samples
        assert next(s.value for s in samples if s.name.endswith("_total")) > 0

    until(it_counts)


def test_unknown_has_no_sample(demo: Demo) -> None:
    """A queue that is empty has no oldest job; 0 would be a claim."""

    def empty() -> None:
        found = page(demo, "mcp-worker")
        assert found["mcp_queue_depth"].samples[0].value == 0
        assert found["mcp_queue_oldest_age_seconds"].samples == []

    until(empty)


def test_the_page_of_the_ui_shows_the_stack(demo: Demo) -> None:
    def there() -> None:
        with urllib.request.urlopen(demo.services["ui"], timeout=30) as answer:
            shown = answer.read().decode()
        for words in ("<th>mcp-api</th>", "db 0 of 50", "<th>mcp-worker</th>", "of 500", "smollm2-360m 16 MiB"):
            assert words in shown, words

    until(there)
