"""The login of whoever may look at what is recorded, and change nothing."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, sql

READER = "tap_reader"

# Connections at once, of about a hundred that the smallest instance has.
_CONNECTIONS = 20
# What each session of the reader begins with. A session may change it; what it may do is a matter of privileges.
_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}

_SCHEMAS = "select nspname from pg_namespace where nspname in ('public', 'history')"


def set_up(connection: Connection[Any], password: str) -> None:
    """Makes the login, or gives it the password: it may select from every table and view, those to come included."""
    reader = sql.Identifier(READER)
    # Computed here: the log of the server has every statement that fails, and a password must not get there.
    verifier = connection.pgconn.encrypt_password(password.encode(), READER.encode(), b"scram-sha-256").decode()
    with connection.transaction():
        if not connection.execute("select 1 from pg_roles where rolname = %s", [READER]).fetchone():
            connection.execute(sql.SQL("create role {}").format(reader))
        connection.execute(
            sql.SQL("alter role {} login connection limit {} password {}").format(reader, _CONNECTIONS, verifier)
        )
        # A role may change its own settings.
        connection.execute(sql.SQL("alter role {} reset all").format(reader))
        for name, value in _SETTINGS.items():
            connection.execute(sql.SQL("alter role {} set {} = {}").format(reader, sql.Identifier(name), value))
        # Everybody may make temporary tables, unless told otherwise.
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("revoke temporary on database {} from public").format(database))
        for (name,) in connection.execute(_SCHEMAS).fetchall():
            schema = sql.Identifier(name)
            connection.execute(sql.SQL("grant usage on schema {} to {}").format(schema, reader))
            connection.execute(sql.SQL("grant select on all tables in schema {} to {}").format(schema, reader))
        connection.execute(sql.SQL("alter default privileges grant usage on schemas to {}").format(reader))
        connection.execute(sql.SQL("alter default privileges grant select on tables to {}").format(reader))
