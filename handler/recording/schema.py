"""The database's schema: numbered SQL files, applied once each and in order.

A file stays as it is once it was released. The comments that it begins with say how it is applied:

- `-- oldest function: 3`: functions whose package has migration 3 or a later one go on working while it is applied,
  and after it. The old function goes on until the new one takes its place, and an outdated one gives its messages back.
- `-- outside a transaction`: for one statement that PostgreSQL takes nowhere else (`create index concurrently if not
  exists ...`). If an earlier attempt left its index invalid, that is dropped first. All other files are applied whole
  or not at all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql

from handler.errors import SchemaMismatch

MIGRATIONS = Path(__file__).parent / "migrations"

# Seconds between two looks at a lock. A migration that waits for a lock on a table has all that come after it wait as
# well, so it waits for a moment, stands back, and tries again.
_PAUSE = 1
_LOCK_TIMEOUT = "2s"

# Any number will do, as long as nothing else in this database takes an advisory lock under it.
_LOCK = 0x746170

_OLDEST_FUNCTION = re.compile(r"-- oldest function: (\d+)")
_OUTSIDE_TRANSACTION = "-- outside a transaction"

_HOLDER = """
    select concat_ws(' ', pg_stat_activity.pid, usename, application_name)
    from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and objid = %s and granted
"""
# Those of partitioned tables are invalid until all their parts have one.
_INVALID_INDEXES = """
    select nspname, relname
    from pg_index
    join pg_class on pg_class.oid = indexrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where not indisvalid and relkind = 'i' and nspname in ('public', 'history')
