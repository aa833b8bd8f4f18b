"""Programs inside real containers: what they print, how they end, and that they cannot hold up who runs them.

The programs are small scripts in place of `psql` and `redis-cli`: the way in is real, the answers are recorded.
"""

from __future__ import annotations

import base64
import contextlib

import pytest
from containers import docker

from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.docker_exec import DockerExec
from mcptop.sources.postgres import PostgresInContainer
from mcptop.sources.redis_server import RedisInContainer
from mcptop.sources.server import ServerError, ended_well

SECONDS = 60.0
HANGS = "import time; time.sleep(600)"
# Says what it was given, as a view of PostgreSQL: a big one, so that it comes in many pieces.
PSQL = """
import json, os, sys
wanted = ["PGOPTIONS", "PGAPPNAME"]
name = " ".join(sys.argv[1:9] + [os.environ[key] for key in wanted])
client = {"address": "10.0.0.4", "application_name": name, "state": "idle"}
clients = [client | {"port": port} for port in range(5000)]
print(json.dumps({"version": "16.4", "max_connections": 100, "superuser_reserved_connections": 3, "clients": clients}))
print("a warning", file=sys.stderr)
"""
# One line for each command, the marks among them; it ends at `quit`, as redis-cli does, not at the end of its input.
REDIS_CLI = r"""
import re, sys
unquoted = lambda word: re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), word).strip('"')
answers = {"INFO": "# Server\r\nredis_version:6.2.14\r\nconnected_clients:3\r\n", "TIME": '"1700000000","5"',
    "CLIENT LIST": "id=3 addr=10.0.0.4:41 name= age=5 idle=0 flags=b db=0 cmd=blpop",
    "CONFIG GET maxclients": '"maxclients","500"', "TYPE jobs": '"list"', "LLEN jobs": "42"}
for line in sys.stdin:
    words = [unquoted(word) for word in line.split()]
    if words == ["quit"]:
        break
    print('"%s"' % words[1] if words[0] == "ECHO" else answers.get(" ".join(words), 'ERROR,"ERR unknown"'), flush=True)
"""


def holding(**programs: str) -> str:
    """A program that writes others, named with `_` for `-`, into its container's PATH, and stays."""
    lines = ["import base64, os, time"]
    for name, text in programs.items():
        script = base64.b64encode(f"#!/usr/bin/env python3\n{text}".encode()).decode()
        path = f"/usr/local/bin/{name.replace('_', '-')}"
        lines.append(f"open({path!r}, 'wb').write(base64.b64decode({script!r})); os.chmod({path!r}, 0o755)")
    return "\n".join([*lines, "open('/ready', 'w').close()", "time.sleep(600)"])


@pytest.fixture
def execute(stack):
    execute = DockerExec(DockerEngine)
    yield execute
    execute.close()


@pytest.fixture
def ready(start, execute):
    """`ready(**programs)`: a container that has them, with an environment as PostgreSQL's image wants it."""

    def make(number: int = 1, **programs: str) -> str:
        secret = ("-e", "POSTGRES_USER=mcp", "-e", "POSTGRES_DB=shop", "-e", "POSTGRES_PASSWORD=geheim")
        found = start("db", holding(**programs), *secret, number=number)
        while execute(found.id, ["test", "-e", "/ready"], {}, b"", SECONDS).exit_code:
            pass
        return found.id

    return make


def test_psql_is_run_with_its_options_and_environment(ready, execute):
    view = PostgresInContainer(execute, SECONDS).look(ready(psql=PSQL))
    assert len(view.clients) == 5000
    said = view.clients[-1].application_name
    assert said.startswith("-X -A -t -q -w --username=mcp -v ON_ERROR_STOP=1 ")
    assert said.endswith("-c default_transaction_read_only=on -c statement_timeout=60000 mcptop")


def test_redis_cli_is_given_its_commands_and_told_to_quit(ready, execute):
    view = RedisInContainer(execute, ["jobs"], SECONDS).look(ready(redis_cli=REDIS_CLI))
    assert (view.version, view.maxclients, view.connected) == ("6.2.14", 500, 1)
    assert view.clients is not None
    assert (view.clients[0].address, view.clients[0].port, view.clients[0].is_idle) == ("10.0.0.4", 41, False)
    assert [(queue.key, queue.kind, queue.depth) for queue in view.queues] == [("jobs", "list", 42)]


def test_a_missing_program_and_a_missing_container_are_one_line(ready, execute):
    container = ready()
    with pytest.raises(ServerError, match=r"no (pssql|such program) in the container's image"):
        ended_well(execute(container, ["pssql"], {}, b"", SECONDS), "pssql")
    with pytest.raises(ServerError, match=r"(?i)no such container"):
        PostgresInContainer(execute, SECONDS).look("0" * 64)


def test_output_errors_and_exit_code_are_kept_apart(ready, execute):
    program = "import sys; sys.stdout.write(sys.stdin.read()); sys.stderr.write('oh'); sys.exit(3)"
    done = execute(ready(), ["python3", "-c", program], {}, b"given\x00\xff", SECONDS)
    assert (done.exit_code, done.complaint) == (3, b"oh")
    assert done.output.startswith(b"given\x00")


def test_only_the_named_variables_are_given_out(ready, execute):
    container = ready()
    assert execute.variables(container, frozenset({"POSTGRES_USER", "MISSING"})) == {"POSTGRES_USER": "mcp"}


def test_a_program_that_does_not_end_is_left_and_not_started_twice(ready, execute):
    container = ready(psql=HANGS)
    asked = PostgresInContainer(execute, 1.0)
    with pytest.raises(ServerError, match="no answer within 1 s"):
        asked.look(container)
    with pytest.raises(ServerError, match="an earlier psql in the container has still not ended"):
        asked.look(container)
    docker("rm", "-f", container)
    assert PostgresInContainer(execute, SECONDS).look(ready(number=2, psql=PSQL)).version == "16.4"


def test_an_engine_that_is_gone_is_one_line():
    def connect():
        raise EngineError("no docker engine at unix:///nope: start it, or set DOCKER_HOST")

    with contextlib.closing(DockerExec(connect)) as gone, pytest.raises(ServerError, match="no docker engine at"):
        gone("c", ["true"], {}, b"", SECONDS)
