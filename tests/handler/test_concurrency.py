"""Deliveries of one upload, or of like ones, at the same moment in two containers."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import psycopg
import pytest

from handler import ingest_function
from handler.notifications import Upload
from handler.processing import Processor
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
    wait_for_a_lock,
)

SENT = "select sent_at is not null from outbox"
RECORDED = "select key, tests, sent_at is not null from upload join run on id = event_id join outbox using (event_id)"
RESULTS = "select count(*), count(distinct test_id), (select count(*) from test) from result"


def deliver_meanwhile(postgres: Postgres, upload: Upload, processor: Processor, other: Processor) -> list[Any]:
    """What both containers answer, the other of which gets the upload while the first is reading it, and waits."""
    with ThreadPoolExecutor() as containers:
        second: Future[Any]

        def deliver_again() -> None:
            nonlocal second
            second = containers.submit(other.process, upload)
            wait_for_a_lock(postgres, second)

        first = dataclasses.replace(processor, storage=InterruptedStorage(processor.storage, deliver_again))
        return [first.process(upload), second.result()]


def test_two_containers_at_the_same_moment_have_one_effect(
    aws: Aws, postgres: Postgres, processor: Processor, other_processor: Processor
) -> None:
    """One of them announces each upload, the other finds nothing left to do."""
    uploads = [upload_of(aws.upload(f"{number}.xml")) for number in range(10)]
    for upload in uploads:
        barrier = Barrier(2)

        def process(container: Processor, upload: Upload = upload, barrier: Barrier = barrier) -> Any:
            barrier.wait()
            return container.process(upload)

        with ThreadPoolExecutor() as containers:
            details = list(containers.map(process, [processor, other_processor]))
        assert sorted(detail is None for detail in details) == [False, True]
    assert postgres.query("select count(*), count(sent_at) from upload join outbox using (event_id)") == [(10, 10)]
    assert sorted(event["detail"]["key"] for event in aws.events()) == sorted(upload.key for upload in uploads)


def test_a_large_report_that_is_delivered_twice_at_once_has_one_effect(
    aws: Aws, postgres: Postgres, processor: Processor, other_processor: Processor
) -> None:
    """The second delivery comes while the first copies its results, and waits for it."""
    upload = upload_of(aws.upload(content=report(cases=3_000)))
    other_processor.process(upload_of(aws.upload("first.txt")))
    aws.events()
    details = deliver_meanwhile(postgres, upload, processor, other_processor)
    assert sorted(detail is None for detail in details) == [False, True]
    assert postgres.query(RECORDED) == [("shop/report.xml", 3_000, True)]
    assert postgres.query(RESULTS) == [(3_000, 3_000, 3_000)]
    assert len(aws.events()) == 1


def test_a_report_waits_for_the_new_tests_of_another_one(
    aws: Aws,
    postgres: Postgres,
    processor: Processor,
    other_processor: Processor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Longer than for any other lock: two first reports of a project may each take their time."""
    monkeypatch.setitem(ingest_function.TIMEOUTS, "lock_timeout", 100)
    first, second = (upload_of(aws.upload(key, report(cases=2))) for key in ("first.xml", "second.xml"))
    with ThreadPoolExecutor() as containers:
        with other_processor.database.connected().transaction():
            other_processor.process(first)
            waiting = containers.submit(processor.process, second)
            wait_for_a_lock(postgres, waiting)
            time.sleep(0.5)
            assert not waiting.done()
        assert waiting.result()
    assert postgres.query(RESULTS) == [(4, 2, 2)]


def test_a_delivery_does_not_wait_longer_than_the_lock_timeout(
    aws: Aws,
    postgres: Postgres,
    function: Function,
    other_processor: Processor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It fails instead, and finds the work done when it comes again."""
    delivery = aws.upload(content=report(cases=3_000))
    other_processor.process(upload_of(aws.upload("first.txt")))
    monkeypatch.setitem(ingest_function.TIMEOUTS, "lock_timeout", 100)
    began, go_on = Event(), Event()

    def pause() -> None:
        began.set()
        go_on.wait()

    slow = dataclasses.replace(other_processor, storage=InterruptedStorage(other_processor.storage, pause))
    with ThreadPoolExecutor() as containers:
        first = containers.submit(slow.process, upload_of(delivery))
        try:
            began.wait()
            failed = function.invoke(message(delivery, message_id="second"))
        finally:
            go_on.set()
        assert first.result()
    assert failed == ["second"]
    assert function.log_entries[-1]["reason"] == psycopg.errors.LockNotAvailable.sqlstate
    assert function.invoke(message(delivery)) == []
    assert function.log_entries[-1]["message"] == "Upload was processed before"
    assert postgres.query(RECORDED) == [("shop/report.xml", 3_000, True)]


def test_a_fault_that_is_found_while_another_delivery_waits_is_recorded_once(
    aws: Aws, postgres: Postgres, processor: Processor, other_processor: Processor
) -> None:
    """The waiting one goes on when the first takes back what it copied, and finds the same fault."""
    upload = upload_of(aws.upload(content=report(cases=3_000)[:-1]))
    other_processor.process(upload_of(aws.upload("first.txt")))
    aws.events()
    details = deliver_meanwhile(postgres, upload, processor, other_processor)
    assert sorted(detail is None for detail in details) == [False, True]
    assert postgres.query("select error_code from upload where kind = 'junit'") == [("not_xml",)]
    assert [event["detail"]["error"]["code"] for event in aws.events()] == ["not_xml"]


def test_reports_with_the_same_new_tests_do_not_hinder_each_other(
    aws: Aws, postgres: Postgres, processor: Processor, other_processor: Processor
) -> None:
    """Different uploads at the same moment: each has its own results, and a test is there once."""
    uploads = [upload_of(aws.upload(content=report(cases=500))) for _ in range(2)]
    barrier = Barrier(2)

    def process(container: Processor, upload: Upload) -> None:
        dataclasses.replace(container, storage=InterruptedStorage(container.storage, barrier.wait)).process(upload)

    other_processor.process(upload_of(aws.upload("first.txt")))
    with ThreadPoolExecutor() as containers:
        list(containers.map(process, [processor, other_processor], uploads))
    assert postgres.query(RESULTS) == [(1_000, 500, 500)]
    assert postgres.query(RECORDED) == [("shop/report.xml", 500, True)] * 2


def test_a_delivery_waits_for_another_that_is_sending(
    aws: Aws, postgres: Postgres, processor: Processor, other_processor: Processor
) -> None:
    """If it passed by instead, its message would be deleted although the other may still fail."""
    upload = upload_of(aws.upload())
    recorded = record_only(processor, upload)
    other_processor.database.connected()
    with ThreadPoolExecutor() as containers:
        second: Future[Any]

        def fail_once_another_waits() -> None:
            nonlocal second
            second = containers.submit(other_processor.process, upload)
            wait_for_a_lock(postgres, second)
            raise ConnectionError("the answer is lost")

        failing = InterruptedPublisher(processor.publisher, fail_once_another_waits)
        with pytest.raises(ConnectionError):
            dataclasses.replace(processor, publisher=failing).process(upload)
        assert second.result() == recorded
    assert postgres.query(SENT) == [(True,)]
    assert processor.process(upload) is None
    assert [event["detail"]["event_id"] for event in aws.events()] == [str(upload.event_id)] * 2
