"""A PostgreSQL server for a test or a benchmark."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from handler.recording import schema
from local import processes
from local.postgres import PostgresServer

# All that is in our schemas, but for rows: what was made anew has another oid.
_CATALOGUE = """
with ours as (select oid from pg_namespace where nspname !~ '^(pg_|information_schema)'),
  relations as (select * from pg_class where relnamespace in (select oid from ours))
select md5(string_agg(line, chr(10) order by line)) from (
  select format('%s %s', oid, nspacl) from pg_namespace where oid in (select oid from ours)
  union all select format('%s %s %s %s', oid, relname, relacl, reloptions) from relations
  union all select format('%s %s %s %s %s', attrelid, attname, atttypid, attnotnull, attacl)
    from pg_attribute where attrelid in (select oid from relations)
  union all select format('%s %s %s %s', oid, proacl, proconfig, md5(prosrc))
    from pg_proc where pronamespace in (select oid from ours)
  union all select oid::text from pg_constraint where connamespace in (select oid from ours)
  union all select format('%s %s', oid, tgenabled) from pg_trigger where tgrelid in (select oid from relations)
  union all select format('%s %s', inhrelid, inhparent) from pg_inherits
  union all select format('%s %s', oid, md5(ev_action::text)) from pg_rewrite
    where ev_class in (select oid from relations)
  {rows}
) as lines (line)
"""
_TABLES = """
select format('%I.%I', nspname, relname) from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where relkind = 'r' and nspname !~ '^(pg_|information_schema)'
"""
# Of a test with many rows, after which the planner would expect as many again, or of one with few.
_FORGET_STATISTICS = """
select pg_clear_attribute_stats(schemaname::text, tablename::text, attname::text, inherited)
from pg_stats where schemaname !~ '^(pg_|information_schema)'
union all
select pg_clear_relation_stats(nspname::text, relname::text)
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where nspname !~ '^(pg_|information_schema)' and relkind in ('r', 'p', 'i') and reltuples >= 0
"""
_ADVANCED = "select format('%I.%I', schemaname, sequencename) from pg_sequences where last_value is not null"


@contextmanager
def temporary_server(*, password: str) -> Iterator[PostgresServer]:
    """A server with the user and database `tap`, of which nothing is left at the end."""
    # Not below pytest's folder, which only its owner may enter: under root, the server runs as another user.
    with (
        tempfile.TemporaryDirectory() as directory,
        PostgresServer(
            hostname="db.example",
            port=processes.free_port(),
            user="tap",
            password=password,
            database="tap",
            directory=Path(directory),
            log=Path(directory, "log"),
        ) as server,
    ):
        yield server


def make_empty(connection: psycopg.Connection[Any]) -> None:
    """Takes back whatever a test left."""
    connection.execute("drop schema public cascade; create schema public; drop schema if exists history cascade")


def migrate(connection: psycopg.Connection[Any]) -> list[int]:
    """Applies all migrations, as the schema function does; the versions of those that were new."""

    deadline = time.monotonic() + 60

    def seconds_left() -> float:
        return deadline - time.monotonic()

    with schema.alone(connection, seconds_left):
        return schema.migrate(connection, seconds_left)


class LikeNew:
    """A database with the schema as the migrations make it, for one test after the other.

    To make it takes longer than most tests: where it is still as it was, the rows are removed, and what counts them
    begins anew. Whatever a test has made, altered or dropped is seen in the catalogue.
    """

    def __init__(self) -> None:
        self._catalogue = ""
        self._filled: set[str] = set()
        self._advanced: set[str] = set()

    def make(self, connection: psycopg.Connection[Any]) -> None:
        """Makes it so, whatever was left in it."""
        if not self._catalogue or self._read_catalogue(connection) != self._catalogue:
            make_empty(connection)
            migrate(connection)
            self._filled, self._advanced = _filled(connection), _advanced(connection)
            self._catalogue = self._read_catalogue(connection)
            return
        if tables := _filled(connection) - self._filled:
            connection.execute(f"truncate {', '.join(tables)} cascade".encode())
        connection.execute(_FORGET_STATISTICS)
        for sequence in _advanced(connection) - self._advanced:
            connection.execute(f"alter sequence {sequence} restart".encode())

    def _read_catalogue(self, connection: psycopg.Connection[Any]) -> str:
        # With the rows that the migrations write.
        tables = sorted(self._filled & set(_tables(connection)))
        rows = "".join(f"union all select row::text from {table} as row " for table in tables)
        [[catalogue]] = connection.execute(_CATALOGUE.format(rows=rows).encode()).fetchall()
        return str(catalogue)


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    return [table for (table,) in connection.execute(_TABLES).fetchall()]


def _filled(connection: psycopg.Connection[Any]) -> set[str]:
    """The tables that have rows."""
    looks = " union all ".join(f"select '{it}' where exists (select from {it})" for it in _tables(connection))
    return {table for (table,) in connection.execute(looks.encode()).fetchall()}


def _advanced(connection: psycopg.Connection[Any]) -> set[str]:
    """The sequences that have been used."""
    return {sequence for (sequence,) in connection.execute(_ADVANCED).fetchall()}