"""


class MigrationFailed(Exception):
    """The schema could not be brought up to date. The message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file: `version` is its number, `oldest_function` the version of the functions that it leaves working."""

    name: str
    version: int
    oldest_function: int
    in_transaction: bool
    statements: str

    @classmethod
    def read(cls, path: Path) -> Migration:
        """Raises ValueError for a file that does not say which functions it leaves working."""
        statements = path.read_text(encoding="utf-8")
        oldest = _OLDEST_FUNCTION.match(statements)
        if oldest is None:
            raise ValueError(f"{path.name} does not begin with `-- oldest function: N`")
        return cls(
            name=path.name,
            version=_version(path),
            oldest_function=int(oldest[1]),
            in_transaction=_OUTSIDE_TRANSACTION not in statements.splitlines()[1:2],
            statements=statements,
        )


def package_version() -> int:
    """The version of the functions in this package: the number of its newest migration."""
    return max(map(_version, MIGRATIONS.glob("*.sql")), default=0)


def require(connection: Connection[Any], package: int) -> None:
    """Raises SchemaMismatch unless functions of this version work with the schema that the database has."""
    version, oldest_function = _versions(connection)
    if version < package:
        raise SchemaMismatch(
            f"The database's schema has version {version}, and the function needs {package}: deploy the environment,"
            " whose schema function brings it up to date."
        )
    if oldest_function > package:
        raise SchemaMismatch(
            f"The database's schema has version {version}, which works with functions from version {oldest_function}"
            f" on, and this one has {package}: deploy the environment with a newer package."
        )


def version(connection: Connection[Any]) -> int:
    """The number of the newest migration that the database has; 0 if it has none."""
    return _versions(connection)[0]


@contextmanager
def alone(connection: Connection[Any], seconds_left: Callable[[], float]) -> Iterator[None]:
    """Keeps others that do the same out, and waits for them while time lasts. Raises MigrationFailed if it is over."""
    # Never `pg_advisory_lock`: a statement that waits there and `create index concurrently` wait for each other.
    while not _fetch(connection, "select pg_try_advisory_lock(%s)", _LOCK):
        if seconds_left() <= _PAUSE:
            holder = _fetch(connection, _HOLDER, _LOCK)
            raise MigrationFailed(
                f"Another migration is still under way (session {holder}): deploy again when it has ended."
            )
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", [_LOCK])


def migrate(connection: Connection[Any], seconds_left: Callable[[], float]) -> list[int]:
    """Applies what is new, and returns the versions. Waits for locks on tables while time lasts.

    `connection` is in autocommit mode, and `alone`. Raises MigrationFailed; what was applied before that stays.
    """
    connection.execute(
        "create table if not exists schema_version (version integer primary key, oldest_function integer not null,"
        " applied_at timestamptz not null default now())"
    )
    found, oldest_function = _versions(connection)
    if oldest_function > package_version():
        raise MigrationFailed(
            f"The database's schema works with packages from version {oldest_function} on, and this one has"
            f" {package_version()}: deploy a newer one, or restore a snapshot of before."
        )
    done = {version for (version,) in connection.execute("select version from schema_version")}
    new = [Migration.read(path) for path in sorted(MIGRATIONS.glob("*.sql")) if _version(path) not in done]
    with _timeouts_of_its_own(connection):
        for migration in new:
            try:
                _apply_patiently(connection, migration, seconds_left)
            except psycopg.Error as error:
                outdated = [it.name for it in new[: new.index(migration)] if it.oldest_function > found > 0]
                raise _failure(migration, error, outdated) from error
    return [migration.version for migration in new]


def _version(path: Path) -> int:
    return int(path.name.partition("_")[0])


def _versions(connection: Connection[Any]) -> tuple[int, int]:
    """That of the schema, and that of the oldest function which works with it."""
    try:
        [(version, oldest_function)] = connection.execute(
            "select coalesce(max(version), 0), coalesce(max(oldest_function), 0) from schema_version"
        )
    except psycopg.errors.UndefinedTable:
        return 0, 0
    return version, oldest_function


@contextmanager
def _timeouts_of_its_own(connection: Connection[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("reset transaction_timeout; reset statement_timeout; reset lock_timeout")


def _apply_patiently(connection: Connection[Any], migration: Migration, seconds_left: Callable[[], float]) -> None:
    apply = _apply if migration.in_transaction else _apply_outside
    while True:
        try:
            # They end before the invocation does, and say why.
            return apply(connection, migration, f"{max(1, int(seconds_left() * 1000))}ms")
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if seconds_left() <= _PAUSE:
                raise
            time.sleep(_PAUSE)


def _apply(connection: Connection[Any], migration: Migration, limit: str) -> None:
    # Not statement_timeout, which begins anew with each statement of a file.
    _set(connection, "transaction_timeout", limit)
    with connection.transaction():
        _set(connection, "lock_timeout", _LOCK_TIMEOUT)
        connection.execute(migration.statements.encode())
        _note(connection, migration)


def _apply_outside(connection: Connection[Any], migration: Migration, limit: str) -> None:
    _set(connection, "statement_timeout", limit)
    _set(connection, "lock_timeout", "0")
    for schema, name in connection.execute(_INVALID_INDEXES).fetchall():
        if re.search(rf"\b{re.escape(name)}\b", migration.statements):
            connection.execute(sql.SQL("drop index concurrently {}").format(sql.Identifier(schema, name)))
    connection.execute(migration.statements.encode())
    _note(connection, migration)


def _failure(migration: Migration, error: psycopg.Error, outdated: list[str]) -> MigrationFailed:
    # Not the whole of str(error), whose details may quote rows.
    reason = error.diag.message_primary or str(error).partition("\n")[0]
    left = "nothing of it is left in the database" if migration.in_transaction else "what it left is removed next time"
    functions = f"give their messages back since {outdated[-1]}" if outdated else "are as they were"
    return MigrationFailed(
        f"Migration {migration.name} failed: {reason} (SQLSTATE {error.sqlstate}); {left}, and the functions"
        f" {functions}: mend it and deploy again."
    )


def _note(connection: Connection[Any], migration: Migration) -> None:
    connection.execute(
        "insert into schema_version (version, oldest_function) values (%s, %s)",
        [migration.version, migration.oldest_function],
    )


def _set(connection: Connection[Any], name: str, value: str) -> None:
    connection.execute("select set_config(%s, %s, false)", [name, value])


def _fetch(connection: Connection[Any], query: str, *parameters: object) -> Any:
    row = connection.execute(query, parameters).fetchone()
    return row and row[0]
