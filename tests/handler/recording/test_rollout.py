"""A new version of the function rolls out: the schema is upgraded while the old version goes on."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb

from handler.notifications import Upload
from handler.processing import Processor
from handler.recording import database, schema
from tests.handler.helpers.surroundings import Aws, Function, Postgres, message, refuse, upload_of, wait_for_a_lock

UPLOADED_AT = datetime(2026, 11, 23, tzinfo=UTC)
UPLOADS = "select key, status, sent_at is not null from upload join outbox using (event_id) order by key"


class Version1:
    """What the function did to a database of version 1, statement by statement."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def process(self, upload: Upload, put: Callable[[dict[str, Any]], None]) -> None:
        if not self.is_recorded(upload):
            self.record(upload)
        self.send_event(upload, put)

    def is_recorded(self, upload: Upload) -> bool:
        query = "select 1 from upload where event_id = %s"
        return self._connection.execute(query, [upload.event_id]).fetchone() is not None

    def record(self, upload: Upload) -> None:
        with self._connection.transaction():
            self._connection.execute(
                """
                insert into upload (event_id, bucket, key, version_id, etag, size, kind,
                                    status, error_code, error_message, processed_at)
                values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                on conflict do nothing
                """,
                [
                    upload.event_id,
                    upload.bucket,
                    upload.key,
                    upload.version_id,
                    upload.etag,
                    upload.size,
                    upload.kind,
                    "success",
                    None,
                    None,
                    datetime.now(UTC),
                ],
            )
            detail = {"event_id": str(upload.event_id), "status": "success", "kind": upload.kind}
            self._connection.execute(
                "insert into outbox (event_id, detail) values (%s, %s) on conflict do nothing",
                [upload.event_id, Jsonb(detail)],
            )

    def send_event(self, upload: Upload, put: Callable[[dict[str, Any]], None]) -> None:
        with self._connection.transaction():
            row = self._connection.execute(
                "select detail from outbox where event_id = %s and sent_at is null for update",
                [upload.event_id],
            ).fetchone()
            if row is None:
                return
            put(row[0])
            self._connection.execute(
                "update outbox set sent_at = clock_timestamp() where event_id = %s", [upload.event_id]
            )


@pytest.fixture
def version_1(postgres: Postgres, tmp_path: Path) -> Iterator[Version1]:
    """The old version of the function, connected to a database that no newer one has seen."""
    shutil.copy(schema.MIGRATIONS / "0001_uploads_and_outbox.sql", tmp_path)
    with postgres.connect() as connection:
        with pytest.MonkeyPatch.context() as old:
            old.setattr(schema, "MIGRATIONS", tmp_path)
            schema.upgrade(connection)
        yield Version1(connection)


def new_upload(key: str = "old.xml") -> Upload:
    return Upload(bucket="uploads", key=key, version_id="v1", etag="e", size=1, uploaded_at=UPLOADED_AT)


def ignore(detail: dict[str, Any]) -> None:
    """Stands for a bus of no interest."""


def test_an_upgrade_keeps_what_the_old_version_recorded(postgres: Postgres, version_1: Version1) -> None:
    """What the old version did not know of it stays unknown."""
    version_1.process(new_upload("sent.xml"), ignore)
    version_1.record(new_upload("unsent.xml"))
    columns = "event_id, bucket, key, version_id, etag, size, kind, status, processed_at, detail, sent_at"
    query = f"select {columns} from upload join outbox using (event_id) order by key"
    before = postgres.query(query)
    with postgres.connect() as connection:
        schema.upgrade(connection)
    assert postgres.query(query) == before
    assert postgres.query("select distinct project, branch, commit, build_url, uploaded_at from upload") == [
        (None, None, None, None, None)
    ]


def test_the_old_version_goes_on_after_the_upgrade(postgres: Postgres, version_1: Version1) -> None:
    """On the connection that it has, with all of its statements."""
    # More often than psycopg waits before it prepares a statement.
    earlier, later = ([new_upload(f"{when}-{number}.xml") for number in range(6)] for when in ("a", "b"))
    for upload in earlier:
        version_1.process(upload, ignore)
    with postgres.connect() as connection:
        schema.upgrade(connection)
    for upload in later:
        version_1.process(upload, ignore)
        version_1.process(upload, refuse)
    assert postgres.query(UPLOADS) == [(upload.key, "success", True) for upload in earlier + later]


