"""The versioned schema of the database: how migrations are applied, while functions go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest

from handler.errors import SchemaMismatch
from handler.processing import Processor
from handler.recording import schema
from handler.recording.schema import Migration, MigrationFailed
from tests.handler.helpers.surroundings import Aws, Function, Postgres, message, upload_of
from tests.postgres import make_empty, migrate

VERSIONS = "select version, oldest_function from schema_version order by version"
TABLES = "select relname from pg_class join pg_namespace n on n.oid = relnamespace where nspname = 'public' order by 1"


@pytest.fixture
def connection(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """Of the schema function's kind, to a database without a schema."""
    with postgres.connect() as connection:
        make_empty(connection)
        yield connection


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Adds a migration, by its number, to an empty folder in place of the real one."""
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path)

    def add(version: int, statements: str, *, oldest_function: int = 1, outside: bool = False) -> None:
        first_lines = [f"-- oldest function: {oldest_function}", *(["-- outside a transaction"] if outside else [])]
        (tmp_path / f"{version:04}_test.sql").write_text("\n".join([*first_lines, statements]))

    return add


@pytest.fixture
def add_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, add: Callable[..., None]) -> Callable[..., None]:
    """Adds one after the real ones, of which the database has all."""
    for path in Path(schema.__file__).with_name("migrations").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())

    def add_next(statements: str, **named: Any) -> None:
        add(schema.package_version() + 1, statements, **named)

    return add_next


def wait_until(condition: Callable[[], object]) -> None:
    """A minute is what no machine needs, and keeps a failing test from hanging."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def waiting(postgres: Postgres, query: str) -> bool:
    """Whether a session waits in a statement that begins like this."""
    [(sessions,)] = postgres.query(
        "select count(*) from pg_stat_activity"
        f" where query like '{query}%' and wait_event_type in ('Lock', 'Timeout') and pid <> pg_backend_pid()"
    )
    return bool(sessions)


def test_an_empty_database_gets_every_migration(connection: psycopg.Connection[Any]) -> None:
    """Each is recorded under its number, with the oldest function that it leaves working."""
    assert migrate(connection) == [1]
    assert connection.execute(VERSIONS).fetchall() == [(1, 1)]
    assert connection.execute("select count(*) from upload").fetchone() == (0,)


def test_the_real_migrations_are_numbered_without_gap_or_repeat() -> None:
    """Two branches that add one each would otherwise go unnoticed. No function is newer than what it needs."""
    migrations = [Migration.read(path) for path in sorted(schema.MIGRATIONS.iterdir())]
    assert [migration.version for migration in migrations] == list(range(1, len(migrations) + 1))
    assert [migration for migration in migrations if migration.oldest_function > migration.version] == []


def test_a_migration_says_which_functions_it_leaves_working(tmp_path: Path) -> None:
    """Or nobody would have thought about it."""
    (tmp_path / "0001_silent.sql").write_text("create table a (x integer);")
    with pytest.raises(ValueError, match=r"0001_silent.sql does not begin with `-- oldest function: N`"):
        Migration.read(tmp_path / "0001_silent.sql")


def test_a_migration_is_applied_once(connection: psycopg.Connection[Any]) -> None:
    """However often the function is invoked."""
    migrate(connection)
    before = connection.execute("select * from schema_version").fetchall()
    assert migrate(connection) == []
    assert connection.execute("select * from schema_version").fetchall() == before


def test_a_failed_migration_leaves_nothing_of_itself(
    connection: psycopg.Connection[Any], add: Callable[..., None]
) -> None:
    """And those before it are kept. The sentence names the file, and quotes no row."""
    add(1, "create table a (x integer unique); insert into a values (4711);")
    add(2, "create table b (x integer); insert into a values (4711);")
    with pytest.raises(MigrationFailed) as failure:
        migrate(connection)
    assert str(failure.value) == (
        'Migration 0002_test.sql failed: duplicate key value violates unique constraint "a_x_key" (SQLSTATE 23505);'
        " nothing of it is left in the database, and the functions are as they were: mend it and deploy again."
    )
    assert connection.execute(TABLES).fetchall() == [
        ("a",),
        ("a_x_key",),
        ("schema_version",),
        ("schema_version_pkey",),
    ]
    assert connection.execute(VERSIONS).fetchall() == [(1, 1)]
    add(2, "create table b (x integer);")
    assert migrate(connection) == [2]


