"""The database's schema: numbered SQL files, applied once each and in order.

A file stays as it is once it was deployed, and leaves in place whatever the function's previous version uses:
both run side by side while a new version rolls out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import Connection

MIGRATIONS = Path(__file__).parent / "migrations"

# Any number will do, as long as nothing else in this database takes an advisory lock under it.
_LOCK = 0x746170


def upgrade(connection: Connection[Any]) -> None:
    """Applies what is new, all or nothing. Containers that start at the same moment wait for one another."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute(
            "create table if not exists schema_version"
            " (version integer primary key, applied_at timestamptz not null default now())"
        )
        applied = {version for (version,) in connection.execute("select version from schema_version")}
        for path in sorted(MIGRATIONS.glob("*.sql")):
            version = int(path.name.partition("_")[0])
            if version not in applied:
                connection.execute(path.read_bytes())
                connection.execute("insert into schema_version (version) values (%s)", [version])
