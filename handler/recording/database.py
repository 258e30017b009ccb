"""Connections to PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from handler.parameters import DatabaseParameters, ParameterStore
from handler.recording import schema
from handler.recording.reader import READER

RDS_CA_BUNDLE = Path(__file__).parents[1] / "rds-ca-bundle.pem"

# Seconds to wait for a connection.
CONNECT_TIMEOUT = 5
# Milliseconds after which a peer that acknowledges nothing counts as gone: a container may thaw with a dead
# connection.
TCP_USER_TIMEOUT = 10_000
# Seconds: a peer that is silent for so long is asked whether it is there, and how often. The host of a failed instance
# sends nothing any more, and while a statement is waited for there is nothing to acknowledge.
KEEPALIVE: dict[str, Any] = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


class DatabaseUnavailable(psycopg.OperationalError):
    """No connection can be opened at this moment, as in a failover."""


def is_connection_lost(error: Exception) -> bool:
    """Whether the error says that an open connection ended in the middle of its work."""
    if isinstance(error, psycopg.errors.AdminShutdown | psycopg.errors.CrashShutdown):
        return True
    # What libpq finds by itself has no SQLSTATE.
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


class Database:
    """Keeps the connection of a function, checked before each use and reopened when it is gone.

    `settings`: the server's, for each session. Every psycopg.Error is transient.
    """

    def __init__(self, parameters: ParameterStore, *, application_name: str, settings: Mapping[str, int | str]) -> None:
        self._parameters = parameters
        self._application_name = application_name
        self._settings = settings
        self._version = schema.package_version()
        self._connection: Connection[Any] | None = None

    def connected(self) -> Connection[Any]:
        """The open connection, checked, or a new one, to a schema that the function works with.

        Raises DatabaseUnavailable, SchemaMismatch, and other errors of psycopg.
        """
        if self._connection:
            try:
                schema.require(self._connection, self._version)
                return self._connection
            except psycopg.Error:
                self.close()
        try:
            self._connection = connect(
                self._parameters, application_name=self._application_name, settings=self._settings
            )
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(str(error)) from error
        schema.require(self._connection, self._version)
        return self._connection

    def close(self) -> None:
        """Closes the connection; the next use opens another."""
        if self._connection:
            self._connection.close()
            self._connection = None


def connect(parameters: ParameterStore, *, application_name: str, settings: Mapping[str, int | str]) -> Connection[Any]:
    """A new connection in autocommit mode, with the login of `parameters`. `settings`: the server's, for this session.

    A password that is refused is fetched anew, once: it may have been rotated. Raises psycopg.OperationalError.
    """

    def opened(database: DatabaseParameters) -> Connection[Any]:
        host, _, port = database.endpoint.rpartition(":")
        return psycopg.connect(
            host=host,
            port=port,
            user=database.username,
            password=database.password,
            dbname=database.name,
            sslmode="verify-full",
            # libpq's own variable: on one machine it names the local server's authority.
            sslrootcert=os.environ.get("PGSSLROOTCERT", str(RDS_CA_BUNDLE)),
            connect_timeout=CONNECT_TIMEOUT,
            # A session that begins while the server may only be read stays so when that is over, and would be kept.
            target_session_attrs="any" if database.username == READER else "read-write",
            tcp_user_timeout=TCP_USER_TIMEOUT,
            **KEEPALIVE,
            options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
            application_name=application_name,
            autocommit=True,
        )

    known = parameters.database()
    try:
        return opened(known)
    except psycopg.OperationalError as error:
        # libpq has no SQLSTATE (28P01) for a refused connection, and the message is in the server's own
        # language; that a password was asked for tells a refused credential from an unreachable server.
        if not (error.pgconn and error.pgconn.used_password):
            raise
        # A login that has too many connections is refused after its password, which is right.
        fetched = parameters.fetch_database()
        if fetched == known:
            raise
    return opened(fetched)