def test_a_failure_says_if_an_earlier_migration_outdates_the_functions(
    connection: psycopg.Connection[Any], add: Callable[..., None]
) -> None:
    """They do not go on until a deploy succeeds."""
    add(1, "create table a (x integer);")
    migrate(connection)
    add(2, "drop table a;", oldest_function=2)
    add(3, "select 1 / 0;")
    with pytest.raises(
        MigrationFailed, match=r"and the functions give their messages back since 0002_test.sql: mend it"
    ):
        migrate(connection)


def test_a_migration_stands_back_from_a_deadlock(
    postgres: Postgres, connection: psycopg.Connection[Any], add: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a function that takes the same tables in another order."""
    monkeypatch.setattr(schema, "_PAUSE", 0.05)
    monkeypatch.setattr(schema, "_LOCK_TIMEOUT", "0")
    add(1, "create table a (x integer); create table b (x integer);")
    migrate(connection)
    # The server breaks a deadlock at the session that waited for a second first: the migration's.
    add(2, "alter table a add column y integer; alter table b add column y integer;")
    with ThreadPoolExecutor() as threads, postgres.connect() as recording:
        with recording.transaction():
            recording.execute("insert into b values (1)")
            migration = threads.submit(migrate, connection)
            wait_until(lambda: waiting(postgres, "-- oldest function"))
            recording.execute("insert into a values (1)")
        assert migration.result() == [2]


def test_invocations_at_once_migrate_once(
    postgres: Postgres, connection: psycopg.Connection[Any], add: Callable[..., None]
) -> None:
    """The provider of Terraform may repeat one. They wait for each other, and each succeeds."""
    add(1, "create table a (x integer); select pg_sleep(0.1);")

    def invoke(_: int) -> list[int]:
        with postgres.connect() as own:
            return migrate(own)

    with ThreadPoolExecutor() as invocations:
        assert sorted(invocations.map(invoke, range(4))) == [[], [], [], [1]]


def test_whoever_waits_too_long_for_another_gives_up(postgres: Postgres, connection: psycopg.Connection[Any]) -> None:
    """With a sentence, before Lambda ends it."""
    with (
        postgres.connect() as other,
        schema.alone(other, lambda: 60),
        pytest.raises(MigrationFailed, match=r"Another migration is still under way \(session \d+ tap test\)"),
        schema.alone(connection, lambda: 0),
    ):
        pass


def test_a_migration_that_takes_too_long_is_given_up(
    postgres: Postgres, connection: psycopg.Connection[Any], add: Callable[..., None]
) -> None:
    """By the server, so that the function can still say so: all statements together count."""
    add(1, "create table a (x integer);" + "select pg_sleep(0.6);" * 100)
    with pytest.raises(
        MigrationFailed, match=r"0001_test.sql failed: terminating connection due to transaction timeout"
    ):
        schema.migrate(connection, lambda: 1)
    assert postgres.query(TABLES) == [("schema_version",), ("schema_version_pkey",)]


def test_an_index_that_takes_too_long_is_given_up(
    postgres: Postgres, connection: psycopg.Connection[Any], add: Callable[..., None]
) -> None:
    """So is what stands outside a transaction."""
    add(1, "create table a (x integer);")
    migrate(connection)
    add(2, "create index concurrently if not exists slow on a (x);", outside=True)
    with postgres.connect() as recording, recording.transaction():
        recording.execute("lock table a in row exclusive mode")
        with pytest.raises(
            MigrationFailed, match=r"0002_test.sql failed: canceling statement due to statement timeout"
        ):
            schema.migrate(connection, lambda: 0.2)
    assert connection.execute("show statement_timeout").fetchone() == ("0",)


def test_a_migration_whose_connection_is_cut_is_rolled_back(
    postgres: Postgres, connection: psycopg.Connection[Any], add: Callable[..., None]
) -> None:
    """As by a failover."""
    add(1, "create table a (x integer); select pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(MigrationFailed, match=r"0001_test.sql failed: terminating connection"):
        migrate(connection)
    with postgres.connect() as another:
        add(1, "create table a (x integer);")
        assert migrate(another) == [1]


def test_a_migration_stands_back_from_a_table_in_use(
    postgres: Postgres,
    connection: psycopg.Connection[Any],
    add_next: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever comes after it waits for it: so it waits for moments only, until the table is free."""
    monkeypatch.setattr(schema, "_PAUSE", 0.05)
    monkeypatch.setattr(schema, "_LOCK_TIMEOUT", "50ms")
    migrate(connection)
    add_next("alter table upload add column extra text;")
    with ThreadPoolExecutor() as threads, postgres.connect() as recording:
        with recording.transaction():
            recording.execute("lock table upload in row exclusive mode")
            migration = threads.submit(migrate, connection)
            wait_until(lambda: waiting(postgres, "-- oldest function"))
            # Behind the migration, which waits for the first one.
            postgres.query("update upload set key = key")
            assert not migration.done()
        assert migration.result() == [2]


def test_a_table_that_stays_in_use_is_given_up(
    postgres: Postgres, connection: psycopg.Connection[Any], add: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason."""
    monkeypatch.setattr(schema, "_LOCK_TIMEOUT", "1ms")
    add(1, "create table a (x integer);")
    migrate(connection)
    add(2, "alter table a add column y integer;")
    with postgres.connect() as recording, recording.transaction():
        recording.execute("lock table a in row exclusive mode")
        with pytest.raises(MigrationFailed, match=r"0002_test.sql failed: canceling statement due to lock timeout"):
            schema.migrate(connection, lambda: 0.5)


def test_an_index_is_built_while_others_wait_for_their_turn(
    postgres: Postgres, connection: psycopg.Connection[Any], add_next: Callable[..., None]
) -> None:
    """It waits for open transactions, and no other invocation may be one of them."""
    migrate(connection)
    add_next("create index concurrently by_size on upload (size);", outside=True)
    with ThreadPoolExecutor() as threads, postgres.connect() as second:
        with postgres.connect() as open_one, open_one.transaction():
            open_one.execute("insert into invalid_message values ('a', 'b')")
            open_one.execute("lock table upload in row exclusive mode")
            first = threads.submit(migrate, connection)
            wait_until(lambda: waiting(postgres, "-- oldest function"))
            other = threads.submit(migrate, second)
            time.sleep(0.2)
            assert not first.done()
        assert (first.result(), other.result()) == ([2], [])
    assert postgres.query("select indisvalid from pg_index where indexrelid = 'by_size'::regclass") == [(True,)]


def test_an_index_that_failed_half_way_is_built_anew(
    postgres: Postgres, connection: psycopg.Connection[Any], add: Callable[..., None]
) -> None:
    """PostgreSQL leaves it there, invalid, and `if not exists` takes it for built."""
    add(1, "create table a (x integer); insert into a values (1), (1);")
    add(2, "create unique index concurrently if not exists only_once on a (x);", outside=True)
    with pytest.raises(MigrationFailed, match=r"could not create unique index .*what it left is removed next time"):
        migrate(connection)
    assert postgres.query("select indisvalid from pg_index where indexrelid = 'only_once'::regclass") == [(False,)]
    postgres.query("delete from a")
    assert migrate(connection) == [2]
    assert postgres.query("select indisvalid from pg_index where indexrelid = 'only_once'::regclass") == [(True,)]


def test_an_invalid_index_of_somebody_else_is_left_alone(
    postgres: Postgres, connection: psycopg.Connection[Any], add: Callable[..., None]
) -> None:
    """An operator may be building it at this moment."""
    add(1, "create table a (x integer); insert into a values (1), (1);")
    migrate(connection)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("create unique index concurrently operators on a (x)")
    add(2, "create index concurrently if not exists ours on a (x);", outside=True)
    assert migrate(connection) == [2]
    invalid = "select indexrelid::regclass::text from pg_index where not indisvalid"
    assert postgres.query(invalid) == [("operators",)]


@pytest.mark.parametrize(
    ("versions", "package", "reason"),
    [
        ([(1, 1), (2, 1)], 2, None),
        ([(1, 1), (2, 1), (3, 2)], 2, None),
        ([(1, 1)], 2, "has version 1, and the function needs 2: deploy the environment"),
        ([], 2, "has version 0, and the function needs 2"),
        (
            [(1, 1), (2, 1), (3, 3)],
            2,
            "has version 3, which works with functions from version 3 on, and this one has 2",
        ),
    ],
    ids=["as deployed", "newer, and works", "older", "none", "newer, and outdates the function"],
)
def test_a_function_works_with_some_schemas(
    connection: psycopg.Connection[Any],
    add: Callable[..., None],
    versions: list[tuple[int, int]],
    package: int,
    reason: str | None,
) -> None:
    """Its own, and newer ones whose migrations leave it working."""
    for version, oldest_function in versions:
        add(version, "", oldest_function=oldest_function)
    migrate(connection)
    for version in range(1, 4):
        (schema.MIGRATIONS / f"{version:04}_test.sql").unlink(missing_ok=True)
    add(package, "")
    if reason is None:
        schema.require(connection, schema.package_version())
    else:
        with pytest.raises(SchemaMismatch, match=reason):
            schema.require(connection, schema.package_version())


def test_a_package_that_the_schema_has_left_behind_is_not_deployed(
    connection: psycopg.Connection[Any], add: Callable[..., None]
) -> None:
    """Its other functions would give every message back."""
    add(1, "")
    add(2, "create table a (x integer);", oldest_function=2)
    migrate(connection)
    (schema.MIGRATIONS / "0002_test.sql").unlink()
    with pytest.raises(
        MigrationFailed, match="works with packages from version 2 on, and this one has 1: deploy a newer"
    ):
        migrate(connection)


def test_without_a_schema_messages_are_given_back(
    aws: Aws, postgres: Postgres, connection: psycopg.Connection[Any], function: Function
) -> None:
    """The log says why, and what to do; nothing is lost."""
    delivery = message(aws.upload())
    assert function.invoke(delivery) == [delivery["messageId"]]
    assert function.log_entries[-1]["reason"].startswith(
        "The database's schema has version 0, and the function needs 1"
    )
    migrate(connection)
    assert function.invoke(delivery) == []


def test_a_warm_function_notices_a_schema_that_outdates_it(aws: Aws, postgres: Postgres, function: Function) -> None:
    """On the connection that it has."""
    assert function.invoke(message(aws.upload("a.xml"))) == []
    postgres.query("insert into schema_version values (2, 2)")
    delivery = message(aws.upload("b.xml"))
    assert function.invoke(delivery) == [delivery["messageId"]]
    assert "which works with functions from version 2 on" in function.log_entries[-1]["reason"]
    postgres.query("delete from schema_version where version = 2")
    assert function.invoke(delivery) == []


def test_uploads_go_on_while_the_schema_is_migrated(
    aws: Aws,
    postgres: Postgres,
    processor: Processor,
    other_processor: Processor,
    add_next: Callable[..., None],
) -> None:
    """By old functions: before it, while it rewrites what is there, and on the new schema. None fails."""
    migrated = Event()
    # What the migration made for this test does, a real one does for minutes.
    statements = "alter table upload add column extra uuid default gen_random_uuid(); select pg_sleep(1);"

    def process(container: Processor, name: str) -> int:
        after = count()
        for number in count():
            assert container.process(upload_of(aws.upload(f"{name}-{number}.xml")))
            if migrated.is_set() and next(after) == 5:
                return number + 1
        raise AssertionError

    with ThreadPoolExecutor() as containers:
        writers = [containers.submit(process, processor, "a"), containers.submit(process, other_processor, "b")]
        try:
            wait_until(lambda: postgres.query("select 1 from upload") or any(writer.done() for writer in writers))
            add_next(statements)
            with postgres.connect() as connection:
                assert migrate(connection) == [2]
        finally:
            migrated.set()
        written = [writer.result() for writer in writers]
    assert postgres.query("select count(*), count(sent_at) from upload join outbox using (event_id)") == [
        (sum(written), sum(written))
    ]


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
    postgres.query(
        "insert into upload (event_id, bucket, key, version_id, etag, size, kind, project, uploaded_at, status,"
        " processed_at) values (gen_random_uuid(), 'b', 'k', 'v', 'e', 1, 'junit', 'shop', now(), 'success', now())"
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        postgres.query(f"update upload set {change}")
