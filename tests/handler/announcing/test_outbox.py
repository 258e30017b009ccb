"""The events of an upload, each of which is sent at least once and, if nothing fails, once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest

from handler.announcing import outbox
from handler.announcing.event import Event
from handler.announcing.publisher import EventPublisher
from handler.errors import EventNotAccepted
from handler.notifications import Upload
from handler.processing import Processor
from tests.handler.helpers.surroundings import (
    VARIABLES,
    Aws,
    InterruptedPublisher,
    Postgres,
    record_only,
    upload_of,
    wait_for_a_lock,
)

SENT = "select detail_type, sent_at is not null from outbox order by position"
# One that the bus takes, and one that it refuses.
GOOD, BAD = "Something Else", ""


class Bus(EventPublisher):
    """The bus, and what it was asked to take at once."""

    def __init__(self, publisher: EventPublisher) -> None:
        self._publisher = publisher
        self.calls: list[list[str]] = []

    def put(self, events: Sequence[Event]) -> list[str | None]:
        self.calls.append([event.detail_type for event in events])
        return self._publisher.put(events)


def leave(processor: Processor, upload: Upload, *detail_types: str) -> None:
    """Records the upload, and leaves events of these types beside its own, as a container does that dies then."""
    record_only(processor, upload)
    for detail_type in detail_types:
        event = Event(uuid4(), detail_type, {"type": detail_type})
        assert outbox.add(processor.database.connected(), upload.event_id, event)


def arrived(aws: Aws) -> list[str]:
    return [event["detail-type"] for event in aws.events()]


def test_all_events_of_an_upload_go_in_one_call(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """In the order in which they were left, and those of another upload do not."""
    upload, other = upload_of(aws.upload("a.txt")), upload_of(aws.upload("b.txt"))
    leave(processor, other)
    leave(processor, upload, GOOD)
    bus = Bus(processor.publisher)
    assert dataclasses.replace(processor, publisher=bus).process(upload)
    assert bus.calls == [["S3 Object Processed", GOOD]]
    assert arrived(aws) == ["S3 Object Processed", GOOD]
    assert postgres.query(SENT) == [("S3 Object Processed", False), ("S3 Object Processed", True), (GOOD, True)]


def test_what_the_bus_refuses_stays(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """The delivery fails, and the next one sends that alone."""
    upload = upload_of(aws.upload("a.txt"))
    leave(processor, upload, BAD, GOOD)
    with pytest.raises(EventNotAccepted) as error:
        processor.process(upload)
    assert str(error.value) == "The event bus refused 1 of 3 events: InvalidArgument."
    assert arrived(aws) == ["S3 Object Processed", GOOD]
    assert postgres.query(SENT) == [("S3 Object Processed", True), (BAD, False), (GOOD, True)]
    postgres.query("update outbox set detail_type = 'Mended' where sent_at is null")
    assert processor.process(upload)
    assert arrived(aws) == ["Mended"]
    assert processor.process(upload) is None
    assert arrived(aws) == []


def test_a_bus_that_refuses_all_of_them_leaves_all(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """None is taken for sent."""
    upload = upload_of(aws.upload("a.txt"))
    leave(processor, upload, GOOD)
    deaf = EventPublisher(aws.client("events"), name=VARIABLES["EVENT_BUS_NAME"], source="")
    with pytest.raises(EventNotAccepted, match="refused 2 of 2 events"):
        dataclasses.replace(processor, publisher=deaf).process(upload)
    assert postgres.query(SENT) == [("S3 Object Processed", False), (GOOD, False)]


def test_a_failure_after_the_events_sends_all_of_them_again(aws: Aws, postgres: Postgres, processor: Processor) -> None:
    """Nobody can know which arrived; consumers drop the repeats by their ids."""
    upload = upload_of(aws.upload("a.txt"))
    leave(processor, upload, GOOD)
    interrupted = InterruptedPublisher(processor.publisher, postgres.cut_connections)
    with pytest.raises(psycopg.OperationalError):
        dataclasses.replace(processor, publisher=interrupted).process(upload)
    assert processor.process(upload)
    assert arrived(aws) == ["S3 Object Processed", GOOD] * 2


def test_a_second_delivery_waits_and_sends_what_the_first_could_not(
    aws: Aws, postgres: Postgres, processor: Processor, other_processor: Processor
) -> None:
    """If it passed by instead, its message would be deleted, and nobody would send the rest."""
    upload = upload_of(aws.upload("a.txt"))
    leave(processor, upload, BAD)
    other_processor.database.connected()
    with ThreadPoolExecutor() as containers:
        second: Future[object]

        def deliver_again() -> None:
            nonlocal second
            second = containers.submit(other_processor.process, upload)
            wait_for_a_lock(postgres, second)

        waited_for = InterruptedPublisher(processor.publisher, deliver_again)
        with pytest.raises(EventNotAccepted, match="refused 1 of 2 events"):
            dataclasses.replace(processor, publisher=waited_for).process(upload)
        with pytest.raises(EventNotAccepted, match="refused 1 of 1 events"):
            second.result()
    assert arrived(aws) == ["S3 Object Processed"]
    assert postgres.query(SENT) == [("S3 Object Processed", True), (BAD, False)]
