"""Secrets: none survives, the same one has the same token, and nothing makes the redactor fail."""

from __future__ import annotations

import math
import re
import string
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcptop.model.diagnosis import Evidence, Provenance, StepStatus
from mcptop.playbook.redact import Redactor
from mcptop.playbook.steps.base import Output

PLACES = [
    "postgresql://app:{}@db:5432/shop?sslmode=require",
    "redis://:{}@cache:6379/0",
    "mysql+asyncmy://root:{}@10.0.0.7/x",
    "root:{}@tcp(db:3306)/shop?parseTime=true",
    "host=db user=app password={} dbname=shop",
    "host=db user=app password='{}' dbname=shop",
    "Server=db;Uid=app;Pwd={};Database=shop",
    "DB_PASSWORD={}",
    "export STRIPE_SECRET={} NODE_ENV=production",
    "OPENWEATHER_API_KEY={}",
    "DJANGO_SECRET_KEY={}",
    "SIGNING_KEY={}",
    "MY_TOKEN_2={}",
    "worker --password {} --queue jobs",
    "worker --password={} --queue jobs",
    "worker --api-key '{}' --queue jobs",
    "worker\0--password\0{}\0--queue\0jobs",
    "PATH=/bin\0REDIS_PASSWORD={}\0HOME=/root",
    '["worker", "--auth-token", "{}", "-v"]',
    "mysqldump -h db -u root -p{} shop",
    "redis-cli -h cache -a {} info",
    "redis-server *:6379 --requirepass {}",
    "curl -s -u admin:{} http://api/health",
    "sshpass -p {} ssh host",
    '{{"user": "app", "password": "{}", "port": 5432}}',
    "{{'user': 'app', 'api_key': '{}', 'port': 5432}}",
    'log: "{{\\"client_secret\\": \\"{}\\"}}"',
    "password: {}",
    "Authorization: Bearer {}",
    "authorization: Basic {}",
    "-H 'X-Api-Key: {}'",
    "Cookie: session={}; theme=dark",
    "GET /v1/jobs?access_token={}&limit=5 HTTP/1.1",
    "REDIS_AUTH={}",
    "worker --auth user:{} --queue jobs",
    "worker\0--redis-auth={}\0--queue\0jobs",
    '["worker", "--auth", "user:{}", "-v"]',
    "https://bucket.s3/x?X-Amz-Expires=60&X-Amz-Signature={}&x-id=GetObject",
    "https://account.blob/x?sv=2024&sig={}&se=2026",
    "ALTER ROLE app PASSWORD '{}'",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
]
HARMLESS = [
    "MAX_TOKENS=512 tokens_per_s=5.1 token_count=9 prompt_tokens 88",
    "PWD=/srv/app OLDPWD=/",
    "POSTGRES_PASSWORD_FILE=/run/secrets/db",
    "POSTGRES_PASSWORD=${DB_PASSWORD}",
    "docker run -u 1000:1000 mcp-worker",
    "refresh_token (auth.py:88)",
    "http://db:5432/path and http://user@host/",
    "41 files, none deleted, growth 0",
    "12 passed: 3 pass=3 bypass=1",
    "psql --no-password shop",
    "worker --no-auth shop USE_AUTH=1 auth failed: no such user",
    "npm_config_registry_of_the_whole_organisation_here=x",
    "the signature of work(a, b)",
    "secrets: [db]",
]
SECRET = st.text(string.ascii_letters + string.digits + "!$%*+-._~^", min_size=6, max_size=40).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum() and text.lower() not in ("undefined",)
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
PIECES = ["<secret-1>", "password", "token", "_KEY", "eyJ", "Bearer ", "--", "://", *"=:\"'\\@, \0\n"]
TEXT = st.lists(st.sampled_from([*PLACES, *HARMLESS, *PIECES]) | st.text(max_size=12), max_size=12).map("".join)


@pytest.mark.parametrize("place", PLACES)
@given(secret=SECRET)
@settings(max_examples=30, deadline=None)
def test_a_planted_secret_does_not_survive(place: str, secret: str) -> None:
    # Letters only, it would also be found in the text around it.
    secret = f"{secret}9q7"
    assert secret not in Redactor().text(place.format(secret))
    assert secret.encode() not in Redactor().data(place.format(secret).encode())


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1B2" * 9,
        "xoxb-123456789012-abcdefABCDEF",
        "sk-" + "Zz9" * 12,
        "npm_" + "aB3" * 12,
    ],
)
def test_what_shows_by_its_form_that_it_is_a_secret(secret: str) -> None:
    for place in ("{}", "sent {} to the api", '["{}"]', "a={}"):
        assert secret not in Redactor().text(place.format(secret))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://u:p/w@h/db", "postgres://u:<secret-1>@h/db"),
        ("postgres://u:p#w?x@h/db", "postgres://u:<secret-1>@h/db"),
        ("redis://:/p@w@h/0", "redis://:<secret-1>@h/0"),
        ("redis://:k3@a:6379/0,redis://:k4@b/a@b", "redis://:<secret-1>@a:6379/0,redis://:<secret-2>@b/a@b"),
        ("REDIS_AUTH=0.0 USE_AUTH=0 X_AUTH=on", "REDIS_AUTH=<secret-1> USE_AUTH=0 X_AUTH=on"),
        ("https://hooks.slack.com/services/T0/B0/k3 failed", "https://hooks.slack.com/services/<secret-1> failed"),
    ],
)
def test_secrets_beside_what_looks_like_them(text: str, expected: str) -> None:
    redactor = Redactor()
    assert redactor.text(text) == expected
    assert redactor.text(expected) == expected


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_the_same_secret_has_the_same_token_wherever_it_stands() -> None:
    redactor = Redactor()
    whole = [place for place in PLACES if "PRIVATE" not in place and "Cookie" not in place]
    shown = [redactor.text(place.format("k3hunter2abc")) for place in whole]
    seen = {token for text in shown for token in re.findall(r"<secret-\d+>", text)}
    assert seen == {"<secret-1>"}
    assert redactor.text("connecting with k3hunter2abc failed") == "connecting with <secret-1> failed"


