"""The client beside a real Prometheus: its figures, the points of long ranges, and one clear line for each failure."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcptop.server_settings import PrometheusServer, Secret
from mcptop.sources.prometheus import MOST_POINTS, Prometheus, PrometheusError
from tests.demo.servers import free_port
from tests.prometheus.server import Prometheus as Server

from .front import Front, Said, seconds

END = 1_800_000_000
START = END - 12_000
Client = Callable[..., Prometheus]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A Prometheus with two series of one sample a second over 12 000 s: `up_to` counts, `odd` is NaN and Inf too."""
    require = request.getfixturevalue("require")
    require("prometheus", shutil.which("promtool"), "no promtool")
    server = Server()
    lines = ["# TYPE up_to gauge"]
    lines += [f'up_to{{host="a"}} {at - START} {at}' for at in range(START, END + 1)]
    lines += ["# TYPE odd gauge", f"odd NaN {END - 2}", f"odd +Inf {END - 1}", f"odd 7 {END}", "# EOF", ""]
    page = tmp_path_factory.mktemp("history") / "page.txt"
    page.write_text("\n".join(lines))
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(page), str(server.data)],
        check=True,
        capture_output=True,
    )
    with server:
        yield server


@pytest.fixture
def client() -> Iterator[Client]:
    """`client(url, **settings)`: as the settings would make it; closed with the test."""
    made: list[Prometheus] = []

    def make(url: str, **settings: object) -> Prometheus:
        environment = settings.pop("environment", {})
        made.append(Prometheus(PrometheusServer(url=Secret(url), **settings), environment))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


def complaint(asked: Prometheus, expr: str = "up_to") -> str:
    """The line that is said."""
    with pytest.raises(PrometheusError) as caught:
        asked.query(expr, END)
    assert "\n" not in str(caught.value)
    assert asked.address in str(caught.value)
    return str(caught.value)


def test_an_instant_has_its_labels_and_the_time_of_the_question(history: Server, client: Client) -> None:
    answer = client(history.url).query("up_to", END - 100.5)
    assert [(series.labels, series.points) for series in answer.series] == [
        ({"__name__": "up_to", "host": "a"}, ((END - 100.5, 11_899.0),))
    ]
    assert client(history.url).query("scalar(up_to)", END).series[0].value == 12_000


def test_a_selector_of_a_range_gives_the_samples_with_their_own_times(history: Server, client: Client) -> None:
    answer = client(history.url).query("up_to[3s]", END + 0.25)
    assert answer.series[0].points == ((END - 2, 11_998.0), (END - 1, 11_999.0), (END, 12_000.0))


def test_a_range_longer_than_prometheus_gives_at_once_comes_whole(history: Server, client: Client) -> None:
    assert END - START + 1 > 11_000 > MOST_POINTS
    series = client(history.url).range("up_to", START, END, 1).series
    assert len(series) == 1
    assert series[0].points == tuple((at, float(at - START)) for at in range(START, END + 1))


def test_what_is_no_figure_is_left_out(history: Server, client: Client) -> None:
    asked = client(history.url)
    assert asked.query("odd", END - 1).series == ()
    assert asked.query("odd[1m]", END).series[0].points == ((END, 7.0),)


def test_names_of_metrics_and_values_of_labels(history: Server, client: Client) -> None:
    asked = client(history.url)
    assert set(asked.label_values("__name__")) >= {"odd", "up_to"}
    assert asked.label_values("host", '{__name__=~"up_.+"}') == ("a",)


def test_a_mistake_in_the_question_is_told_in_prometheus_own_words(history: Server, client: Client) -> None:
    assert "bad_data" in complaint(client(history.url), "up_to{")
    assert "parse error" in complaint(client(history.url), "up_to{")
    assert "execution" in complaint(client(history.url), "up_to + on() group_left() {__name__=~'.+'}")


def test_nobody_there(client: Client) -> None:
    says = complaint(client(f"http://127.0.0.1:{free_port()}"))
    assert "Connection refused" in says
    assert "is it running" in says


