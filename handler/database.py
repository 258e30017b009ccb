"""The record of uploads and the outbox of their events, in PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from handler import schema
from handler.errors import PermanentFault
from handler.junit import JUnitReport
from handler.notifications import Upload
from handler.origin import Origin
from handler.parameters import DatabaseParameters, ParameterStore
from handler.results import Run, record_run
from handler.texts import cut, storable

RDS_CA_BUNDLE = Path(__file__).parent / "rds-ca-bundle.pem"

# Seconds to wait for a connection.
CONNECT_TIMEOUT = 5
# Milliseconds after which a peer that acknowledges nothing counts as gone: a container may thaw with a dead
# connection.
TCP_USER_TIMEOUT = 10_000
# Seconds: a peer that is silent for so long is asked whether it is there, and how often. The host of a failed instance
# sends nothing any more, and while a statement is waited for there is nothing to acknowledge.
KEEPALIVE: dict[str, Any] = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
# Milliseconds, enforced by the server: for a statement, for a lock that another delivery of the upload holds,
# and for a transaction whose container stopped in its middle (putting an event takes less, retries included).
SERVER_TIMEOUTS = {
    "statement_timeout": 30_000,
    "lock_timeout": 10_000,
    "idle_in_transaction_session_timeout": 60_000,
}

# What is kept of messages that are no notifications: so many of them, the latest, and of each so many characters.
MAX_INVALID_MESSAGES = 1_000
MAX_BODY = 65_536


class DatabaseUnavailable(psycopg.OperationalError):
    """No connection can be opened at this moment, as in a failover."""


def is_connection_lost(error: Exception) -> bool:
    """Whether the error says that an open connection ended in the middle of its work."""
    if isinstance(error, psycopg.errors.AdminShutdown | psycopg.errors.CrashShutdown):
        return True
    # What libpq finds by itself has no SQLSTATE.
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


class Database:
    """Keeps one connection, checked before each use and reopened when it is gone.

    Every method may raise psycopg.Error, which is transient.
    """

    def __init__(self, parameters: ParameterStore) -> None:
        self._parameters = parameters
        self._connection: Connection[Any] | None = None

    def is_recorded(self, upload: Upload) -> bool:
        """Whether an earlier delivery recorded the upload."""
        query = "select 1 from upload where event_id = %s"
        return self._connected().execute(query, [upload.event_id]).fetchone() is not None

    def record(
        self,
        upload: Upload,
        origin: Origin,
        *,
        processed_at: datetime,
        report: JUnitReport | None,
        fault: PermanentFault | None,
        detail: Callable[[Run | None], dict[str, object]],
    ) -> None:
        """Writes the upload, what its report says, and its event, in one transaction, unless that was done before.

        `detail` tells the event's detail from what was recorded of the report. Another delivery that is recording the
        upload at this moment is waited for. Whatever reading the report raises leaves nothing behind.
        """
        connection = self._connected()
        with connection.transaction():
            new = connection.execute(
                """
                insert into upload (event_id, bucket, key, version_id, etag, size, kind, uploaded_at,
                                    project, branch, commit, build_url,
                                    status, error_code, error_message, processed_at)
                values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                on conflict do nothing
                """,
                [
                    upload.event_id,
                    upload.bucket,
                    upload.readable_key,
                    upload.version_id,
                    upload.etag,
                    upload.size,
                    upload.kind,
                    upload.uploaded_at,
                    origin.project,
                    origin.branch,
                    origin.commit,
                    origin.build_url,
                    "error" if fault else "success",
                    fault and fault.code,
                    fault and str(fault),
                    processed_at,
                ],
            )
            if not new.rowcount:
                return
            run = record_run(connection, upload.event_id, report) if report else None
            connection.execute(
                "insert into outbox (event_id, detail) values (%s, %s)", [upload.event_id, Jsonb(detail(run))]
            )

    def send_event(self, upload: Upload, put: Callable[[dict[str, object]], None]) -> dict[str, object] | None:
        """Hands the recorded event's detail to `put` and marks it sent. Returns it, None if sent before.

        The row stays locked meanwhile, and a second delivery waits for it. Skipping a locked row could lose
        the event: the second delivery would delete the message, and the first may still fail.
        """
        connection = self._connected()
        with connection.transaction():
            row = connection.execute(
                "select detail from outbox where event_id = %s and sent_at is null for update",
                [upload.event_id],
            ).fetchone()
            if row is None:
                return None
            detail: dict[str, object] = row[0]
            put(detail)
            connection.execute("update outbox set sent_at = clock_timestamp() where event_id = %s", [upload.event_id])
            return detail

    def set_aside(self, message_id: str, body: str) -> None:
        """Keeps a message that is no notification for an operator: its beginning and end, and the latest messages."""
        connection = self._connected()
        with connection.transaction():
            connection.execute(
                "insert into invalid_message (message_id, body) values (%s, %s) on conflict do nothing",
                [message_id, cut(storable(body), MAX_BODY)],
            )
            connection.execute(
                "delete from invalid_message where message_id in"
                " (select message_id from invalid_message order by set_aside_at desc offset %s)",
                [MAX_INVALID_MESSAGES],
            )

    def close(self) -> None:
        """Closes the connection; the next use opens another."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection[Any]:
        if self._connection:
            try:
                self._connection.execute("")
                return self._connection
            except psycopg.Error:
                self.close()
        try:
            self._connection = self._authenticate()
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(str(error)) from error
        try:
            schema.upgrade(self._connection)
        except psycopg.Error:
            self.close()
            raise
        return self._connection

    def _authenticate(self) -> Connection[Any]:
        try:
            return _connect(self._parameters.database())
        except psycopg.OperationalError as error:
            # libpq has no SQLSTATE (28P01) for a refused connection, and the message is in the server's own
            # language; that a password was asked for tells a refused credential from an unreachable server.
            if not (error.pgconn and error.pgconn.used_password):
                raise
        return _connect(self._parameters.fetch_database())


def _connect(parameters: DatabaseParameters) -> Connection[Any]:
    host, _, port = parameters.endpoint.rpartition(":")
    return psycopg.connect(
        host=host,
        port=port,
        user=parameters.username,
        password=parameters.password,
        dbname=parameters.name,
        sslmode="verify-full",
        # libpq's own variable: on one machine it names the local server's authority.
        sslrootcert=os.environ.get("PGSSLROOTCERT", str(RDS_CA_BUNDLE)),
        connect_timeout=CONNECT_TIMEOUT,
        tcp_user_timeout=TCP_USER_TIMEOUT,
        **KEEPALIVE,
        options=" ".join(f"-c {name}={milliseconds}" for name, milliseconds in SERVER_TIMEOUTS.items()),
        application_name="tap-handler",
        autocommit=True,
    )