def test_an_ordinary_word_as_a_password_is_not_replaced_everywhere() -> None:
    redactor = Redactor()
    assert redactor.text("postgres://postgres:postgres@postgres/x") == "postgres://postgres:<secret-1>@postgres/x"
    assert redactor.text("service postgres is up") == "service postgres is up"


@given(TEXT)
@settings(deadline=None)
def test_idempotent(text: str) -> None:
    redactor = Redactor()
    once = redactor.text(text)
    assert redactor.text(once) == once
    assert Redactor().text(text) == once


@given(st.binary())
@settings(deadline=None)
def test_bytes_without_secrets_stay(data: bytes) -> None:
    assert (
        Redactor()
        .data(b"\xff\x00 PASSWORD=hunter2 " + data.replace(b"=", b""))
        .startswith(b"\xff\x00 PASSWORD=<secret-1>")
    )


@given(ANYTHING)
@settings(deadline=None)
def test_values_never_fail_and_are_what_json_gives_back(values: Any) -> None:
    redactor = Redactor()
    once = redactor.values(values)
    assert redactor.values(once) == once
    assert msgspec.json.decode(msgspec.json.encode(once)) == once


def test_values_in_every_shape() -> None:
    redactor = Redactor()
    values = redactor.values(
        {
            "argv": ["redis-cli", "-a", "hunter2", "info"],
            "environment": {"DB_PASSWORD": "hunter2", "TOKEN": None, "MAX_TOKENS": 5, "API_KEY": ["hunter2"]},
            "redis://:hunter2@cache/0": ({"password": b"hunter2"},),
            "figures": [1, 2.5, math.nan, math.inf, True, None, 10**40, 10**4000],
            "names": {"b", "a"},
        }
    )
    assert values == {
        "argv": ["redis-cli", "-a", "<secret-1>", "info"],
        "environment": {"DB_PASSWORD": "<secret-1>", "TOKEN": None, "MAX_TOKENS": 5, "API_KEY": ["<secret-1>"]},
        "redis://:<secret-1>@cache/0": [{"password": "<secret-1>"}],
        "figures": [1, 2.5, None, None, True, None, 1e40, None],
        "names": ["a", "b"],
    }


def test_values_that_contain_themselves_end() -> None:
    endless: list[Any] = []
    endless.append({"endless": endless})
    assert Redactor().values(endless)


def test_evidence_and_outputs() -> None:
    redactor = Redactor()
    source = Provenance("psql", ("psql", "--password", "hunter2"), raw_sha256="ab")
    evidence = redactor.evidence(
        Evidence("rows", "psql", StepStatus.OK, "asked postgres://u:hunter2@db", {"url": "redis://:x1@h"}, (source,))
    )
    assert evidence.message == "asked postgres://u:<secret-1>@db"
    assert evidence.values == {"url": "redis://:<secret-2>@h"}
    assert evidence.provenance[0].argv == ("psql", "--password", "<secret-1>")
    output = redactor.output(Output("env", b"A=1\0PASSWORD=hunter2\0", source))
    assert output.data == b"A=1\0PASSWORD=<secret-1>\0"
    assert output.provenance.raw_sha256 == "ab"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "unit",
    ["password", "password1", "--a-", "://a:", "a:b", "mysql -", "curl -u=", "token_key_1", '"password": "', "cookie:",
     "bearer aaaaaaa", "-----BEGIN PRIVATE KEY-----", "_KEY", "pass,", "password=,", "eyJaaaaaaa.", "\\\"", "a@tcp(",
     "://:/", "--auth ", "_auth=", "sig=", "a/@"],
)  # fmt: skip
def test_hostile_text_takes_no_more_than_linear_time(unit: str) -> None:
    """Quadratic time would be hours here."""
    for text in (unit * (400_000 // len(unit)), unit + "1" * 400_000, unit + "a" * 400_000, unit + " " * 400_000):
        assert Redactor().text(text)