def test_the_new_version_announces_what_the_old_one_recorded(
    aws: Aws, postgres: Postgres, version_1: Version1, function: Function
) -> None:
    """As it was recorded, and once; it has no results to announce."""
    record = aws.upload()
    version_1.record(upload_of(record))
    assert function.invoke(message(record), message(record)) == []
    assert [event["detail"] for event in aws.events()] == [
        {"event_id": str(upload_of(record).event_id), "status": "success", "kind": "junit"}
    ]
    assert postgres.query(UPLOADS) == [("shop/report.xml", "success", True)]
    assert postgres.query("select id from run") == []


def test_neither_version_repeats_what_the_other_has_done(aws: Aws, version_1: Version1, processor: Processor) -> None:
    """A message may be delivered to both."""
    by_old, by_new = upload_of(aws.upload("a.xml")), upload_of(aws.upload("b.xml"))
    version_1.process(by_old, ignore)
    assert processor.process(by_old) is None
    assert processor.process(by_new)
    assert version_1.is_recorded(by_new)
    version_1.record(by_new)
    version_1.send_event(by_new, refuse)


def test_uploads_go_on_while_the_schema_is_upgraded(postgres: Postgres, version_1: Version1) -> None:
    """None is lost, and none fails: they wait."""
    upgraded = Event()
    written: list[list[str]] = [[], [], []]

    def write(container: int) -> None:
        with postgres.connect() as connection:
            connection.execute(f"set lock_timeout = {database.SERVER_TIMEOUTS['lock_timeout']}")
            old = Version1(connection)
            after = count()
            for number in count():
                upload = new_upload(f"{container}-{number:04}.xml")
                old.process(upload, ignore)
                written[container].append(upload.key)
                if upgraded.is_set() and next(after) == 5:
                    return

    with ThreadPoolExecutor() as containers:
        writers = [containers.submit(write, container) for container in range(3)]
        while min(map(len, written)) < 5 and not any(writer.done() for writer in writers):
            pass
        try:
            with postgres.connect() as connection:
                schema.upgrade(connection)
        finally:
            upgraded.set()
        for writer in writers:
            writer.result()
    assert postgres.query("select max(version) from schema_version") == [(4,)]
    assert postgres.query(UPLOADS) == [(key, "success", True) for key in sorted(chain(*written))]


def test_an_upgrade_waits_for_uploads_that_are_being_written(
    aws: Aws, postgres: Postgres, version_1: Version1, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for ever: the message comes again, and nothing of the upgrade was kept."""
    monkeypatch.setitem(database.SERVER_TIMEOUTS, "lock_timeout", 100)
    delivery = message(aws.upload())
    with version_1._connection.transaction():
        version_1.record(new_upload())
        assert function.invoke(delivery) == [delivery["messageId"]]
    assert function.log_entries[-1]["reason"] == psycopg.errors.LockNotAvailable.sqlstate
    assert postgres.query("select max(version) from schema_version") == [(1,)]
    assert function.invoke(delivery) == []
    assert postgres.query(UPLOADS) == [("old.xml", "success", False), ("shop/report.xml", "success", True)]


def test_both_versions_at_the_same_moment_have_one_effect(
    aws: Aws, postgres: Postgres, version_1: Version1, processor: Processor
) -> None:
    """The new one waits until the old one has written, and sends what that wrote."""
    upload = upload_of(aws.upload())
    processor.process(upload_of(aws.upload("first.txt")))
    aws.events()
    with ThreadPoolExecutor() as containers:
        with version_1._connection.transaction():
            version_1.record(upload)
            new = containers.submit(processor.process, upload)
            wait_for_a_lock(postgres, new)
        assert new.result()
    version_1.send_event(upload, refuse)
    assert [event["detail"] for event in aws.events()] == [
        {"event_id": str(upload.event_id), "status": "success", "kind": "junit"}
    ]
    assert postgres.query("select id from run") == []
