"""A PostgreSQL server's clients, by one read-only query: what it allows, and who holds which connection how.

Asked over a connection that is kept, or by `psql` inside the server's container; the answer is the same JSON document.
"""

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING

import msgspec

from mcptop.model.value import Value
from mcptop.server_settings import Address
from mcptop.sources.server import Deadline, Execute, ServerError, ended_well
from mcptop.units import plain

if TYPE_CHECKING:
    import psycopg

QUERY = """\
SELECT json_build_object(
  'version', current_setting('server_version'),
  'max_connections', current_setting('max_connections')::int,
  'superuser_reserved_connections', current_setting('superuser_reserved_connections')::int,
  'reserved_connections', current_setting('reserved_connections', true)::int,
  'clients', coalesce((SELECT json_agg(json_build_object(
    'address', host(client_addr), 'port', nullif(client_port, -1),
    'application_name', coalesce(application_name, ''), 'database', datname, 'state', state,
    'waits_for_lock', coalesce(wait_event_type = 'Lock', false),
    'state_age_s', extract(epoch FROM clock_timestamp() - state_change)::float8,
    'transaction_age_s', extract(epoch FROM clock_timestamp() - xact_start)::float8))
  FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() AND (backend_type = 'client backend'
    OR (backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL))), '[]'::json))"""
"""Where the role may not look into other sessions, their state, address and backend_type are null: they are counted
all the same, and their state is unknown."""

_ALLOWED = frozenset({"POSTGRES_USER", "POSTGRES_DB"})
_IN_TRANSACTION = "idle in transaction"
_KNOWN_STATES = frozenset(
    {"active", "idle", _IN_TRANSACTION, "idle in transaction (aborted)", "fastpath function call"}
)


class PostgresClient(Value, frozen=True):
    """One client's connection."""

    address: str | None = None
    """None: over the server's own socket, or not shown to our role."""
    port: int | None = None
    application_name: str = ""
    database: str | None = None
    state: str | None = None
    """None: not shown to our role."""
    waits_for_lock: bool = False
    state_age_s: float | None = None
    transaction_age_s: float | None = None
    """None outside a transaction."""

    @property
    def is_known(self) -> bool:
        """Whether the server told what it does."""
        return self.state in _KNOWN_STATES

    @property
    def is_idle(self) -> bool:
        """Open and free."""
        return self.state == "idle"

    @property
    def is_idle_in_transaction(self) -> bool:
        """Nothing to do, inside an open transaction, failed ones included."""
        return self.state is not None and self.state.startswith(_IN_TRANSACTION)

    @property
    def busy_s(self) -> float | None:
        """Age of its transaction, or of its query where there is none; None for an idle one."""
        if not self.is_known or self.is_idle:
            return None
        return self.state_age_s if self.transaction_age_s is None else self.transaction_age_s


class PostgresView(Value, frozen=True):
    """One look at a server; our own connection is left out, and so are the server's own processes."""

    version: str
    max_connections: int
    superuser_reserved_connections: int
    reserved_connections: int | None = None
    """None before PostgreSQL 16."""
    clients: tuple[PostgresClient, ...] = ()

    @property
    def allowed(self) -> int:
        """Connections for ordinary clients."""
        return self.max_connections - self.superuser_reserved_connections - (self.reserved_connections or 0)

    @property
    def allowed_says(self) -> str:
        """How that comes about, with the names of the settings."""
        says = f"max_connections {self.max_connections}"
        says += f" - superuser_reserved_connections {self.superuser_reserved_connections}"
        return f"{says} - reserved_connections {self.reserved_connections}" if self.reserved_connections else says


def parse(document: bytes) -> PostgresView:
    """The query's answer. Raises `ServerError` for anything else."""
    try:
        view = msgspec.json.decode(document, type=PostgresView)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServerError(f"its answer is not the expected one: {error}") from None
    clients = tuple(
        msgspec.structs.replace(
            client, application_name=plain(client.application_name), database=client.database and plain(client.database)
        )
        for client in view.clients
    )
    return msgspec.structs.replace(view, version=plain(view.version, 40), clients=clients)


