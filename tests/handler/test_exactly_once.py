"""One upload has one effect, however often, in whatever order and wherever it is delivered."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest
from botocore.exceptions import ClientError

from handler.announcing import outbox
from handler.announcing.event import object_processed
from handler.errors import NotXml
from handler.origin import Origin
from handler.outcome import Faulty
from handler.processing import Processor
from handler.recording import uploads
from tests.handler.helpers.surroundings import (
    Aws,
    Function,
    InterruptedPublisher,
    InterruptedStorage,
    Postgres,
    message,
    record_only,
    report,
    upload_of,
)

SENT = "select sent_at is not null from outbox"
RECORDED = "select key, tests, sent_at is not null from upload join run on id = event_id join outbox using (event_id)"
RESULTS = "select count(*), count(distinct test_id), (select count(*) from test) from result"


def test_a_redelivered_upload_is_announced_once(aws: Aws, postgres: Postgres, function: Function) -> None:
    """S3 and SQS both may deliver more than once."""
    record = aws.upload()
    assert function.invoke(message(record), message(record)) == []
    assert function.invoke(message(record)) == []
    assert postgres.query("select count(*) from upload") == [(1,)]
    assert len(aws.events()) == 1
    assert [entry["message"] for entry in function.log_entries] == [
        "Upload processed",
        "Upload was processed before",
        "Upload was processed before",
    ]


def test_a_redelivered_upload_is_not_asked_for_again(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """The record stands, even if object and bucket were deleted after it."""
    upload = upload_of(aws.upload())
    processor.process(upload)
    aws.client("s3").delete_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)
    aws.client("s3").delete_bucket(Bucket=upload.bucket)
    assert processor.process(upload) is None
    assert postgres.query(RECORDED) == [("shop/report.xml", 1, True)]


def test_a_failure_before_the_record_leaves_nothing_behind(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """The next delivery starts from the beginning."""
    processor.process(upload_of(aws.upload("other.xml")))
    upload = upload_of(aws.upload())
    elsewhere = dataclasses.replace(upload, bucket="no-such-bucket")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        processor.process(elsewhere)
    assert postgres.query("select key from upload") == [("other.xml",)]


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param("type test_status", id="preparing the copy"),
        pytest.param("table history.test", id="numbering new tests"),
        pytest.param("table history.plane", id="writing the outcomes"),
        pytest.param("table history.run", id="writing the run"),
        pytest.param("table outbox", id="writing the event"),
    ],
)
def test_a_failure_within_the_record_leaves_nothing_behind(
    lost: str, aws: Aws, postgres: Postgres, processor: Processor
) -> None:
    """At whatever step; the next delivery does all of it."""
    processor.process(upload_of(aws.upload("first.txt")))
    upload = upload_of(aws.upload(content=report(cases=3)))
    kind, name = lost.split()
    schema, dot, bare = name.rpartition(".")
    postgres.query(f"alter {lost} rename to elsewhere")
    with pytest.raises((psycopg.errors.UndefinedTable, psycopg.errors.UndefinedObject)):
        processor.process(upload)
    postgres.query(f"alter {kind} {schema}{dot}elsewhere rename to {bare}")
    assert postgres.query("select key from upload") == [("first.txt",)]
    assert postgres.query("select event_id from outbox where sent_at is null") == []
    assert postgres.query("select id from run union all select run_id from result union all select id from test") == []
    processor.process(upload)
    assert postgres.query(RECORDED) == [("shop/report.xml", 3, True)]
    assert postgres.query(RESULTS) == [(3, 3, 3)]
    assert len(aws.events()) == 2


@pytest.mark.parametrize("cases", [3, 3_000])
def test_a_connection_dropped_in_the_middle_of_the_results_leaves_nothing_behind(
    cases: int, aws: Aws, postgres: Postgres, processor: Processor
) -> None:
    """The same container records all of it at the next delivery."""
    upload = upload_of(aws.upload(content=report(cases)))
    interrupted = dataclasses.replace(
        processor, storage=InterruptedStorage(processor.storage, postgres.cut_connections)
    )
    with pytest.raises(psycopg.OperationalError):
        interrupted.process(upload)
    assert postgres.query("select event_id from upload union all select id from test") == []
    processor.process(upload)
    assert postgres.query(RECORDED) == [("shop/report.xml", cases, True)]
    assert postgres.query(RESULTS) == [(cases, cases, cases)]
    assert len(aws.events()) == 1


def test_a_failure_after_the_record_leaves_the_event_to_be_sent(
    aws: Aws, postgres: Postgres, processor: Processor
) -> None:
    """The next delivery sends what was recorded, and nothing newer."""
    upload = upload_of(aws.upload())
    aws.delete_bus()
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        processor.process(upload)
    [(recorded, sent_at)] = postgres.query("select detail, sent_at from outbox")
    assert sent_at is None
    aws.create_bus()
    again = processor.process(upload)
    assert again
    assert object_processed(again, processor.results_address).detail == recorded
    assert [event["detail"] for event in aws.events()] == [recorded]
    assert postgres.query(SENT) == [(True,)]


def test_a_failure_after_the_event_sends_it_again_under_the_same_id(
    aws: Aws, postgres: Postgres, processor: Processor
) -> None:
    """Nobody can know whether it arrived; consumers drop the repeat by its id."""
    upload = upload_of(aws.upload())
    interrupted = dataclasses.replace(
        processor, publisher=InterruptedPublisher(processor.publisher, postgres.cut_connections)
    )
    with pytest.raises(psycopg.OperationalError):
        interrupted.process(upload)
    assert postgres.query(SENT) == [(False,)]
    processor.process(upload)
    assert [event["detail"]["event_id"] for event in aws.events()] == [str(upload.event_id)] * 2
    assert postgres.query(SENT) == [(True,)]


def test_the_first_record_stands(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """Of two deliveries that judge an upload differently, one decides for the row and for the event."""
    upload = upload_of(aws.upload())
    record_only(processor, upload)
    connection = processor.database.connected()
    recorded = uploads.record(connection, upload, Origin(project="shop"), Faulty(NotXml("Judged later.")))
    assert recorded.fault is None
    assert not outbox.add(connection, upload.event_id, object_processed(recorded, processor.results_address))
    query = "select status, detail ->> 'status' from upload join outbox using (event_id)"
    assert postgres.query(query) == [("success", "success")]
