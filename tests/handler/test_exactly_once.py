"""One upload has one effect, however often, in whatever order and wherever it is delivered."""

from __future__ import annotations

import dataclasses
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from handler.errors import NotXml
from handler.notifications import Upload
from handler.origin import Origin
from handler.processing import Processor
from tests.handler.surroundings import Aws, Function, Postgres, message, upload_of

ORIGIN = Origin(project="shop")
SENT = "select sent_at is not null from outbox"


def refuse(detail: dict[str, object]) -> None:
    """Stands for a put that must not happen."""
    raise AssertionError(f"put again: {detail}")


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


def test_a_redelivered_upload_is_not_read_again(aws: Aws, processor: Processor) -> None:
    """The record stands, even if the object was deleted after it."""
    record = aws.upload()
    processor.process(upload_of(record))
    aws.client("s3").delete_object(Bucket="uploads", Key="shop/report.xml", VersionId=upload_of(record).version_id)
    assert processor.process(upload_of(record)) is None


def test_a_failure_before_the_record_leaves_nothing_behind(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """The next delivery starts from the beginning."""
    processor.process(upload_of(aws.upload("other.xml")))
    upload = upload_of(aws.upload())
    elsewhere = dataclasses.replace(upload, bucket="no-such-bucket")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        processor.process(elsewhere)
    assert postgres.query("select key from upload") == [("other.xml",)]


def test_a_failure_within_the_record_leaves_nothing_behind(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """Without its event an upload would never be announced."""
    processor.process(upload_of(aws.upload("other.xml")))
    postgres.query("alter table outbox rename to elsewhere")
    with pytest.raises(psycopg.errors.UndefinedTable):
        processor.process(upload_of(aws.upload()))
    assert postgres.query("select key from upload") == [("other.xml",)]


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
    assert processor.process(upload) == recorded
    assert [event["detail"] for event in aws.events()] == [recorded]
    assert postgres.query(SENT) == [(True,)]


def test_a_failure_after_the_event_sends_it_again_under_the_same_id(
    aws: Aws, postgres: Postgres, processor: Processor
) -> None:
    """Nobody can know whether it arrived; consumers drop the repeat by its id."""
    upload = upload_of(aws.upload())

    def put_and_lose_the_connection(detail: dict[str, object]) -> None:
        processor.events.put(detail)
        postgres.cut_connections()

    record(processor, upload)
    with pytest.raises(psycopg.OperationalError):
        processor.database.send_event(upload, put_and_lose_the_connection)
    assert postgres.query(SENT) == [(False,)]
    processor.process(upload)
    assert [event["detail"]["event_id"] for event in aws.events()] == [str(upload.event_id)] * 2
    assert postgres.query(SENT) == [(True,)]


def test_the_first_record_stands(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """Of two deliveries that judge an upload differently, one decides for the row and for the event."""
    upload = upload_of(aws.upload())
    record(processor, upload)
    fault = NotXml("Judged later.")
    processor.database.record(
        upload,
        ORIGIN,
        processed_at=datetime.now(UTC),
        report=None,
        fault=fault,
        detail=lambda _: {"status": "error"},
    )
    query = "select status, detail ->> 'status' from upload join outbox using (event_id)"
    assert postgres.query(query) == [("success", "success")]


def test_two_containers_at_the_same_moment_have_one_effect(
    aws: Aws, postgres: Postgres, processor: Processor, other_processor: Processor
) -> None:
    """One of them announces each upload, the other finds nothing left to do."""
    uploads = [upload_of(aws.upload(f"{number}.xml")) for number in range(10)]
    # Else the containers would meet at the schema's lock instead of the upload's.
    processor.process(uploads[0])
    other_processor.process(uploads[0])
    for upload in uploads[1:]:
        barrier = Barrier(2)

        def process(container: Processor, upload: Upload = upload, barrier: Barrier = barrier) -> Any:
            barrier.wait()
            return container.process(upload)

        with ThreadPoolExecutor() as containers:
            details = list(containers.map(process, [processor, other_processor]))
        assert sorted(detail is None for detail in details) == [False, True]
    assert postgres.query("select count(*), count(sent_at) from upload join outbox using (event_id)") == [(10, 10)]
    assert sorted(event["detail"]["key"] for event in aws.events()) == sorted(upload.key for upload in uploads)


def test_a_delivery_waits_for_another_that_is_sending(
    aws: Aws, postgres: Postgres, processor: Processor, other_processor: Processor
) -> None:
    """If it passed by instead, its message would be deleted although the other may still fail."""
    upload = upload_of(aws.upload())
    record(processor, upload)
    other_processor.database.is_recorded(upload)
    with ThreadPoolExecutor() as containers:
        second: Future[Any]

        def fail_once_another_waits(_: dict[str, object]) -> None:
            nonlocal second
            second = containers.submit(other_processor.database.send_event, upload, other_processor.events.put)
            sessions = "select wait_event_type from pg_stat_activity where application_name = 'tap-handler'"
            while ("Lock",) not in postgres.query(sessions) and not second.done():
                pass
            raise ConnectionError("the bus is gone")

        with pytest.raises(ConnectionError):
            processor.database.send_event(upload, fail_once_another_waits)
        assert second.result() == {"event_id": str(upload.event_id), "status": "success"}
    assert postgres.query(SENT) == [(True,)]
    assert processor.database.send_event(upload, refuse) is None


def record(processor: Processor, upload: Upload) -> None:
    """Records the upload and leaves its event unsent, as a container does that dies in between."""
    detail: dict[str, object] = {"event_id": str(upload.event_id), "status": "success"}
    processor.database.record(
        upload, ORIGIN, processed_at=datetime.now(UTC), report=None, fault=None, detail=lambda _: detail
    )
