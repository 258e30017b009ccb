"""The schema function: what Terraform invokes in a deploy."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest

from handler import schema_function
from handler.errors import SchemaMismatch
from handler.recording import schema
from handler.recording.reader import READER
from handler.recording.schema import MigrationFailed
from handler.schema_function import Unavailable, lambda_handler
from tests.handler.helpers.recorder import Recorder
from tests.handler.helpers.surroundings import Aws, Function, LambdaContext, Postgres, http_server, remaining
from tests.postgres import make_empty

PASSWORD = "the reader's \\ passwörd"
PARAMETER = "/tap/test/database/reader-password"

# All ids are behind it.
FIRST = "00000000-0000-0000-0000-000000000000"
FAILED = "<testcase name='adds'><failure message='7'/></testcase>"

Migrate = Callable[[], dict[str, Any]]


@pytest.fixture
def migrate(aws: Aws, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Migrate:
    """The function, invoked for a database without a schema and without a reader."""
    monkeypatch.setenv("DB_READER_PASSWORD_PARAM", PARAMETER)
    monkeypatch.setenv("TEXT_RETENTION", "30")
    monkeypatch.setattr(schema_function, "_PAUSE", 0.01)
    aws.put_parameter("reader-password", PASSWORD)
    with postgres.connect() as connection:
        if connection.execute("select 1 from pg_roles where rolname = %s", [READER]).fetchone():
            for privilege in ("usage on schemas", "select on tables"):
                connection.execute(f"alter default privileges revoke {privilege} from {READER}".encode())
            make_empty(connection)
            connection.execute(f"drop role {READER}")
        make_empty(connection)

    def migrate() -> dict[str, Any]:
        return lambda_handler({"migrate": True}, LambdaContext(milliseconds_left=remaining(seconds=900)))

    return migrate


@pytest.fixture
def connect(postgres: Postgres) -> Callable[..., psycopg.Connection[Any]]:
    """A connection of the reader."""

    def connect(password: str = PASSWORD) -> psycopg.Connection[Any]:
        server = postgres.server
        return psycopg.connect(
            host=server.hostname, port=server.port, user=READER, password=password, dbname="tap", autocommit=True
        )

    return connect


def test_it_says_what_it_did(migrate: Migrate) -> None:
    """And does nothing when it is asked again, as Terraform's provider may."""
    assert migrate() == {"version": 1, "applied": [1]}
    assert migrate() == {"version": 1, "applied": []}


def test_it_keeps_whose_folders_belong_to_which_roles(migrate: Migrate, postgres: Postgres) -> None:
    """As the last deploy said that named any, an empty list among them."""
    select = "select role, project from uploader order by role, project"
    context = LambdaContext(milliseconds_left=remaining(seconds=900))
    for uploaders, rows in [
        ({"tap-upload-b": ["web"], "tap-upload-a": ["shop", "api"]}, [("a", "api"), ("a", "shop"), ("b", "web")]),
        ({"tap-upload-a": ["shop"]}, [("a", "shop")]),
    ]:
        lambda_handler({"migrate": True, "uploaders": uploaders}, context)
        assert postgres.query(select) == [(f"tap-upload-{role}", project) for role, project in rows]
    migrate()
    assert postgres.query(select) == [("tap-upload-a", "shop")]
    lambda_handler({"migrate": True, "uploaders": {}}, context)
    assert postgres.query(select) == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"migrate": True, "uploaders": ["shop"]},
        {"migrate": False},
        {"migrate": True, "upkeep": True},
        {"find": {}},
        {"find": {"project": "shop", "upload": "3b241101-e2bb-4255-8caf-4136c566a962"}},
        {"find": {"project": "shop"}, "forget": []},
        {"find": {"upload": "shop"}},
        {"forget": "shop"},
        {"forget": ["shop"]},
        {"find_reports": {"project": "shop"}},
        {"find_reports": {"project": "shop", "after": None}},
        {"find_reports": {"project": "shop", "after": "shop"}},
        {"find_reports": {"upload": "shop", "after": FIRST}},
        {"find_reports": {"project": "shop", "after": FIRST}, "forget": []},
    ],
)
def test_any_other_event_is_refused(migrate: Migrate, event: dict[str, Any]) -> None:
    """Nothing is guessed where something may be removed."""
    with pytest.raises(ValueError, match=r"The schema function takes|badly formed hexadecimal UUID"):
        lambda_handler(event, LambdaContext())


