"""The versioned schema of the database."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from handler.recording import schema
from tests.handler.helpers.surroundings import Postgres

VERSIONS = "select version from schema_version order by version"


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the real one."""
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path)
    return tmp_path


def upgrade(postgres: Postgres) -> None:
    with postgres.connect() as connection:
        schema.upgrade(connection)


def test_an_empty_database_gets_every_migration(postgres: Postgres) -> None:
    """Each is recorded under its number."""
    upgrade(postgres)
    assert postgres.query(VERSIONS) == [(1,), (2,), (3,), (4,)]
    assert postgres.query("select count(*) from upload") == [(0,)]


def test_the_real_migrations_are_numbered_without_gap_or_repeat() -> None:
    """Two branches that add one each would otherwise go unnoticed."""
    numbers = [int(path.name[:4]) for path in sorted(schema.MIGRATIONS.iterdir())]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_migration_is_applied_once(postgres: Postgres) -> None:
    """However many containers start."""
    upgrade(postgres)
    before = postgres.query("select * from schema_version")
    upgrade(postgres)
    assert postgres.query("select * from schema_version") == before


def test_new_migrations_are_applied_in_order(postgres: Postgres, migrations: Path) -> None:
    """Each builds on those before it."""
    (migrations / "0001_a.sql").write_text("create table a (x integer);")
    upgrade(postgres)
    (migrations / "0003_c.sql").write_text("alter table b rename to c;")
    (migrations / "0002_b.sql").write_text("alter table a rename to b; alter table b add y integer;")
    upgrade(postgres)
    assert postgres.query(VERSIONS) == [(1,), (2,), (3,)]
    assert postgres.query("select x, y from c") == []


def test_a_newer_database_is_left_as_it_is(postgres: Postgres, migrations: Path) -> None:
    """The function's old version goes on while the new one rolls out."""
    newer = migrations / "0001_new.sql"
    newer.write_text("create table new (x integer);")
    upgrade(postgres)
    newer.unlink()
    upgrade(postgres)
    assert postgres.query(VERSIONS) == [(1,)]


def test_a_failed_migration_leaves_nothing_behind(postgres: Postgres, migrations: Path) -> None:
    """Neither of itself nor of those before it."""
    (migrations / "0001_a.sql").write_text("create table a (x integer);")
    (migrations / "0002_b.sql").write_text("create table b (x integer); select 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        upgrade(postgres)
    assert postgres.query("select tablename from pg_tables where schemaname = 'public'") == []


def test_containers_that_start_together_upgrade_once(postgres: Postgres, migrations: Path) -> None:
    """The advisory lock makes them wait for one another."""
    (migrations / "0001_a.sql").write_text("create table a (x integer); select pg_sleep(0.1);")
    with ThreadPoolExecutor() as containers:
        list(containers.map(upgrade, [postgres] * 4))
    assert postgres.query(VERSIONS) == [(1,)]


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'video'",
        "status = 'pending'",
        "status = 'error'",
        "error_code = 'not_xml'",
        "error_message = 'Not XML.'",
        "status = 'error', error_code = 'not_xml'",
    ],
)
def test_a_contradictory_upload_is_refused(postgres: Postgres, change: str) -> None:
    """An error has code and message, a success neither."""
    upgrade(postgres)
    postgres.query(
        "insert into upload (event_id, bucket, key, version_id, etag, size, kind, status, processed_at)"
        " values (gen_random_uuid(), 'b', 'k', 'v', 'e', 1, 'junit', 'success', now())"
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        postgres.query(f"update upload set {change}")


def test_what_hangs_on_an_upload_is_deleted_with_it(postgres: Postgres) -> None:
    """Its event, its run and its results; the test itself has results of other runs."""
    upgrade(postgres)
    upload, test = uuid4(), uuid4()
    postgres.query(
        f"""
        insert into upload (event_id, bucket, key, version_id, etag, size, kind, status, processed_at)
        values ('{upload}', 'b', 'k', 'v', 'e', 1, 'junit', 'success', now());
        insert into outbox (event_id, detail) values ('{upload}', '{{}}');
        insert into run (id, tests, passed, failed, error, skipped, flaky) values ('{upload}', 1, 1, 0, 0, 0, 0);
        insert into test (id, project, name) values ('{test}', 'shop', 'adds');
        insert into result (run_id, test_id, status, attempts) values ('{upload}', '{test}', 'passed', 1);
        delete from upload;
        """
    )
    left = "select event_id from outbox union all select id from run union all select run_id from result"
    assert postgres.query(left) == []
    assert postgres.query("select id from test") == [(test,)]