def test_the_time_limit_holds(history: Server, client: Client) -> None:
    with Front(history.port) as front:
        front.delay_s = 30.0
        began = time.monotonic()
        assert "no complete answer in 0.5 s" in complaint(client(front.url, timeout=0.5))
        assert seconds(began) < 10


def test_a_token_is_taken_from_its_file_each_time(history: Server, tmp_path: Path, client: Client) -> None:
    token = tmp_path / "token"
    token.write_text("secret-one\n")
    with Front(history.port) as front:
        front.authorization = "Bearer secret-two"
        asked = client(front.url, token_file=str(token))
        with pytest.raises(PrometheusError, match=r"answers 401: it does not take") as caught:
            asked.query("up_to", END)
        assert "secret" not in str(caught.value)
        token.write_text("secret-two")
        assert asked.query("up_to", END).series
        assert "set token_file" in complaint(client(front.url))
        token.write_text("")
        assert "holds no token" in complaint(asked)


def test_a_user_and_a_password_from_the_url_or_a_variable_and_never_shown(history: Server, client: Client) -> None:
    with Front(history.port) as front:
        front.authorization = "Basic dXNlcjpnZWhlaW0vMQ=="  # user:geheim/1
        with_user = front.url.replace("//", "//user:geheim%2F1@")
        asked = client(with_user)
        assert asked.query("up_to", END).series
        assert asked.address == front.url
        by_variable = client(front.url, username="user", password_env="P", environment={"P": "geheim/1"})
        assert by_variable.query("up_to", END).series
        assert "no environment variable P" in complaint(client(front.url, username="user", password_env="P"))
        front.says = Said(500, b'{"status":"error","errorType":"x","error":"user:geheim/1 may not"}')
        assert complaint(client(with_user)).endswith("x: user:*** may not")


def test_a_path_prefix_and_what_is_no_prometheus(history: Server, client: Client) -> None:
    with Front(history.port) as front:
        front.prefix = "/monitoring"
        assert client(f"{front.url}/monitoring/").query("up_to", END).series
        assert "path prefix" in complaint(client(front.url))
        front.says = Said(405, b"only GET and HEAD")  # an exporter, and not who scrapes it
        assert "answers 405: is it a Prometheus" in complaint(client(front.url))
        front.says = Said(200, b"<html>Grafana</html>")
        assert "not an answer of Prometheus" in complaint(client(front.url))
        front.says = Said(302, b"", (("location", "http://u:pw@login.example/"),))
        assert "redirects to http://login.example/" in complaint(client(front.url))
        front.says = Said(503, b"")
        assert "answers 503" in complaint(client(front.url))


def test_an_answer_too_large_ends_at_its_bound(history: Server, client: Client) -> None:
    with Front(history.port) as front:
        bomb = gzip.compress(b'{"status":"success","x":"' + b"0" * (80 << 20) + b'"}')
        front.says = Said(200, bomb, (("content-encoding", "gzip"),))
        assert "more than 64 MiB" in complaint(client(front.url))


def test_warnings_are_handed_on(history: Server, client: Client) -> None:
    with Front(history.port) as front:
        body = b'{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["store a\\u001b is gone"]}'
        front.says = Said(200, body)
        assert client(front.url).query("up").warnings == ("store a  is gone",)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by itself, with its key in the same file."""
    file = tmp_path / "own.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
    subprocess.run([*words, "-keyout", str(file), "-out", str(tmp_path / "crt")], check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "crt").read_text())
    return file


def test_https_is_checked_unless_somebody_says_otherwise(history: Server, client: Client, certificate: Path) -> None:
    with Front(history.port, certificate) as front:
        assert "its certificate is not trusted (self" in complaint(client(front.url))
        assert client(front.url, ca=str(certificate)).query("up_to", END).series
        assert client(front.url, insecure=True).query("up_to", END).series


def test_settings_that_cannot_be_right(client: Client, tmp_path: Path) -> None:
    with pytest.raises(PrometheusError, match=r"ca .*cannot be read"):
        client("https://127.0.0.1:1", ca=str(tmp_path / "none.pem"))
    with pytest.raises(PrometheusError, match="not an http or https URL"):
        client("ftp://127.0.0.1")