class TestUpkeep:
    """The event {"upkeep": true}."""

    def test_it_says_what_it_removed(
        self, migrate: Migrate, postgres: Postgres, capsys: pytest.CaptureFixture[str], function: Function
    ) -> None:
        """In its answer, its log and its metrics."""
        migrate()
        with postgres.connect() as connection:
            recorder = Recorder(connection)
            for days_ago in (31, 91):
                run = recorder.record(FAILED, days_ago=days_ago)
                recorder.announce(run.id)
            connection.execute("update upload set processed_at = uploaded_at")
        removed = {"texts": 2, "uploads": 1, "tests": 0, "is_complete": True}
        assert lambda_handler({"upkeep": True}, LambdaContext(milliseconds_left=remaining(900))) == removed
        logged = function.log_entries[-1]
        assert {**logged, **removed, "message": "Upkeep is done"} == logged
        [emitted] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
        expected = {"RemovedTexts": [2], "RemovedUploads": [1], "RemovedTests": [0], "UpkeepComplete": [1]}
        assert {name: emitted[name] for name in expected} == expected
        assert emitted["environment"] == "test"

    def test_it_leaves_time_to_a_migration(
        self, migrate: Migrate, monkeypatch: pytest.MonkeyPatch, function: Function
    ) -> None:
        """Which waits for it; what is left is done on the next day."""
        migrate()
        monkeypatch.setattr(schema_function, "_UPKEEP", 0)
        answer = lambda_handler({"upkeep": True}, LambdaContext(milliseconds_left=remaining(900)))
        assert answer["is_complete"] is False
        assert function.log_entries[-1]["message"] == "Upkeep goes on tomorrow"

    @pytest.mark.usefixtures("migrate")
    def test_it_waits_for_a_deploy_of_its_package(self) -> None:
        """It knows the tables of its own version."""
        with pytest.raises(SchemaMismatch, match="has version 0, and the function needs 1"):
            lambda_handler({"upkeep": True}, LambdaContext(milliseconds_left=remaining(900)))


def test_uploads_are_found_and_forgotten(migrate: Migrate, postgres: Postgres, function: Function) -> None:
    """In two steps: whoever asks removes the objects in between."""
    migrate()
    with postgres.connect() as connection:
        recorder = Recorder(connection)
        run = recorder.record(FAILED)
        [(version_id,)] = recorder.query("select version_id from upload")
    upload = {"event_id": str(run.id), "bucket": "uploads", "key": "report.xml", "version_id": version_id}
    context = LambdaContext(milliseconds_left=remaining(900))
    for wanted in ({"project": "shop"}, {"upload": str(run.id)}):
        assert lambda_handler({"find": wanted}, context) == {"uploads": [upload], "count": 1}
    assert lambda_handler({"forget": [str(run.id)]}, context) == {"uploads": 1, "is_complete": True}
    assert function.log_entries[-1]["event_ids"] == [str(run.id)]
    assert lambda_handler({"find": {"project": "shop"}}, context) == {"uploads": [], "count": 0}


def test_reports_are_found(migrate: Migrate, postgres: Postgres) -> None:
    """A page after the other."""
    migrate()
    with postgres.connect() as connection:
        event_id = str(Recorder(connection).record(FAILED).id)
    context = LambdaContext(milliseconds_left=remaining(900))
    for wanted in ({"project": "shop"}, {"upload": event_id}):
        first = lambda_handler({"find_reports": {**wanted, "after": FIRST}}, context)
        assert ([upload["event_id"] for upload in first["uploads"]], first["count"]) == ([event_id], 1)
        assert lambda_handler({"find_reports": {**wanted, "after": event_id}}, context) == {"uploads": [], "count": 0}


def test_the_reader_may_look_at_everything(
    migrate: Migrate, postgres: Postgres, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    """Tables and views, also those that a later migration makes."""
    migrate()
    postgres.query("create table later (x integer)")
    with connect() as reader:
        tables = reader.execute(
            "select concat_ws('.', nspname, relname) from pg_class join pg_namespace n on n.oid = relnamespace"
            " where nspname in ('public', 'history') and relkind in ('r', 'v', 'p')"
        ).fetchall()
        assert {("public.later",), ("public.run_summary",), ("history.plane",)} <= set(tables)
        for (table,) in tables:
            reader.execute(f"select from {table}")


@pytest.mark.security
@pytest.mark.parametrize(
    "statement",
    [
        "insert into invalid_message values ('a', 'b')",
        "update upload set key = key",
        "delete from upload",
        "truncate upload",
        "select * from upload for update",
        "create table a (x integer)",
        "create temporary table a (x integer)",
        "create schema a",
        "create role a",
        "alter role tap_reader connection limit 1000",
        "drop table upload",
        "copy upload to program 'cat'",
        "copy upload to '/tmp/upload'",
        "select pg_read_file('PG_VERSION')",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tap'",
    ],
)
def test_the_reader_may_do_nothing_else(
    migrate: Migrate, connect: Callable[..., psycopg.Connection[Any]], postgres: Postgres, statement: str
) -> None:
    """Though it leaves the read-only mode, which any session may."""
    migrate()
    with connect() as reader, postgres.connect():
        reader.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement)