def _session(timeout_s: float) -> str:
    return f"-c default_transaction_read_only=on -c statement_timeout={int(timeout_s * 1000)}"


class PostgresByAddress:
    """Asks over a connection of its own, which is kept, outside any transaction, until a look fails."""

    def __init__(self, dsn: str, address: Address, timeout_s: float) -> None:
        self._dsn = dsn
        self._address = address
        self._timeout_s = timeout_s
        self._connection: psycopg.Connection | None = None

    def look(self, container: str | None) -> PostgresView:
        """Ask once. Raises `ServerError`; a server that hangs is left after the timeout."""
        try:
            import psycopg
        except ImportError:
            raise ServerError("needs psycopg: pip install 'mcptop[postgres]'") from None
        try:
            connection = self._connection = self._connection or self._connect()
            with Deadline(self._timeout_s, lambda: _cut(connection)) as deadline:
                row = connection.execute(f"{QUERY}::text").fetchone()
        except psycopg.Error as error:
            expired = self._connection is not None and deadline.expired
            self.close()
            said = f"no answer within {self._timeout_s:g} s" if expired else _one_line(error)
            raise ServerError(self._address.without_passwords(said)) from None
        return parse(row[0].encode() if row else b"")

    def _connect(self) -> psycopg.Connection:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            options = str(conninfo_to_dict(self._dsn).get("options") or "")
        except psycopg.ProgrammingError:
            # What libpq says of a text it cannot read may quote the password.
            raise ServerError("libpq does not understand the dsn") from None
        return psycopg.connect(
            self._dsn,
            autocommit=True,
            application_name="mcptop",
            options=f"{options} {_session(self._timeout_s)}".strip(),
            connect_timeout=max(2, round(self._timeout_s)),
            tcp_user_timeout=int(self._timeout_s * 1000),
            keepalives_idle=10,
        )

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _cut(connection: psycopg.Connection) -> None:
    """End the wait of the thread that uses the connection: to libpq it looks like a server that hung up."""
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
    except Exception:
        # The look ended at this very moment, and the connection with it.
        return


def _one_line(error: Exception) -> str:
    """The words of libpq or psql without what the reader knows already; of several attempts the first."""
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()]
    line = next((line for line in lines if re.search(r"FATAL|ERROR|failed: ", line)), lines[0] if lines else "")
    line = re.sub(r"^.*?(FATAL|ERROR):\s+", "", line)
    line = re.sub(
        r"^(error: |connection failed: |connection is bad: )?(connection to server at .*? failed: )?", "", line
    )
    return line or type(error).__name__


class PostgresInContainer:
    """Asks by `psql` inside the server's container, as the user and on the database the image was set up with."""

    def __init__(self, execute: Execute, timeout_s: float) -> None:
        self._execute = execute
        self._timeout_s = timeout_s

    def look(self, container: str | None) -> PostgresView:
        """Ask once, in this container. Raises `ServerError`."""
        if container is None:
            raise ServerError("its container is not among those that run")
        known = self._execute.variables(container, _ALLOWED)
        user = known.get("POSTGRES_USER") or "postgres"
        argv = ["psql", "-X", "-A", "-t", "-q", "-w", f"--username={user}", "-v", "ON_ERROR_STOP=1"]
        argv += [f"--dbname={known.get('POSTGRES_DB') or user}", "-c", QUERY]
        environment = {
            "PGAPPNAME": "mcptop",
            "PGCLIENTENCODING": "UTF8",
            "PGCONNECT_TIMEOUT": str(max(2, round(self._timeout_s))),
            "PGOPTIONS": _session(self._timeout_s),
        }
        done = self._execute(container, argv, environment, b"", self._timeout_s)
        try:
            document = ended_well(done, "psql")
        except ServerError as error:
            raise ServerError(_one_line(error)) from None
        return parse(document)

    def close(self) -> None:
        """Close the connection to the engine."""
        self._execute.close()