def test_the_reader_is_limited(migrate: Migrate, connect: Callable[..., psycopg.Connection[Any]]) -> None:
    """To short statements, to reading, and to connections that leave enough for others."""
    migrate()
    with connect() as reader:
        settings = ("default_transaction_read_only", "statement_timeout", "idle_in_transaction_session_timeout")
        values = [reader.execute("select current_setting(%s)", [name]).fetchone() for name in settings]
        assert values == [("on",), ("10s",), ("1min",)]
        limit = reader.execute("select rolconnlimit from pg_roles where rolname = %s", [READER]).fetchone()
        assert limit == (20,)


def test_the_readers_password_is_rotated(
    migrate: Migrate, aws: Aws, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    """The next invocation takes it from Parameter Store."""
    migrate()
    aws.put_parameter("reader-password", "rotated")
    migrate()
    connect("rotated").close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect()


@pytest.mark.security
def test_the_server_is_never_told_the_readers_password(
    migrate: Migrate, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It logs every statement that fails."""
    monkeypatch.setattr("handler.recording.reader._CONNECTIONS", -2)
    begin = postgres.server.log.stat().st_size
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        migrate()
    log = postgres.server.log.read_bytes()[begin:].decode()
    assert "-2 password 'SCRAM-SHA-256$" in log
    assert "passw\u00f6rd" not in log


def test_a_failed_migration_fails_the_invocation(
    migrate: Migrate, connect: Callable[..., psycopg.Connection[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its sentence, which the deploy ends with. The reader has its password all the same: the old one is gone."""
    (tmp_path / "0001_broken.sql").write_text("-- oldest function: 1\nselect 1 / 0;")
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path)
    with pytest.raises(MigrationFailed, match=r"Migration 0001_broken\.sql failed: division by zero"):
        migrate()
    connect().close()


@pytest.mark.parametrize("missing", ["password", "reader-password"])
def test_what_is_not_there_yet_is_waited_for(migrate: Migrate, aws: Aws, missing: str) -> None:
    """IAM and Parameter Store need a minute until everybody knows what was changed."""
    value = aws.get_parameter(missing)
    aws.delete_parameter(missing)
    timer = threading.Timer(0.5, aws.put_parameter, [missing, value])
    timer.start()
    assert migrate()["applied"] == [1]
    timer.join()


def test_a_password_that_is_not_in_force_yet_is_waited_for(migrate: Migrate, aws: Aws, postgres: Postgres) -> None:
    """RDS changes it some seconds after it was told."""
    aws.put_parameter("password", "rotated")
    timer = threading.Timer(0.5, postgres.set_password, ["rotated"])
    timer.start()
    assert migrate()["applied"] == [1]
    timer.join()


def test_what_does_not_come_is_given_up(migrate: Migrate, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason."""
    monkeypatch.setattr(schema_function, "_PATIENCE", 0)
    aws.delete_parameter("reader-password")
    with pytest.raises(Unavailable, match=f"cannot be reached: Parameter Store does not hold {PARAMETER}"):
        migrate()


def test_settings_that_the_reader_changed_are_taken_back(
    migrate: Migrate, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    """A role may change its own."""
    migrate()
    with connect() as reader:
        reader.execute("set default_transaction_read_only = off")
        reader.execute("alter role tap_reader set work_mem = '1GB'")
        reader.execute("alter role tap_reader set statement_timeout = 0")
    migrate()
    with connect() as reader:
        values = [
            reader.execute("select current_setting(%s)", [it]).fetchone() for it in ("work_mem", "statement_timeout")
        ]
        assert values == [("4MB",), ("10s",)]


def test_a_role_that_iam_does_not_know_yet_is_waited_for(migrate: Migrate, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a minute after it was made, AWS may answer so."""
    emulator = os.environ["AWS_ENDPOINT_URL"]
    refusals = iter(range(3))

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = 400, b'{"__type": "AccessDeniedException", "message": "not authorized"}'
            if next(refusals, None) is None:
                request = urllib.request.Request(emulator, body, dict(self.headers))
                with urllib.request.urlopen(request) as forwarded:
                    status, answer = forwarded.status, forwarded.read()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Keeps the tests' output clean."""

    with http_server(Refusing) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", url)
        assert migrate()["applied"] == [1]
    assert next(refusals, None) is None
